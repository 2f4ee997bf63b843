# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that follows the user's locale, as a graphical one does, gets the same results where
numbers are written with a decimal comma."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from csi_files import TOOL_HEADER, buffer_of, tool_line
from csi_room import Room
from level_model import make_level_bundle, two_carriers, write_recording
from motion_model import make_motion_bundle
from PIL import Image
from radiofm_command import assert_same_words

COMMA = """comment_char %
escape_char /
LC_NUMERIC
decimal_point ","
thousands_sep "."
grouping 3;3
END LC_NUMERIC
"""
RUN = """
import locale, sys
locale.setlocale(locale.LC_ALL, "")
assert locale.localeconv()["decimal_point"] == {point!r}
from radiofm_cli import main
sys.exit(main(sys.argv[1:]))
"""
POINTS = {"C": ".", "comma": ","}


@pytest.fixture(scope="module")
def locales(tmp_path_factory):
    """A folder with a locale of decimal commas, made here: none needs to be installed."""
    if not shutil.which("localedef") or not os.path.exists("/usr/share/i18n/charmaps"):
        pytest.skip("localedef or its character maps are absent (apt install locales)")
    folder = tmp_path_factory.mktemp("locales")
    (folder / "source").write_text(COMMA)
    # it complains of categories that are left out, and makes the rest
    subprocess.run(
        ["localedef", "-c", "--no-archive", "-i", folder / "source", folder / "comma"],
        capture_output=True,
    )
    assert (folder / "comma" / "LC_NUMERIC").exists()
    return folder


def results(locales, name, out, *arguments) -> tuple[dict, dict]:
    """What a command printed and wrote under a locale: texts and arrays by their names."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(point=POINTS[name]), *map(str, arguments), "--out", out],
        env={**os.environ, "LOCPATH": str(locales), "LC_ALL": name, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    files = {path.name: path for path in out.iterdir() if not path.is_symlink()}
    arrays = {name: dict(np.load(path)) for name, path in files.items() if name.endswith(".npz")}
    arrays |= {name: {"pixels": pixels(path)} for name, path in files.items() if is_picture(path)}
    rest = {name: path.read_text() for name, path in files.items() if name not in arrays}
    return {"printed": done.stdout.replace(str(out), "OUT")} | rest, arrays


def is_picture(path) -> bool:
    return path.suffix == ".png"


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def check_same(locales, folder, *arguments) -> None:
    dots, commas = (results(locales, name, folder / name, *arguments) for name in POINTS)
    assert commas[0].keys() == dots[0].keys() and commas[1].keys() == dots[1].keys()
    for name, text in dots[0].items():
        assert_same_words(text, commas[0][name])
    for name, arrays in dots[1].items():
        for key, values in arrays.items():
            found = commas[1][name][key]
            assert found.shape == values.shape, key
            if key == "pixels":
                # the FFT takes the plan that was the fastest in a trial: the last bit of a level
                # can differ, and so a colour by a shade; a letter differs by more
                assert np.abs(found - values).max() <= 8
            else:
                assert np.array_equal(found, values), key


def test_segment(tmp_path, locales):
    recording = write_recording(tmp_path / "two", two_carriers(0.1))
    model = make_level_bundle(tmp_path / "level.pt")
    check_same(
        locales, tmp_path, "segment", recording, "--model", model, "--frame-duration", "5e-3"
    )


def test_activity_from_a_table_of_text(tmp_path, locales, write_file):
    times = np.arange(0, 3, 0.01)
    channel = np.round(Room().channel(times, np.arange(-32, 32))[:, 0] * 20)
    rows = zip(times, np.fft.ifftshift(channel, axes=1), strict=True)
    lines = [tool_line(buffer_of(row), 0, real_time=1.7e9 + time_s) for time_s, row in rows]
    path = write_file([TOOL_HEADER, *lines], "walk.csv")
    model = make_motion_bundle(tmp_path / "motion.pt")
    check_same(locales, tmp_path, "activity", path, "--model", model, "--min-confidence", "0.5")
