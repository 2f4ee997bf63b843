# SPDX-License-Identifier: GPL-3.0-or-later
"""A model without training for the tests of whole runs, and recordings that it gets right."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.engine.bundle_file import export_bundle
from training.segmentation.classes import DEFAULT

RATE = 1.92e6
CENTER = 1.8e9


class LevelSegmenter(nn.Module):
    """What lies 10 dB above the frame's faintest fifth is lte below the centre, nr above it."""

    def __init__(self):
        super().__init__()
        self.margin = nn.Parameter(torch.tensor(10.0))

    def forward(self, x: torch.Tensor, resolution: torch.Tensor):
        power = functional.avg_pool2d(x[:, :1].float(), 3, 1, 1, count_include_pad=False)[:, 0]
        floor = torch.quantile(power.flatten(1)[:, ::16], 0.2, dim=1)
        loud = (power > floor[:, None, None] + self.margin.float()).to(torch.uint8)
        side = torch.ones(256, dtype=torch.uint8, device=x.device)
        side[128:] = 2
        return loud * side, torch.full_like(power, 0.9)


class EvidentSegmenter(LevelSegmenter):
    """The same, of a spec with lags; it answers class scores, too."""

    def forward(self, x: torch.Tensor, resolution: torch.Tensor, evidence: torch.Tensor):
        power = functional.avg_pool2d(x[:, :1].float(), 3, 1, 1, count_include_pad=False)[:, 0]
        floor = torch.quantile(power.flatten(1)[:, ::16], 0.2, dim=1)
        loud = (power > floor[:, None, None] + self.margin.float()).to(torch.uint8)
        side = torch.ones(256, dtype=torch.uint8, device=x.device)
        side[128:] = 2
        mask = loud * side
        shares = functional.one_hot(mask[:, ::4, ::4].long(), 5).movedim(3, 1) * 0.8 + 0.04
        return mask, torch.full_like(power, 0.9), shares.log()


def make_evident_bundle(path: Path, lags: tuple[float, ...]) -> Path:
    """A bundle of EvidentSegmenter."""
    spec, task = SpectrogramSpec(evidence_lags=lags), "spectrogram-segmentation"
    return export_bundle(
        path, EvidentSegmenter(), spec, "evident", {}, "none", {}, task, DEFAULT.infos
    )


def make_level_bundle(
    path: Path, task: str = "spectrogram-segmentation", metrics: dict | None = None
) -> Path:
    """A bundle of LevelSegmenter."""
    spec, metrics = SpectrogramSpec(), metrics or {}
    return export_bundle(
        path, LevelSegmenter(), spec, "level", {}, "none", metrics, task, DEFAULT.infos
    )


def band(num_samples: int, low: float, high: float, level: float, seed: int) -> np.ndarray:
    """Complex noise between two offsets in Hz from the centre, of RMS ``level``."""
    rng = np.random.default_rng(seed)
    frequency = np.fft.fftfreq(num_samples, 1 / RATE)
    inside = (frequency >= low) & (frequency < high)
    spectrum = np.zeros(num_samples, complex)
    spectrum[inside] = rng.standard_normal((inside.sum(), 2)) @ (1, 1j)
    signal = np.fft.ifft(spectrum)
    return signal * (level / np.sqrt(np.mean(np.abs(signal) ** 2)))


def two_carriers(duration: float, seed: int = 1) -> np.ndarray:
    """An lte carrier at -700 .. -200 kHz all the time, an nr one at 300 .. 800 kHz in between."""
    num_samples = round(duration * RATE)
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((num_samples, 2)) @ (1, 1j) * 1e-3
    signal += band(num_samples, -700e3, -200e3, 0.1, seed)
    burst = band(num_samples, 300e3, 800e3, 0.1, seed + 1)
    burst[: num_samples // 4] = 0
    burst[3 * num_samples // 4 :] = 0
    return (signal + burst).astype(np.complex64)


def write_long_recording(stem: Path, seconds: int, turn: float = 1.0) -> Path:
    """Two carriers that begin anew every ``turn`` seconds, for ``seconds`` in all: in 8 bits, and
    never all of them in memory. Returns the meta file."""
    samples = two_carriers(turn)
    path = write_recording(stem, samples[:1], **{"core:datatype": "ci8"})
    scale = 100 / abs(samples).max()
    data = (scale * samples.astype(np.complex64)).view(np.float32).astype(np.int8).tobytes()
    with stem.with_name(stem.name + ".sigmf-data").open("wb") as file:
        for _ in range(math.ceil(seconds / turn)):
            file.write(data)
    return path


def write_recording(stem: Path, samples: np.ndarray, **fields) -> Path:
    """A SigMF pair of cf32_le; ``fields`` replace or add to ``global``. Returns the meta file."""
    samples.astype("<c8").tofile(stem.with_name(stem.name + ".sigmf-data"))
    meta = {
        "global": {
            "core:datatype": "cf32_le",
            "core:sample_rate": RATE,
            "core:version": "1.2.5",
            **fields,
        },
        "captures": [{"core:sample_start": 0, "core:frequency": CENTER}],
        "annotations": [],
    }
    path = stem.with_name(stem.name + ".sigmf-meta")
    path.write_text(json.dumps(meta))
    return path
