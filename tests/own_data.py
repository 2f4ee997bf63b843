# SPDX-License-Identifier: GPL-3.0-or-later
"""Small data of a user's own, as real files, with what is in them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import scipy.io
import torch
from PIL import Image

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.segmentation.classes import DEFAULT
from training.waveforms import lte
from training.waveforms.ofdm import Grid, Sender, emit
from training.waveforms.rng import Rng
from training.waveforms.scene import truth_of
from training.waveforms.span import LTE, NoiseBank, Span

SPEC = SpectrogramSpec()
RATE = 3.84e6
CENTER_HZ = 796e6
ROWS = 192
OFFSET = 30  # subcarriers
# dtype, full scale and middle of one component
STORED = {
    "cf32_le": ("<f4", 1.0, 0.0),
    "ci16_le": ("<i2", 32768, 0.0),
    "ci16_be": (">i2", 32768, 0.0),
    "cu8": ("u1", 128, 127.5),
}


def make_recording(
    stem: Path, seed: int, datatype: str = "ci16_le", label: str = "lte", annotated: bool = True
) -> np.ndarray:
    """Write a SigMF pair of 192 rows with an LTE TDD carrier of 3 MHz between pauses; every period
    on the air is an annotation. Returns the generator's own truth, uint8 (192, 256)."""
    iq, truth, grid, span = on_air(seed)
    write_samples(stem, iq, datatype)
    half = (grid.truth.shape[1] * 12 + 1) / 2
    boxes = [
        {
            "core:sample_start": start,
            "core:sample_count": stop - start,
            "core:freq_lower_edge": CENTER_HZ + (OFFSET - half) * 15e3,
            "core:freq_upper_edge": CENTER_HZ + (OFFSET + half) * 15e3,
            "core:label": label,
        }
        for start, stop in periods(grid, span)
    ]
    write_meta(stem, boxes if annotated else [], datatype)
    return truth


@cache
def on_air(seed: int) -> tuple[np.ndarray, np.ndarray, Grid, Span]:
    """Samples (samples, 2), truth (192, 256), and the grid and span that they come from."""
    rng = Rng(seed)
    span = Span(round(RATE / 15e3), SPEC.hops_per_row(RATE), ROWS, SPEC)
    cell = lte.LteCarrier(15, 1, 7, 2, 101, 0.8, 0.6, 3.0)
    grid = lte.build_grid(cell, int(span.duration * 1e3) + 3, OFFSET, 0.4e-3, rng)
    emission = emit(grid, span, LTE, 15.0, rng, Sender())
    iq = NoiseBank(rng.generator, 1 << 18).draw(span.samples) + emission.iq
    return torch.view_as_real(0.02 * iq).numpy(), truth_of([emission], span).numpy(), grid, span


def periods(grid: Grid, span: Span) -> list[tuple[int, int]]:
    """(first sample, end) of each stretch of symbols that are sent."""
    sent = np.concatenate([[False], grid.truth.any(1).numpy(), [False]])
    changes = np.nonzero(sent[1:] != sent[:-1])[0]
    at = np.clip(np.round((grid.starts.numpy()[changes] - grid.time) * RATE), 0, span.samples)
    return [(int(a), int(b)) for a, b in at.reshape(-1, 2) if b > a]


def write_samples(stem: Path, parts: np.ndarray, datatype: str) -> None:
    """Components (samples, 2), full scale 1, as ``stem.sigmf-data``."""
    dtype, full_scale, middle = STORED[datatype]
    scaled = parts * full_scale + middle
    if full_scale > 1:
        scaled = np.clip(np.round(scaled), middle - full_scale + 0.5, middle + full_scale - 1)
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".sigmf-data").write_bytes(scaled.astype(dtype).tobytes())


def write_meta(stem: Path, annotations: list[dict], datatype: str = "ci16_le") -> Path:
    """The description beside ``stem.sigmf-data``."""
    fields = {
        "global": {
            "core:datatype": datatype,
            "core:sample_rate": RATE,
            "core:version": "1.2.5",
        },
        "captures": [{"core:sample_start": 0, "core:frequency": CENTER_HZ}],
        "annotations": annotations,
    }
    path = stem.with_suffix(".sigmf-meta")
    path.write_text(json.dumps(fields))
    return path


def picture(seed: int, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """dB (size, size) and classes (size, size): NR in columns 40 to 90, LTE in 150 to 200."""
    rng = np.random.default_rng(seed)
    level = -90 + rng.normal(0, 1, (size, size))
    truth = np.zeros((size, size), np.uint8)
    level[:, 40:90] += 15
    level[:, 150:200] += 20
    truth[:, 40:90], truth[:, 150:200] = 2, 1
    return level, truth


def make_matlab(folder: Path, number: int, separate: bool = True, **arrays) -> np.ndarray:
    """A frame and its labels (0, 127, 255 for noise, NR, LTE) as the paper has them; returns dB."""
    level, truth = picture(number)
    mask = np.array([0, 255, 127], np.uint8)[truth]
    folder.mkdir(parents=True, exist_ok=True)
    fields = {"rxSpectrogram": level, "data": mask, **arrays}
    if separate:
        name = str(folder / f"LTE_NR_{{}}_frame_{number}.mat")
        scipy.io.savemat(name.format("labels"), {"data": fields.pop("data")})
        scipy.io.savemat(name.format("metadata"), {"params": {"SNRdB": 40}})
        scipy.io.savemat(name.format("spect"), fields)
    else:
        scipy.io.savemat(folder / f"frame_{number}.mat", fields)
    return level


def make_images(folder: Path, name: str, seed: int, white: int = 255) -> np.ndarray:
    """``images/NAME.png`` with frequency up and -110 to -50 dB, and its mask; returns dB with
    time downwards and frequency to the right."""
    level, truth = picture(seed)
    grey = np.clip(np.round((level + 110) / 60 * white), 0, white)
    dtype = np.uint8 if white == 255 else np.uint16
    for part, array in (("images", grey.astype(dtype)), ("masks", truth * 60)):
        path = folder / part / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(array.T[::-1])).save(path)
    return grey / white * 60 - 110


def read_all(reader, config):
    """Levels (n, rows, cols), truth (n, rows, cols), resolutions of a source."""
    frames = [f for item in reader.find(config) for f in reader.read(item, config, SPEC, DEFAULT)]
    levels, truths, resolutions, _ = zip(*frames, strict=True)
    return np.stack(levels), np.stack(truths), resolutions
