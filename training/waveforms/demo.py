# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo recording: LTE, NR and Wi-Fi side by side at 61.44 MS/s."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sigmf import SigMFFile

from radiofm_core.spectrum.spec import SpectrogramSpec

from . import lte, nr
from .channel import LTE_PROFILES, TDL_PROFILES, make_channel
from .ofdm import Sender, emit
from .other.base import resampled, resampling
from .other.wifi import packet
from .rng import Rng
from .span import LTE, NR, NoiseBank, Span

SEED = 4
CENTER_HZ = 2.4e9
DURATION_S = 30e-3
DRIVE_DBFS = -13.0
LTE_OFFSET_HZ, LTE_SNR_DB = -20.7e6, 21.0
NR_OFFSET_HZ, NR_SNR_DB = 0.0, 20.0
WIFI_OFFSET_HZ, WIFI_SNR_DB = 20.5e6, 18.0
LTE_CELL = lte.LteCarrier(
    resource_blocks=100,
    tdd=None,
    special=7,
    ports=2,
    cell_id=101,
    load=0.45,
    control_load=0.6,
    crs_boost_db=3.0,
)
NR_CELL = nr.NrCarrier(
    resource_blocks=51,
    subcarrier_hz=30e3,
    tdd="DDDDDDDSUU",
    ssb_beams=4,
    ssb_period_ms=20,
    ssb_block=15,
    load=0.75,
    control_load=0.8,
    trs_period_slots=40,
    ssb_boost_db=3.0,
    cell_id=500,
    csi_period_slots=40,
    sib1=True,
)
WIFI_FORM, WIFI_MHZ, WIFI_HZ = "n", 20, 57 * 312.5e3
# Packets (start, length) in seconds and their level in dB: of an access point, of a station
ACCESS_POINT_DB, STATION_DB = 0.0, -5.0
WIFI_PACKETS = (
    (0.9e-3, 0.7e-3, ACCESS_POINT_DB),
    (2.4e-3, 2.1e-3, ACCESS_POINT_DB),
    (5.6e-3, 0.4e-3, STATION_DB),
    (6.9e-3, 1.3e-3, STATION_DB),
    (9.1e-3, 2.6e-3, ACCESS_POINT_DB),
    (13.2e-3, 0.5e-3, ACCESS_POINT_DB),
    (14.3e-3, 0.9e-3, STATION_DB),
    (16.1e-3, 3.0e-3, ACCESS_POINT_DB),
    (20.6e-3, 0.4e-3, ACCESS_POINT_DB),
    (21.9e-3, 1.7e-3, STATION_DB),
    (24.5e-3, 0.8e-3, ACCESS_POINT_DB),
    (26.2e-3, 2.3e-3, ACCESS_POINT_DB),
)
# 16 us after a packet, 14 bytes at 24 Mbit/s
ANSWER_AFTER_S, ANSWER_S = 16e-6, 28e-6


def make_span() -> Span:
    """61.44 MS/s, about 30 ms in rows of the default frame's length."""
    spec = SpectrogramSpec()
    rate = 61.44e6
    hops = spec.hops_per_row(rate)
    return Span(4096, hops, int(DURATION_S * rate) // spec.row_samples(hops), spec)


def lte_samples(span: Span, rng: Rng) -> torch.Tensor:
    """A 20 MHz FDD carrier with two antenna ports and a moderate, changing load."""
    grid = lte.build_grid(LTE_CELL, 33, round(LTE_OFFSET_HZ / 15e3), 0.4e-3, rng)
    channel = make_channel(*LTE_PROFILES["EPA"], 1e-9, 5.0, 2.0, rng)
    return emit(grid, span, LTE, LTE_SNR_DB, rng, Sender(180.0, 0.0, channel)).iq


def nr_samples(span: Span, rng: Rng) -> torch.Tensor:
    """A 20 MHz TDD carrier at 30 kHz with four SSB beams and a moderate load."""
    grids = nr.build_grids(NR_CELL, 33, round(NR_OFFSET_HZ / 30e3), 0.9e-3, rng)
    channel = make_channel(*TDL_PROFILES["TDL-C"], 30e-9, 5.0, 2.0, rng)
    return emit(grids, span, NR, NR_SNR_DB, rng, Sender(-240.0, 0.0, channel)).iq


def wifi_samples(span: Span, rng: Rng) -> torch.Tensor:
    """Packets of an access point and a station, each answered by the other."""
    native = 2e6 * WIFI_MHZ
    count, wide = resampling(span.samples, span.sample_rate, native)
    x = torch.zeros(count, dtype=torch.complex64)
    for start, length, level_db in WIFI_PACKETS:
        answer = start + length + ANSWER_AFTER_S
        other_db = ACCESS_POINT_DB + STATION_DB - level_db
        for begin, last, form, db in (
            (start, length, WIFI_FORM, level_db),
            (answer, ANSWER_S, "a", other_db),
        ):
            a = round(begin * native)
            piece = 10 ** (db / 20) * packet(round(last * native), WIFI_MHZ, form, rng)[: count - a]
            x[a : a + piece.numel()] += piece
    level = (10 ** (WIFI_SNR_DB / 10) * WIFI_HZ / span.sample_rate) ** 0.5
    return level * resampled(x, wide, span, WIFI_OFFSET_HZ)


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
    for a, n, _ in WIFI_PACKETS:
        rows.append(entry("wifi", a, n, WIFI_OFFSET_HZ, WIFI_HZ, "802.11n packet, 20 MHz"))
    return rows


def make_demo(folder: Path) -> Path:
    """Write ``demo.sigmf-data`` (ci8, 30 ms, under 4 MB) and ``demo.sigmf-meta``, whose annotations
    are the truth, into ``folder``; returns the meta file. The same seed gives the same bytes."""
    span, rng = make_span(), Rng(SEED)
    iq = NoiseBank(rng.generator).draw(span.samples)
    iq = iq + lte_samples(span, rng) + nr_samples(span, rng) + wifi_samples(span, rng)
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
            "core:description": "Made by training.make_demo: LTE, NR and Wi-Fi side by side",
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
