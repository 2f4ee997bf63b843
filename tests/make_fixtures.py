# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ``tests/fixtures`` and ``examples/demo/room.npz``: ``python -m tests.make_fixtures``, from
fixed seeds.

Small recordings of generated signals, one for each kind that the segmentation model tells apart,
as SigMF pairs (ci8) whose annotations are the truth; and the CSI of a simulated room, as
``radiofm activity`` reads it, with a table of what went on in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sigmf import SigMFFile

from radiofm_core.csi.subcarriers import HT_20
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.activity.data.receivers import Receiver
from training.activity.data.simulated import make_clip
from training.waveforms import lte, nr, other
from training.waveforms.ofdm import emit
from training.waveforms.rng import Rng
from training.waveforms.span import LTE, NR, SUBCARRIER_HZ, NoiseBank, Span

SEED = 7
CENTER_HZ = 2e9
SNR_DB = 20.0
DRIVE_DBFS = -13.0
RB_HZ = 180e3
CSI_SEED = 23
CSI_S = 12.0
CSI_RECEIVER = Receiver(
    carrier_hz=2.437e9,
    subcarriers=HT_20,
    rate_hz=100.0,
    jitter=0.4,
    loss=0.08,
    bursts_s=0.0,
    snr_db=30.0,
    tremble_db=0.1,
    drift_db=0.0,
    ripple_db=2.0,
    full_scale=0.0,
)


@dataclass(frozen=True)
class Part:
    """A true annotation: label, edges in Hz from the centre, start and length in seconds (None:
    all the time)."""

    label: str
    low_hz: float
    high_hz: float
    start_s: float = 0.0
    length_s: float | None = None


def make_span(fft_15k: int, duration_s: float) -> Span:
    """So many seconds at ``fft_15k`` x 15 kHz, in the finest rows."""
    spec = SpectrogramSpec()
    rate = fft_15k * SUBCARRIER_HZ
    hops = spec.hops_per_row(rate, 5e-3)
    return Span(fft_15k, hops, int(duration_s * rate) // spec.row_samples(hops), spec)


def lte_fdd(rng: Rng) -> tuple[Span, torch.Tensor, list[Part]]:
    """5 MHz, two antenna ports, below the centre."""
    span, shift = make_span(512, 7e-3), -60
    cell = lte.LteCarrier(25, None, 7, 2, 101, 0.5, 0.6, 0.0)
    iq = emit(lte.build_grid(cell, 10, shift, 0.4e-3, rng), span, LTE, SNR_DB, rng).iq
    return span, iq, [Part("lte", *edges(shift * SUBCARRIER_HZ, 25 * RB_HZ))]


def lte_tdd(rng: Rng) -> tuple[Span, torch.Tensor, list[Part]]:
    """5 MHz, configuration 2: downlink in 3 of 5 ms, a special subframe in one."""
    span, shift = make_span(512, 7e-3), 50
    cell = lte.LteCarrier(25, 2, 7, 2, 33, 0.6, 0.6, 0.0)
    iq = emit(lte.build_grid(cell, 10, shift, 0.0, rng), span, LTE, SNR_DB, rng).iq
    return span, iq, [Part("lte", *edges(shift * SUBCARRIER_HZ, 25 * RB_HZ))]


def nr_fdd(rng: Rng) -> tuple[Span, torch.Tensor, list[Part]]:
    """5 MHz at 15 kHz, four beams of SS/PBCH blocks, data in 7 of 10 resource elements."""
    span, shift = make_span(512, 7e-3), 40
    cell = nr.NrCarrier(25, 15e3, None, 4, 20, 2, 0.7, 0.8, 40, 0.0, 25)
    iq = emit(nr.build_grid(cell, 10, shift, 0.0, rng), span, NR, SNR_DB, rng).iq
    return span, iq, [Part("nr", *edges(shift * SUBCARRIER_HZ, 25 * RB_HZ))]


def wifi(rng: Rng) -> tuple[Span, torch.Tensor, list[Part]]:
    """Two packets of OFDM as of Wi-Fi at half its clock, 8.3 MHz wide."""
    span, width = make_span(1024, 4e-3), 8.3e6
    iq = torch.zeros(span.samples, dtype=torch.complex64)
    parts = [
        Part("other", *edges(0.0, width), start, length)
        for start, length in ((0.4e-3, 1.4e-3), (2.4e-3, 1.0e-3))
    ]
    level = (10 ** (SNR_DB / 10) * width / span.sample_rate) ** 0.5
    for part in parts:
        begin = round(part.start_s * span.sample_rate)
        end = begin + round(part.length_s * span.sample_rate)
        packet = other.multicarrier(
            end - begin, span, rng, 156.25e3, part.low_hz, part.high_hz, 0.25
        )
        iq[begin:end] = level * packet
    return span, iq, parts


def noise(rng: Rng) -> tuple[Span, torch.Tensor, list[Part]]:
    """Nothing."""
    span = make_span(512, 7e-3)
    return span, torch.zeros(span.samples, dtype=torch.complex64), []


KINDS: tuple[Callable, ...] = (lte_fdd, lte_tdd, nr_fdd, wifi, noise)


def edges(offset_hz: float, width_hz: float) -> tuple[float, float]:
    """Of a band about ``offset_hz``."""
    return offset_hz - width_hz / 2, offset_hz + width_hz / 2


def write_pair(folder: Path, kind: Callable, seed: int) -> Path:
    """A SigMF pair of one kind in noise; returns the meta file."""
    rng = Rng(seed)
    span, signal, parts = kind(rng)
    iq = NoiseBank(rng.generator).draw(span.samples) + signal
    iq = iq * (10 ** (DRIVE_DBFS / 20) / iq.abs().square().mean().sqrt())
    values = (torch.view_as_real(iq) * 128).round().clamp(-128, 127).to(torch.int8)
    path = folder / f"{kind.__name__}.sigmf-meta"
    data = path.with_suffix(".sigmf-data")
    data.write_bytes(values.numpy().tobytes())
    meta = SigMFFile(
        data_file=str(data),
        global_info={
            "core:datatype": "ci8",
            "core:sample_rate": span.sample_rate,
            "core:description": f"Made by tests.make_fixtures: {kind.__doc__}",
            "core:license": "https://spdx.org/licenses/GPL-3.0-or-later.html",
            "core:author": "gr-radiofm",
        },
    )
    meta.add_capture(0, {"core:frequency": CENTER_HZ})
    for part in parts:
        length = span.duration if part.length_s is None else part.length_s
        meta.add_annotation(
            round(part.start_s * span.sample_rate),
            round(length * span.sample_rate),
            {
                "core:label": part.label,
                "core:freq_lower_edge": CENTER_HZ + part.low_hz,
                "core:freq_upper_edge": CENTER_HZ + part.high_hz,
            },
        )
    meta.validate()
    meta.tofile(str(path), overwrite=True)
    return path


def write_room(folder: Path, seed: int = CSI_SEED) -> Path:
    """The CSI of a simulated room as ``.npz``, amplitudes in half precision, and beside it
    ``.labels.csv``: start and end in seconds, movement. Returns the ``.npz``."""
    clip = make_clip(seed, CSI_S, CSI_RECEIVER)
    path = folder / "room.npz"
    np.savez_compressed(
        path,
        amplitude=np.stack([packet.csi[0] for packet in clip.packets]).astype(np.float16),
        time_s=np.array([packet.time_ns for packet in clip.packets]) * 1e-9,
    )
    lines = [f"{s.start_ns * 1e-9:.3f},{s.end_ns * 1e-9:.3f},{s.label}" for s in clip.spans]
    table = path.with_name(path.name + ".labels.csv")
    table.write_text("\n".join(["start_s,end_s,label", *lines]) + "\n")
    return path


def main() -> None:
    """Write all of them."""
    folder = Path(__file__).with_name("fixtures")
    folder.mkdir(parents=True, exist_ok=True)
    for number, kind in enumerate(KINDS):
        print(write_pair(folder, kind, SEED + number))
    print(write_room(Path(__file__).parents[1] / "examples/demo"))


if __name__ == "__main__":
    main()
