# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames as a framer of 1.92 MS/s makes them: noise and a carrier, without GNU Radio."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from radiofm_core import keys
from radiofm_core.spectrum.spec import CELL_COLS, SpectrogramSpec

RATE, CENTER = 1.92e6, 1.8e9
HOPS = 1
NOISE_DB, CARRIER_DB = -80.0, -40.0
CARRIER = slice(40, 100)


def frame_fields(spec: SpectrogramSpec, index: int, rows: int | None = None) -> dict:
    """The dict of a stream's frame number ``index``."""
    samples = spec.frame_samples(HOPS)
    rows = rows or spec.rows
    moment = index * samples / RATE
    fields = {
        keys.ROWS: rows,
        keys.COLS: spec.cols,
        keys.CHANNELS: len(spec.channels),
        keys.FRAME_INDEX: index,
        keys.SAMPLE_OFFSET: index * samples,
        keys.SAMPLE_RATE: RATE,
        keys.CENTER_FREQUENCY: CENTER,
        keys.RX_TIME: (int(moment), moment % 1.0),
        keys.ROW_DURATION: spec.row_samples(HOPS) / RATE,
        keys.ROW_SAMPLES: spec.row_samples(HOPS),
        keys.SPEC: spec.fingerprint,
        keys.LAST: False,
    }
    if spec.evidence_lags:
        fields |= {
            keys.EVIDENCE_LAGS: list(spec.evidence_lags),
            keys.EVIDENCE_ROWS: -(-rows // spec.row_multiple),
            keys.EVIDENCE_COLS: CELL_COLS,
        }
    return fields


def frame_vector(spec: SpectrogramSpec, seed: int, rows: int | None = None) -> np.ndarray:
    """Noise of one transform a row, a carrier in it, and evidence, a tenth of it NaN."""
    rng = np.random.default_rng(seed)
    rows = rows or spec.rows
    shape = (len(spec.channels), rows, spec.cols)
    power = rng.exponential(1.0, shape) * 10 ** (NOISE_DB / 10)
    power[:, :, CARRIER] += rng.exponential(1.0, power[:, :, CARRIER].shape) * 10 ** (
        CARRIER_DB / 10
    )
    level = (10 * np.log10(power)).astype(np.float32)
    cells = len(spec.evidence_lags) * 2 * -(-rows // spec.row_multiple) * CELL_COLS
    evidence = rng.normal(0.0, 0.03, cells).astype(np.float32)
    evidence[rng.random(cells) < 0.1] = np.nan
    return np.concatenate([level.ravel(), evidence])


def endless_frames(spec: SpectrogramSpec) -> Iterator[tuple[dict, np.ndarray]]:
    """The frames of a stream that does not end."""
    vectors = [frame_vector(spec, seed) for seed in range(8)]
    index = 0
    while True:
        yield frame_fields(spec, index), vectors[index % len(vectors)]
        index += 1
