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


def results(locales, name, out, *arguments) -> tuple[str, dict]:
    """What a command printed and wrote under a locale."""
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
    rest = {name: path.read_bytes() for name, path in files.items() if name not in arrays}
    return done.stdout.replace(str(out), "OUT"), rest, arrays


def is_picture(path) -> bool:
    return path.suffix == ".png"


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def check_same(locales, folder, *arguments) -> None:
    dots, commas = (results(locales, name, folder / name, *arguments) for name in POINTS)
    assert commas[:2] == dots[:2]
    for name, arrays in dots[2].items():
        for key, values in arrays.items():
            found = commas[2][name][key]
            assert found.shape == values.shape, key
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
