# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals as in the demo recording, narrower and for longer, as a source that never ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from gnuradio import blocks, gr
from gnuradio.radiofm.live_sources import LiveSource

from training.waveforms import demo, lte, nr
from training.waveforms.channel import LTE_PROFILES, TDL_PROFILES, make_channel
from training.waveforms.ofdm import Sender, emit
from training.waveforms.rng import Rng
from training.waveforms.span import LTE, NR, NoiseBank, Span

# A multiple of the frames of LTE and NR, so that the end fits the beginning
DURATION_S = 0.3
SEED = 5
LTE_OFFSET_HZ, NR_OFFSET_HZ = -22.5e6, -6e6
LTE_CELL = replace(demo.LTE_CELL, resource_blocks=50)
NR_CELL = replace(demo.NR_CELL, resource_blocks=24, ssb_block=2)


def make_samples() -> tuple[np.ndarray, float]:
    """(complex64, samples per second): LTE, NR and Wi-Fi; takes 15 s and 2 GB of memory."""
    short = demo.make_span()
    rate = short.sample_rate
    rows = round(DURATION_S * rate) // short.row_samples
    span, rng = Span(short.fft_15k, short.hops_per_row, rows, short.spec), Rng(SEED)
    milliseconds = round(1e3 * DURATION_S) + 3
    iq = NoiseBank(rng.generator).draw(span.samples)
    grid = lte.build_grid(LTE_CELL, milliseconds, round(LTE_OFFSET_HZ / 15e3), 0.4e-3, rng)
    channel = make_channel(*LTE_PROFILES["EPA"], 1e-9, 5.0, 2.0, rng)
    iq += emit(grid, span, LTE, demo.LTE_SNR_DB, rng, Sender(180.0, 0.0, channel)).iq
    grids = nr.build_grids(NR_CELL, milliseconds, round(NR_OFFSET_HZ / 30e3), 0.9e-3, rng)
    channel = make_channel(*TDL_PROFILES["TDL-C"], 30e-9, 5.0, 2.0, rng)
    iq += emit(grids, span, NR, demo.NR_SNR_DB, rng, Sender(-240.0, 0.0, channel)).iq
    for start in range(0, span.samples - short.samples, short.samples):
        iq[start : start + short.samples] += demo.wifi_samples(short, rng)
    iq *= 10 ** (demo.DRIVE_DBFS / 20) / iq.abs().square().mean().sqrt()
    return torch.view_as_real(iq).numpy().view(np.complex64)[:, 0], rate


class _Loop(gr.hier_block2):
    """Samples again and again, at their own pace."""

    def __init__(self, samples: np.ndarray, rate: float):
        gr.hier_block2.__init__(
            self, "loop", gr.io_signature(0, 0, 0), gr.io_signature(1, 1, gr.sizeof_gr_complex)
        )
        source = blocks.vector_source_c(samples, True)
        throttle = blocks.throttle(gr.sizeof_gr_complex, rate)
        self.connect(source, throttle, self)


def make_source() -> LiveSource:
    """The source, for a ``WatchFlowgraph``."""
    samples, rate = make_samples()
    return LiveSource(_Loop(samples, rate), rate, demo.CENTER_HZ)
