# SPDX-License-Identifier: GPL-3.0-or-later
"""inspectrum opens what is written, and draws each annotation where the emission is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from level_flow import write_two_carriers
from level_model import CENTER, RATE, two_carriers
from matplotlib.image import imread

SCREENSHOTS = Path(__file__).parent.parent / "docs/screenshots"
# A row of inspectrum's picture is a bin of its transform, a column a transform
BINS = 512

pytestmark = pytest.mark.skipif(
    not (shutil.which("inspectrum") and shutil.which("Xvfb")),
    reason="inspectrum or Xvfb is not installed; ./dev test installs both on Debian",
)


@pytest.fixture(scope="module")
def picture(tmp_path_factory, one_thread):
    """(how white each pixel is, rows from the top; annotations) of what the sink wrote."""
    folder = tmp_path_factory.mktemp("inspectrum")
    write_two_carriers(folder, two_carriers(0.2))
    (described,) = (folder / "out").glob("*.sigmf-meta")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCREENSHOTS)
        import inspectrum
    inspectrum.take(described, folder / "taken.png")
    white = imread(folder / "taken.png")[..., :3].min(axis=2)
    found = json.loads(described.read_text())["annotations"]
    return white, {each["core:label"]: each for each in found}


def row_of(frequency: float) -> float:
    return (CENTER + RATE / 2 - frequency) / RATE * BINS


def longest_line(white: np.ndarray, row: float) -> tuple[int, int]:
    """(first column, columns) of the longest white line in or next to a row of the picture."""
    best = (0, 0)
    for line in white[round(row) - 1 : round(row) + 2] > 0.99:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            best = max(best, (start, stop - start), key=lambda found: found[1])
    return best


def test_boxes_are_where_the_emissions_are(picture):
    white, found = picture
    assert set(found) == {"lte", "nr"}
    lines = {}
    for label, each in found.items():
        edges = (each["core:freq_upper_edge"], each["core:freq_lower_edge"])
        upper, lower = (longest_line(white, row_of(edge)) for edge in edges)
        for line in (upper, lower):
            assert line[1] == pytest.approx(each["core:sample_count"] / BINS, abs=3), label
        assert upper[0] == pytest.approx(lower[0], abs=1)
        lines[label] = upper
    later = found["nr"]["core:sample_start"] - found["lte"]["core:sample_start"]
    assert lines["nr"][0] - lines["lte"][0] == pytest.approx(later / BINS, abs=2)


def test_labels_stand_above_their_boxes(picture):
    white, found = picture
    for each in found.values():
        row = row_of(each["core:freq_upper_edge"])
        first, _ = longest_line(white, row)
        rows = slice(round(row) - 14, round(row) - 2)
        # two letters of whatever font there is, and nothing beside them
        assert (white[rows, first : first + 30] > 0.5).sum() >= 8
        assert (white[rows, first + 60 : first + 90] > 0.5).sum() <= 2
