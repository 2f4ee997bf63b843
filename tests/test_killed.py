# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed while it writes leaves each result as it was before, or whole."""

import json
import signal

import numpy as np
import pytest
from csi_walk import WALKING, scene, write_npz
from level_model import make_level_bundle, two_carriers, write_recording
from matplotlib.image import imread
from motion_model import make_motion_bundle
from radiofm_command import leftovers, radiofm, stopped_radiofm

OLD = b"what an earlier run wrote"


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


READERS = {
    ".jsonl": read_lines,
    ".png": imread,
    ".npz": lambda path: np.load(path)["mask"].shape,
    ".sigmf-meta": lambda path: json.loads(path.read_text())["annotations"],
}


# Just before a whole file gets its final name, and while the files are written one by one
COMMIT = "radiofm_core.outputs.files:PendingFile.commit"
CLOSE = "radiofm_core.outputs.files:PendingFile.close"


@pytest.mark.parametrize(("place", "count"), [(CLOSE, 3), (COMMIT, 3)])
def test_segment(tmp_path, place, count):
    recording = write_recording(tmp_path / "two", two_carriers(0.1))
    model = make_level_bundle(tmp_path / "level.pt")
    names = ["two.jsonl", "two.mask.npz", "two.png", "two.sigmf-meta"]
    check(tmp_path / "out", ["segment", recording, "--model", model], names, place, count)


@pytest.mark.parametrize(("place", "count"), [(COMMIT, 2)])
def test_activity(tmp_path, place, count):
    walk = write_npz(tmp_path / "walk.npz", scene((WALKING, 4.0)))
    model = make_motion_bundle(tmp_path / "motion.pt")
    names = ["walk.jsonl", "walk.png"]
    check(tmp_path / "out", ["activity", walk, "--model", model], names, place, count)


def check(out, arguments, names, place, count) -> None:
    out.mkdir()
    for name in names:
        (out / name).write_bytes(OLD)
    # what lies there does not say what it is of
    arguments = [*arguments, "--out", out, "--overwrite"]
    killed = stopped_radiofm(place, signal.SIGKILL, *arguments, count=count)
    assert killed.returncode == -signal.SIGKILL
    new = [name for name in names if (out / name).read_bytes() != OLD]
    assert len(new) == (count - 1 if place == COMMIT else 0)
    for name in new:
        assert READERS[(out / name).suffix](out / name) is not None
    assert [name for name in leftovers(out) if name.endswith(".part")]
    # and the next run takes nothing amiss, and clears away what the killed one left
    done = radiofm(*arguments)
    assert done.returncode == 0, done.stderr
    assert [name for name in leftovers(out) if name.endswith(".part")] == []
    assert all(READERS[(out / name).suffix](out / name) is not None for name in names)
