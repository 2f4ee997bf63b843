# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo recording: LTE, NR and Wi-Fi-like packets side by side at 61.44 MS/s."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sigmf import SigMFFile

from radiofm_core.spectrum.spec import SpectrogramSpec

from . import lte, nr, other
from .ofdm import Grid, emit
from .rng import Rng
from .span import LTE, NR, NoiseBank, Span

SEED = 3
CENTER_HZ = 2.4e9
DURATION_S = 30e-3
DRIVE_DBFS = -13.0
LTE_OFFSET_HZ = -19.8e6
NR_OFFSET_HZ = 1.2e6
WIFI_OFFSET_HZ = 20.5e6
WIFI_HZ = 16.6e6
# Packets (start, length) in seconds
WIFI_PACKETS = (
    (2.1e-3, 1.9e-3),
    (9.0e-3, 0.6e-3),
    (9.8e-3, 2.4e-3),
    (17.5e-3, 3.0e-3),
    (25.2e-3, 1.2e-3),
)


def make_span() -> Span:
    """61.44 MS/s, about 30 ms in rows of the default frame's length."""
    spec = SpectrogramSpec()
    rate = 61.44e6
    hops = spec.hops_per_row(rate)
    return Span(4096, hops, int(DURATION_S * rate) // spec.row_samples(hops), spec)


def lte_grid(rng: Rng) -> Grid:
    """A 20 MHz FDD carrier with two antenna ports and a moderate, changing load."""
    cell = lte.LteCarrier(100, None, 7, 2, 101, 0.45, 0.6, 3.0)
    return lte.build_grid(cell, 33, round(LTE_OFFSET_HZ / 15e3), 0.4e-3, rng)


def nr_grid(rng: Rng) -> Grid:
    """A 20 MHz TDD carrier at 30 kHz with four SSB beams and a moderate load."""
    cell = nr.NrCarrier(51, 30e3, "DDDSU", 4, 20, 15, 0.6, 0.8, 40, 3.0, 51)
    return nr.build_grid(cell, 33, round(NR_OFFSET_HZ / 30e3), 0.9e-3, rng)


def wifi_packets(span: Span, rng: Rng) -> torch.Tensor:
    """complex64 (samples,) of unit power where packets are."""
    out = torch.zeros(span.samples, dtype=torch.complex64)
    low, high = WIFI_OFFSET_HZ - WIFI_HZ / 2, WIFI_OFFSET_HZ + WIFI_HZ / 2
    for start, length in WIFI_PACKETS:
        a = round(start * span.sample_rate)
        b = a + round(length * span.sample_rate)
        out[a:b] = other.multicarrier(b - a, span, rng, 312.5e3, low, high, 0.25)
    return out


def annotations(span: Span) -> list[tuple[int, int, dict]]:
    """The truth: (first sample, samples, SigMF fields)."""

    def entry(label, start, length, offset, width, comment):
        fields = {
            "core:freq_lower_edge": CENTER_HZ + offset - width / 2,
            "core:freq_upper_edge": CENTER_HZ + offset + width / 2,
            "core:label": label,
            "core:comment": comment,
        }
        return round(start * span.sample_rate), round(length * span.sample_rate), fields

    rows = [
        entry("lte", 0, span.duration, LTE_OFFSET_HZ, 100 * 180e3 + 15e3, "20 MHz FDD, 2 ports"),
        entry("nr", 0, span.duration, NR_OFFSET_HZ, 51 * 360e3, "20 MHz TDD, 30 kHz, SSB + PDSCH"),
    ]
    rows += [entry("other", a, n, WIFI_OFFSET_HZ, WIFI_HZ, "OFDM packet") for a, n in WIFI_PACKETS]
    return rows


def make_demo(folder: Path) -> Path:
    """Write ``demo.sigmf-data`` (ci8, 30 ms, under 4 MB) and ``demo.sigmf-meta``, whose annotations
    are the truth, into ``folder``; returns the meta file. The same seed gives the same bytes."""
    span, rng = make_span(), Rng(SEED)
    iq = NoiseBank(rng.generator).draw(span.samples)
    iq = iq + emit(lte_grid(rng), span, LTE, 20.0, rng).iq
    iq = iq + emit(nr_grid(rng), span, NR, 18.0, rng).iq
    level = (10 ** (14.0 / 10) * WIFI_HZ / span.sample_rate) ** 0.5
    iq = iq + level * wifi_packets(span, rng)
    iq = iq * (10 ** (DRIVE_DBFS / 20) / iq.abs().square().mean().sqrt())
    parts = (torch.view_as_real(iq) * 128).round().clamp(-128, 127).to(torch.int8)
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "demo.sigmf-data"
    data.write_bytes(parts.numpy().astype(np.int8).tobytes())
    meta = SigMFFile(
        data_file=str(data),
        global_info={
            "core:datatype": "ci8",
            "core:sample_rate": span.sample_rate,
            "core:description": "Made by training.make_demo: LTE, NR and OFDM packets side by side",
            "core:license": "https://spdx.org/licenses/GPL-3.0-or-later.html",
            "core:author": "gr-radiofm",
        },
    )
    meta.add_capture(0, {"core:frequency": CENTER_HZ})
    for start, length, fields in annotations(span):
        meta.add_annotation(start, length, fields)
    meta.validate()
    path = folder / "demo.sigmf-meta"
    meta.tofile(str(path), overwrite=True)
    return path
