# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits how the level of motion weighs what changes in a window (:mod:`radiofm_core.csi.motion`).

``.venv/bin/python -m training.activity.motion_fit DATA`` makes ROOMS simulated rooms and reads the
part that the shipped classifier learns from, D1 of the set in DATA
(:mod:`training.activity.data.stability`), as it is and with packets left out; fits logistic
regression of "somebody moves"; prints the constants of that module.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from radiofm_core.csi.motion import EVEN_DB, Changes, changes_of
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiFramer

from .data.clips import Clip
from .data.losses import burst_losses, slower
from .data.simulated import MOVEMENTS, make_clip
from .data.stability import read_clips

ROOMS, FIRST_SEED, SECONDS = 300, 100_001, 10.0
STILL = (MOVEMENTS[0], "SEATED")
RATES_HZ = (50.0, 30.0, 20.0)
STEPS, RIDGE = 50, 1e-3

Row = tuple[Changes, bool]


def rows_of(clip: Clip, packets: Iterable[CsiPacket], whole: bool) -> Iterator[Row]:
    """The changes of a clip's windows, and whether somebody moves: of windows whose middle has one
    label; ``whole``: and whose rest has no other."""
    framer = CsiFramer(CsiSpec(), refuse_faults=False)
    for packet in (*packets, None):
        for window in framer.finish() if packet is None else framer.push(packet):
            begin = window.time_ns + round((window.duration_s - window.hop_s) / 2 * 1e9)
            end = begin + round(window.hop_s * 1e9)
            middle = {s.label for s in clip.spans if s.start_ns <= begin and end <= s.end_ns}
            last = window.time_ns + round(window.duration_s * 1e9)
            every = {s.label for s in clip.spans if s.start_ns < last and window.time_ns < s.end_ns}
            changes = changes_of(window.amplitude, window.rate_hz, window.received)
            if middle and changes is not None and (not whole or len(every) == 1):
                yield changes, middle.pop() not in STILL


def simulated_rows() -> Iterator[Row]:
    """Of simulated rooms."""
    for seed in range(FIRST_SEED, FIRST_SEED + ROOMS):
        clip = make_clip(seed, SECONDS)
        yield from rows_of(clip, clip.packets, True)


def recorded_rows(folder: str | Path) -> Iterator[Row]:
    """Of D1: as it is, at lower rates, and with half of the packets lost in bursts."""
    for number, clip in enumerate(read_clips(folder, "D1", True)):
        rng = np.random.default_rng(number)
        yield from rows_of(clip, clip.packets, False)
        for rate_hz in RATES_HZ:
            yield from rows_of(clip, slower(clip.packets, rate_hz), False)
        yield from rows_of(clip, burst_losses(clip.packets, rng), False)


def fit(x: np.ndarray, moves: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (features,) and offset of a logistic regression, both kinds counting the same."""
    mean, spread = x.mean(0), x.std(0)
    ones = np.c_[(x - mean) / spread, np.ones(len(x))]
    share = moves.mean()
    counts = np.where(moves, 0.5 / share, 0.5 / (1 - share))
    found = np.zeros(ones.shape[1])
    ridge = RIDGE * len(x) * np.r_[np.ones(x.shape[1]), 0.0]
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-ones @ found))
        slope = ones.T @ (counts * (moves - p)) - ridge * found
        curve = (ones * (counts * p * (1 - p))[:, None]).T @ ones + np.diag(ridge)
        found = found + np.linalg.solve(curve, slope)
    weights = found[:-1] / spread
    return weights, float(found[-1] - weights @ mean)


def main() -> None:
    """Fit and print."""
    rows = [*simulated_rows(), *recorded_rows(sys.argv[1])]
    names = tuple(Changes.__dataclass_fields__)
    x = np.array([[getattr(changes, name) for name in names] for changes, _ in rows])
    moves = np.array([moving for _, moving in rows])
    weights, offset = fit(x, moves)
    # a level in dB: those above the noise are weighed as a mean
    scale = weights[:-1].sum()
    told = ", ".join(f"{weight / scale:.3f}" for weight in weights)
    print(f"{len(rows)} windows, {moves.mean():.2f} of them moving")
    print(f"WEIGHTS = Changes({told})")
    print(f"OFFSET_DB = {EVEN_DB + offset / scale:.2f}")
    print(f"ODDS_DB = {1 / scale:.2f}")
    right = ((x @ weights + offset > 0) == moves).mean()
    print(f"right in {right:.3f} of them")


if __name__ == "__main__":
    main()
