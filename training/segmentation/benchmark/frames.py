# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's frames on disk, and that they are the same ones as ever."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from radiofm_core.errors import UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec

from ...waveforms.kinds import KINDS
from ..classes import Classes
from ..data import generated, store
from ..data.sources import FramesConfig
from ..data.store import FrameSet
from . import strata
from .scenes import BenchmarkFrame, BenchmarkMaker

NAME = strata.NAME
# What some frames look like, made once and for all (:func:`sketch`): a benchmark of other frames is
# another benchmark
REFERENCE = Path(__file__).with_name(f"{NAME}.json")
# Frames of the reference: of each scenario the first that is quick to draw (seconds x 15 kHz)
QUICK = 30.0
REFERENCE_FRAMES = tuple(
    next(
        i
        for i, s in enumerate(strata.STRATA)
        if s.scenario == scenario
        and (
            s.part == strata.PAPER or s.fft_15k * (s.length_s + s.before * strata.BEFORE_S) < QUICK
        )
    )
    for scenario in dict.fromkeys(s.scenario for s in strata.STRATA)
)
BLOCK = 32
# Processors differ in a number's last bits
LEVEL_TOLERANCE_DB = 0.05
PIXEL_TOLERANCE = 20


class BenchmarkSet(FrameSet):
    """The frames, with ``emission_of`` and ``facts`` of each of them, as
    :class:`.scenes.BenchmarkFrame` has them."""

    def __init__(self, folder: Path, spec: SpectrogramSpec, classes: Classes):
        super().__init__(folder, spec, classes)
        self.facts: list[dict] = json.loads((folder / generated.FACTS).read_text())
        self.emission_of = np.load(folder / "emission_of.npy", mmap_mode="r")


def sketch(frame: BenchmarkFrame) -> dict:
    """A frame in short, JSON-ready: the mean level of each BLOCK x BLOCK pixels (dB above the
    frame's mean), pixels by kind, and how many emissions there are."""
    level = frame.level_db[0].double()
    rows, cols = (size // BLOCK for size in level.shape)
    blocks = level.reshape(rows, BLOCK, cols, BLOCK).mean((1, 3)) - level.mean()
    counts = np.bincount(frame.truth.numpy().ravel(), minlength=256)
    names = dict(enumerate(KINDS)) | {255: "not scored"}
    return {
        "levels_db": [round(value, 2) for value in blocks.flatten().tolist()],
        "pixels": {names[i]: int(n) for i, n in enumerate(counts) if n},
        "emissions": len(frame.facts["emissions"]),
        "scenario": frame.facts["scenario"],
    }


def check_frozen(frames: tuple[int, ...] = REFERENCE_FRAMES) -> None:
    """Raises UsageError where the code no longer draws the benchmark's ``frames`` (numbers out of
    REFERENCE_FRAMES) as it did when the benchmark was made."""
    wanted = dict(zip(REFERENCE_FRAMES, json.loads(REFERENCE.read_text()), strict=True))
    maker = BenchmarkMaker(SpectrogramSpec())
    for number in frames:
        found, told = sketch(maker.frame(strata.FIRST_SEED + number)), wanted[number]
        levels = np.subtract(found["levels_db"], told["levels_db"])
        kinds = found["pixels"].keys() | told["pixels"].keys()
        pixels = [found["pixels"].get(k, 0) - told["pixels"].get(k, 0) for k in kinds]
        most_db, most_pixels = np.abs(levels).max(), np.abs(pixels).max()
        same = found["emissions"] == told["emissions"] and found["scenario"] == told["scenario"]
        if not same or most_db > LEVEL_TOLERANCE_DB or most_pixels > PIXEL_TOLERANCE:
            raise UsageError(
                f"the generator draws other frames than those of {NAME}: frame {number} "
                f"({told['scenario']}) differs by {most_db:.2g} dB and {most_pixels} pixels; its "
                "scores would not compare with earlier ones. "
                "Draw its frames as before, or make a new benchmark with a name of its own"
            )


def prepare(below: Path, frames: int, spec: SpectrogramSpec, workers: int) -> Path:
    """Generate the first ``frames`` frames in a folder ``below`` with ``workers`` processes; a
    complete set that is there is left as it is. Returns its folder.

    Raises:
        UsageError: as :func:`check_frozen`.
        OutputError: it cannot be written.
    """
    config = FramesConfig(frames, strata.FIRST_SEED, spec.rows)
    folder = below / (f"{NAME}-{frames}" + generated.channels(spec))
    fields = generated.wanted(config, spec, BenchmarkMaker) | {"source": NAME}
    if not store.is_prepared(folder, fields):
        check_frozen()
    return generated.generate(folder, fields, config, spec, workers, BenchmarkMaker)


def write_reference() -> None:
    """Make REFERENCE anew, for a benchmark with a new name:
    ``python -c "from training.segmentation.benchmark.frames import write_reference as w; w()"``."""
    maker = BenchmarkMaker(SpectrogramSpec())
    made = [sketch(maker.frame(strata.FIRST_SEED + i)) for i in REFERENCE_FRAMES]
    REFERENCE.write_text("[\n" + ",\n".join(json.dumps(one) for one in made) + "\n]\n")
