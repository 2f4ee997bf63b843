# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene: several emissions in one span, heard by an imperfect radio, with the truth per pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from radiofm_core.spectrum.evidence import evidence_planes
from radiofm_core.spectrum.evidence_grid import LONG_LAG_S
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

from . import carriers, other, plans, radio
from .carriers import Place
from .gaps import gated
from .plans import Planned
from .rates import draw_fft
from .rng import Rng
from .span import IGNORE, NOISE, SUBCARRIER_HZ, Emission, NoiseBank, Span

# In a truth's owners: of a pixel that is noise or not scored
NOBODY = -1
# Below this signal-to-noise ratio in a pixel no receiver could tell (dB).
VISIBLE_DB = -9.0
# More samples than this make a frame too dear to generate; the widest spans get shorter frames.
MOST_SAMPLES = 2_600_000
# Seconds before a frame that its evidence knows, beyond the longest lag or beyond the shortest long
# one, and how often: a recording's first frame, one of a short recording, and any later one
BEFORE_SHARES = (0.35, 0.4, 0.25)
MORE_BEFORE_S = 0.3e-3
# By how much a phone may be stronger or weaker than its cell (dB)
PHONE_SPREAD_DB = 15.0
# A carrier that covers a smaller share of the frame is made anew, but not for ever.
LEAST_COVER, TRIES = 0.002, 2
# Where something stands out by so much (dB), some scenes have no noise at all.
NOISELESS_DB = 55.0


@dataclass(frozen=True)
class Frame:
    """A training frame: dB (C, rows, cols), truth uint8 (rows, cols) of the kinds of
    :mod:`.kinds`, (Hz per bin, s per row), the evidence planes of the spec's lags (lags, 2,
    rows / row_multiple, cells), and whose pixels they are (:class:`Truth`, by the emissions' order
    in :meth:`SceneMaker.draw_emissions`)."""

    level_db: Tensor
    truth: Tensor
    resolution: tuple[float, float]
    evidence: Tensor
    owner: Tensor
    owner_power: Tensor


class Truth(NamedTuple):
    """What a pixel is, (rows, cols) each: ``kinds`` uint8 (:mod:`.kinds`); ``owner`` int16, the
    place in the list of the emission that the pixel is labelled for, or NOBODY; ``power`` float32,
    the owner's there over the noise's, 0 of nobody."""

    kinds: Tensor
    owner: Tensor
    power: Tensor


class SceneMaker:
    """Draws frames of ``rows`` rows from seeds. One per process: it keeps a pool of noise."""

    phone_spread_db = PHONE_SPREAD_DB

    def __init__(self, spec: SpectrogramSpec, rows: int | None = None):
        self.spec = spec
        self.rows = rows or spec.rows
        self.bank = NoiseBank(torch.Generator().manual_seed(1))

    def frame(self, seed: int) -> Frame:
        """The frame of a seed."""
        rng = Rng(seed)
        self.bank.generator = rng.generator
        span = self.draw_span(rng)
        before = self.draw_rows_before(span, rng)
        span = replace(span, rows=before + span.rows)
        emissions = self.draw_emissions(span, rng)
        iq = self.draw_noise(emissions, span, rng)
        for emission in emissions:
            iq += emission.iq
        iq, heard = radio.receive(iq, emissions, span, self.bank, rng, self.draw_radio)
        truth = Truth(*(part[before:] for part in owned(heard, span)))
        level, evidence = look(iq, span, before)
        resolution = self.spec.resolution(span.sample_rate, span.hops_per_row)
        return Frame(level, truth.kinds, resolution, evidence, truth.owner, truth.power)

    def draw_radio(self, span: Span, rng: Rng) -> radio.Radio:
        """The receiver."""
        return radio.draw_radio(span, rng)

    def draw_rows_before(self, span: Span, rng: Rng) -> int:
        """How many rows of the span are to come before the frame's own, for its long lags."""
        long = [lag for lag in self.spec.evidence_lags if lag >= LONG_LAG_S]
        if not long:
            return 0
        known = rng.choice((0.0, min(long), max(long)), BEFORE_SHARES)
        if not known:
            return 0
        rows = math.ceil((known + MORE_BEFORE_S) * span.sample_rate / span.row_samples)
        most = (MOST_SAMPLES * 3 // 2 - span.samples) // span.row_samples
        return max(0, min(rows, most))

    def draw_noise(self, emissions: Sequence[Emission], span: Span, rng: Rng) -> Tensor:
        """White, of variance 1; none at all in half of the scenes of clean signals."""
        strongest = max((float(e.power.max()) for e in emissions), default=0.0)
        if strongest > 10 ** (NOISELESS_DB / 10) and rng.chance(0.5):
            return torch.zeros(span.samples, dtype=torch.complex64)
        return self.bank.draw(span.samples)

    def draw_span(self, rng: Rng) -> Span:
        """A sample rate in the spec's range and rows as in frames of 5 to 40 ms."""
        n = draw_fft(rng)
        rate = n * SUBCARRIER_HZ
        hops = self.spec.hops_per_row(rate, self.draw_duration(rate, rng))
        return Span(n, hops, self.rows, self.spec)

    def draw_emissions(self, span: Span, rng: Rng) -> list[Emission]:
        """What is on the air."""
        return [e for planned in plans.draw_plan(span, rng) for e in self.emit(planned, span, rng)]

    def emit(self, planned: Planned, span: Span, rng: Rng) -> list[Emission]:
        """The emissions of one entry of a plan; a carrier is made anew if the frame holds hardly
        any of it: an idle cell, or the wrong moment."""
        for _ in range(TRIES if planned.make is None else 1):
            out = self._once(planned, span, rng)
            if max(float((e.cover >= 0.5).float().mean()) for e in out) > LEAST_COVER:
                break
        if planned.on_air is not None:
            out = [gated(emission, *planned.on_air, span) for emission in out]
        return out

    def _once(self, planned: Planned, span: Span, rng: Rng) -> list[Emission]:
        place, snr_db = planned.place, planned.snr_db
        if planned.make is not None:
            return [other.emit(planned.make, span, snr_db, rng)]
        if planned.kind == carriers.UPLINK:
            return carriers.uplink(planned.group, place, span, snr_db, rng)
        if planned.kind == carriers.SHARED:
            return carriers.shared(place, span, snr_db, rng)
        spread_db = self.phone_spread_db
        return carriers.downlink(planned.group, place, span, snr_db, rng, spread_db)

    def draw_place(self, technology, span: Span, taken, inside: bool, rng: Rng) -> Place | None:
        """:func:`.plans.draw_place`."""
        return plans.draw_place(technology, span, taken, inside, rng)

    def draw_duration(self, sample_rate: float, rng: Rng) -> float:
        """Seconds of a frame of the spec's rows: the default, fine rows as for short recordings,
        and anything between."""
        wanted = rng.choice((20e-3, rng.uniform(5e-3, 8e-3), rng.log_uniform(5e-3, 40e-3)))
        return min(wanted, MOST_SAMPLES / sample_rate * self.spec.rows / self.rows)


def look(iq: Tensor, span: Span, before: int = 0) -> tuple[Tensor, Tensor]:
    """What a framer makes of a span's samples: dB (C, rows, cols) and evidence planes of its rows
    from row ``before`` on."""
    start, rows = before * span.row_samples, span.rows - before
    level = spectrogram_db(iq[start:], span.spec, span.hops_per_row, rows)
    rate, hops = span.sample_rate, span.hops_per_row
    return level, evidence_planes(iq[start:], span.spec, rate, hops, iq[:start], rows)


def truth_of(emissions: list[Emission], span: Span) -> Tensor:
    """uint8 (rows, cols): the kinds of :func:`owned`."""
    return owned(emissions, span).kinds


def owned(emissions: list[Emission], span: Span) -> Truth:
    """Of each pixel the strongest emission that occupies it; IGNORE, and nobody's, where none
    could be seen, or where a pixel is only partly covered in time."""
    truth = torch.full((span.rows, span.spec.cols), NOISE, dtype=torch.uint8)
    owner = torch.full(truth.shape, NOBODY, dtype=torch.int16)
    strongest = torch.zeros(span.rows, span.spec.cols)
    faint = 10.0 ** (VISIBLE_DB / 10)
    for number, e in enumerate(emissions):
        own = e.cover >= 0.5
        partly = (e.cover > 0.12) & (e.cover < 0.5) & e.inside & (e.power > faint)
        winner = own & (e.power > strongest)
        if e.by_energy:
            winner &= e.power > faint
            # Skirts that are above the noise are not noise, but nobody calls them the emission.
            partly = ~own & (e.power > 0.3)
        truth[winner] = e.kind
        owner[winner] = number
        truth[winner & (e.power < faint)] = IGNORE
        strongest = torch.where(winner, e.power, strongest)
        truth[partly & ~own & (e.power > strongest)] = IGNORE
    owner[truth == IGNORE] = NOBODY
    return Truth(truth, owner, torch.where(owner == NOBODY, 0.0, strongest))
