# SPDX-License-Identifier: GPL-3.0-or-later
"""The notebooks run as they are, and show what they printed and drew when they were run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "examples/notebooks").glob("*.ipynb"))
# A git host and the site show them as they are
MOST_BYTES = 300_000


def outputs_of(notebook: dict) -> list[list[str]]:
    """For each cell of code what kinds of output it has, and of text the words without numbers."""
    return [
        [
            "picture" if "image/png" in output.get("data", {}) else words_of(output)
            for output in cell["outputs"]
        ]
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def words_of(output: dict) -> str:
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return re.sub(r"[\d.,]+", "#", "".join(text)).strip()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_showed(path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs/site")
    from run_notebooks import run

    kept = json.loads(path.read_text())
    ran = run(path)
    assert outputs_of(ran) == outputs_of(kept)
    assert sum(found.count("picture") for found in outputs_of(kept)) >= 2
    assert path.stat().st_size < MOST_BYTES


def test_the_shipped_encoder_fills_in_what_is_hidden():
    """As the notebook shows: nearer to the truth than a mean is."""
    path = ROOT / "examples/notebooks/masked_spectrogram_modelling.ipynb"
    kept = json.loads(path.read_text())
    text = "".join("".join(o.get("text", "")) for c in kept["cells"] for o in c.get("outputs", []))
    off = {name: float(db) for name, db in re.findall(r"^(.+?) +([\d.]+) dB off \(", text, re.M)}
    assert off["the model"] < off["mean of the bin"] and off["the model"] < off["mean of the frame"]
