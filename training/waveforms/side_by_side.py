# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames as in arXiv 2411.09996: an NR and an LTE carrier side by side at 61.44 MS/s for 40 ms,
fading and white noise, and no other flaw. The benchmark scores them; a recipe trains on others of
their kind with ``scenes: paper`` (labels of whole bands) or ``scenes: paper-on-air``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import carriers
from .carriers import Place
from .channel import DELAY_SPREADS_S, LTE_PROFILES, TDL_PROFILES, Channel, make_channel
from .ofdm import Sender, emit
from .rng import Rng
from .scene import Frame, SceneMaker, look, owned
from .span import NOISE, SUBCARRIER_HZ, Emission, Span

FFT_15K = 4096
DURATION_S = 40e-3
NR_HZ = (10e6, 15e6, 20e6, 25e6, 30e6, 40e6, 50e6)
LTE_HZ = (5e6, 10e6, 15e6, 20e6)
DOPPLER_HZ = (5.0, 70.0, 300.0)
# What frames to train on are drawn from; the benchmark has values of its own (strata.py).
SNR_DB = (-2.0, 40.0)
LOAD = (0.1, 1.0)


@dataclass(frozen=True)
class Pair:
    """What is set of a frame: the carriers' channel bandwidths (Hz), the signal-to-noise ratio of
    both (dB) and the share of their shared channels in use."""

    nr_hz: float
    lte_hz: float
    snr_db: float
    load: float


def fits(nr_hz: float, lte_hz: float) -> bool:
    """Whether the two channels have room in the span."""
    return nr_hz + lte_hz < FFT_15K * SUBCARRIER_HZ


def draw_pair(rng: Rng) -> Pair:
    """A pair to train on."""
    pairs = [(nr_hz, lte_hz) for nr_hz in NR_HZ for lte_hz in LTE_HZ if fits(nr_hz, lte_hz)]
    load = 1.0 if rng.chance(0.25) else rng.uniform(*LOAD)
    return Pair(*rng.choice(pairs), rng.uniform(*SNR_DB), load)


def draw_frame(pair: Pair, maker: SceneMaker, rng: Rng) -> tuple[Frame, list[dict]]:
    """A frame whose truth is what is on the air, and its carriers: ``label``, ``kind``, the
    channel's edges ``low_hz`` and ``high_hz`` from the span's centre, and ``subcarrier_hz``."""
    spec = maker.spec
    hops = spec.hops_per_row(FFT_15K * SUBCARRIER_HZ, DURATION_S)
    span = Span(FFT_15K, hops, maker.rows, spec)
    maker.bank.generator = rng.generator
    emissions, told = _side_by_side(pair, span, rng)
    iq = maker.bank.draw(span.samples)
    for emission in emissions:
        iq += emission.iq
    level, evidence = look(iq, span)
    resolution = spec.resolution(span.sample_rate, span.hops_per_row)
    truth = owned(emissions, span)
    return Frame(level, truth.kinds, resolution, evidence, truth.owner, truth.power), told


def _side_by_side(pair: Pair, span: Span, rng: Rng) -> tuple[list[Emission], list[dict]]:
    """FDD downlinks of both technologies, in either order, with any gaps."""
    widths = [("nr", pair.nr_hz), ("lte", pair.lte_hz)]
    if rng.chance(0.5):
        widths.reverse()
    room = span.sample_rate - pair.nr_hz - pair.lte_hz
    gaps = sorted((rng.uniform(0, room), rng.uniform(0, room)))
    out, told, low = [], [], -span.sample_rate / 2
    for (technology, width), gap in zip(widths, gaps, strict=True):
        place = Place.drawn(width, low + gap + width / 2, span, rng)
        cell = replace(carriers.draw_cell(technology, width, rng), tdd=None, load=pair.load)
        plain = {"mbsfn": ()} if technology == "lte" else {"widest_user": None}
        grids = carriers.build(technology, replace(cell, **plain), place, rng)
        sender = Sender(channel=_draw_fading(technology, rng))
        out.append(emit(grids, span, carriers.NUMBERS[technology], pair.snr_db, rng, sender))
        told.append(facts(technology, carriers.DOWNLINK, place, out[-1].subcarrier_hz))
        low += width
    return out, told


def facts(label: str, kind: str, place: Place, subcarrier_hz: float | None) -> dict:
    """What is told of a carrier, JSON-ready."""
    low, high = place.edges
    edges = {"low_hz": low, "high_hz": high}
    return {"label": label, "kind": kind, **edges, "subcarrier_hz": subcarrier_hz}


def _draw_fading(technology: str, rng: Rng) -> Channel:
    """A profile of the technology's own standard, without a line of sight."""
    if technology == "lte":
        delays, powers = LTE_PROFILES[rng.choice(tuple(LTE_PROFILES))]
        scale = 1e-9
    else:
        delays, powers = TDL_PROFILES[rng.choice(tuple(TDL_PROFILES))]
        scale = rng.choice(DELAY_SPREADS_S[:4])
    return make_channel(delays, powers, scale, rng.choice(DOPPLER_HZ), 0.0, rng)


def band_truth(
    truth: Tensor, sample_rate: float, told: list[dict], numbers: Sequence[int] = range(256)
) -> Tensor:
    """Whole-band labels (rows, cols), of the dtype of ``truth``: each carrier's kind where a
    column's centre lies in its channel, else noise; ``numbers``: what stands for the kinds."""
    out = torch.full_like(truth, int(numbers[NOISE]))
    cols = truth.shape[1]
    hertz = (torch.arange(cols) - cols / 2) * (sample_rate / cols)
    for carrier in told:
        inside = (hertz >= carrier["low_hz"]) & (hertz <= carrier["high_hz"])
        out[:, inside] = int(numbers[carriers.NUMBERS[carrier["label"]]])
    return out


class PaperMaker(SceneMaker):
    """Draws frames to train on from seeds, with whole-band labels as the paper's."""

    def frame(self, seed: int) -> Frame:
        """The frame of a seed."""
        made, told = _to_train_on(seed, self)
        return replace(made, truth=band_truth(made.truth, FFT_15K * SUBCARRIER_HZ, told))


class OnAirMaker(SceneMaker):
    """Draws the same frames from seeds, with labels of what is on the air."""

    def frame(self, seed: int) -> Frame:
        """The frame of a seed."""
        return _to_train_on(seed, self)[0]


def _to_train_on(seed: int, maker: SceneMaker) -> tuple[Frame, list[dict]]:
    rng = Rng(seed)
    return draw_frame(draw_pair(rng), maker, rng)
