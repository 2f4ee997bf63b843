# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's frames on disk."""

from __future__ import annotations

import json
from pathlib import Path

from radiofm_core.spectrum.spec import SpectrogramSpec

from ...waveforms import side_by_side
from ..data import generated
from ..data.sources import FramesConfig
from ..data.store import FrameSet
from . import scenes, strata


class BenchmarkSet(FrameSet):
    """The frames, with ``facts`` about each of them (:class:`.scenes.BenchmarkFrame`)."""

    def __init__(self, folder: Path, spec: SpectrogramSpec):
        super().__init__(folder, spec)
        self.facts: list[dict] = json.loads((folder / generated.FACTS).read_text())


def code_fingerprint() -> str:
    """16 hexadecimal digits that stand for the code that draws the frames: scores are of the same
    frames where they are alike."""
    return generated.generator_fingerprint(scenes, side_by_side, strata)


def prepare(below: Path, frames: int, spec: SpectrogramSpec, workers: int) -> Path:
    """Generate the first ``frames`` frames in a folder ``below`` with ``workers`` processes; a
    complete set that this code made is left as it is. Returns its folder; raises OutputError if
    it cannot be written."""
    config = FramesConfig(frames, strata.FIRST_SEED, spec.rows)
    fields = generated.wanted(config, spec) | {"source": strata.NAME, "code": code_fingerprint()}
    folder = below / (f"{strata.NAME}-{frames}" + generated.channels(spec))
    return generated.generate(folder, fields, config, spec, workers, scenes.BenchmarkMaker)
