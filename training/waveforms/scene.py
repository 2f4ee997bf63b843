# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene: several emissions in one span, heard by an imperfect radio, with the truth per pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from radiofm_core.spectrum.evidence import LONG_LAG_S, evidence_planes
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

from . import carriers, lte, nr, other, radio
from .carriers import Place
from .rng import Rng
from .span import IGNORE, NOISE, SUBCARRIER_HZ, Emission, NoiseBank, Span

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
SCENARIOS = {
    "lte": 0.10,
    "nr": 0.11,
    "cellular": 0.20,
    "inside": 0.13,
    "other": 0.18,
    "mixed": 0.24,
    "empty": 0.04,
}


@dataclass(frozen=True)
class Frame:
    """A training frame: dB (C, rows, cols), truth uint8 (rows, cols) of the kinds of
    :mod:`.kinds`, (Hz per bin, s per row), and the evidence planes of the spec's lags (lags, 2,
    rows / row_multiple, cells)."""

    level_db: Tensor
    truth: Tensor
    resolution: tuple[float, float]
    evidence: Tensor


def _smooth_ffts() -> list[int]:
    """Transform sizes without large prime factors: multiples of 8 (4 below 128) up to 8192."""
    sizes = []
    for n in (*range(64, 128, 4), *range(128, 8193, 8)):
        rest = n
        for p in (2, 3, 5, 7):
            while rest % p == 0:
                rest //= p
        if rest == 1:
            sizes.append(n)
    return sizes


FFT_SIZES = _smooth_ffts()
COMMON_FFT_SIZES = (64, 128, 160, 256, 512, 640, 1024, 1280, 1344, 1536, 2048, 3072, 4096, 8192)


class SceneMaker:
    """Draws frames of ``rows`` rows from seeds. One per process: it keeps a pool of noise."""

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
        iq = self.draw_noise(span, rng)
        for emission in emissions:
            iq += emission.iq
        truth = truth_of(emissions, span)[before:]
        iq, spoiled = radio.receive(iq, span, rng)
        level, evidence = look(iq, span, before)
        level = radio.filter_level(level, span, rng)
        for col in spoiled:
            truth[:, max(0, col - 1) : col + 2] = IGNORE
        resolution = self.spec.resolution(span.sample_rate, span.hops_per_row)
        return Frame(level, truth, resolution, evidence)

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

    def draw_noise(self, span: Span, rng: Rng) -> Tensor:
        """White as a rule, else a floor that leans to one frequency."""
        if rng.chance(0.8):
            return self.bank.draw(span.samples)
        turn, size = rng.uniform(0, 2 * math.pi), rng.uniform(0.0, 0.2)
        slope = complex(size * math.cos(turn), size * math.sin(turn))
        return self.bank.draw_coloured(span.samples, slope)

    def draw_span(self, rng: Rng) -> Span:
        """A sample rate in the spec's range and rows as in frames of 5 to 40 ms."""
        if rng.chance(0.6):
            n = rng.choice(COMMON_FFT_SIZES, (3, 5, 3, 3, 3, 2, 4, 4, 3, 3, 5, 3, 6, 2))
        else:
            wanted = rng.log_uniform(64, 8192)
            n = min(FFT_SIZES, key=lambda size: abs(size - wanted))
        rate = n * SUBCARRIER_HZ
        hops = self.spec.hops_per_row(rate, self.draw_duration(rate, rng))
        return Span(n, hops, self.rows, self.spec)

    def draw_emissions(self, span: Span, rng: Rng) -> list[Emission]:
        """What is on the air: a scenario of :data:`SCENARIOS`."""
        scenario = rng.choice(list(SCENARIOS), list(SCENARIOS.values()))
        if scenario == "inside" and span.sample_rate > 16e6:
            scenario = "cellular"
        out: list[Emission] = []
        taken: list[tuple[float, float]] = []
        if scenario in ("lte", "nr"):
            self._add_carrier(out, taken, span, rng, scenario)
        if scenario == "inside":
            self._add_carrier(out, taken, span, rng, rng.choice(("lte", "nr")), inside=True)
        if scenario in ("cellular", "mixed"):
            for _ in range(rng.integer(2, 5) if scenario == "cellular" else rng.integer(1, 3)):
                self._add_carrier(out, taken, span, rng, rng.choice(("lte", "nr")))
        if scenario in ("other", "mixed") or rng.chance(0.2):
            for _ in range(rng.integer(1, 3)):
                kind = other.draw_kind(span, rng)
                out.append(other.emit(kind, span, draw_snr(rng) + 3, rng))
        return out

    def draw_place(self, technology, span: Span, taken, inside: bool, rng: Rng) -> Place | None:
        """Where in the span no carrier is yet (``taken``: pairs of low and high edge, Hz from the
        span's centre), or None; ``inside``: of a carrier wider than the span, around it."""
        table = lte.RESOURCE_BLOCKS if technology == "lte" else nr.BANDWIDTHS
        if inside:
            choices = [b for b in table if b >= 0.95 * span.sample_rate]
        else:
            choices = [b for b in table if b <= 1.05 * span.sample_rate]
        if not choices:
            choices = [min(table, key=lambda b: abs(b - span.sample_rate))]
        bandwidth = rng.choice(choices, [b**0.5 for b in choices])
        offset = place_carrier(bandwidth, span, taken, inside, rng)
        return None if offset is None else Place.drawn(bandwidth, offset, span, rng, inside)

    def draw_duration(self, sample_rate: float, rng: Rng) -> float:
        """Seconds of a frame of the spec's rows: the default, fine rows as for short recordings,
        and anything between."""
        wanted = rng.choice((20e-3, rng.uniform(5e-3, 8e-3), rng.log_uniform(5e-3, 40e-3)))
        return min(wanted, MOST_SAMPLES / sample_rate * self.spec.rows / self.rows)

    def _add_carrier(self, out, taken, span: Span, rng: Rng, technology: str, inside=False):
        """Place a carrier where none is yet."""
        place = self.draw_place(technology, span, taken, inside, rng)
        if place is None:
            return
        taken.append(place.edges)
        kind = carriers.draw_kind(technology, place, rng)
        if kind == carriers.UPLINK:
            out += carriers.uplink(technology, place, span, rng.uniform(-5, 40), rng)
        elif kind == carriers.SHARED:
            out += carriers.shared(place, span, draw_snr(rng), rng)
        else:
            out += carriers.downlink(technology, place, span, draw_snr(rng), rng, PHONE_SPREAD_DB)


def look(iq: Tensor, span: Span, before: int = 0) -> tuple[Tensor, Tensor]:
    """What a framer makes of a span's samples: dB (C, rows, cols) and evidence planes of its rows
    from row ``before`` on."""
    start, rows = before * span.row_samples, span.rows - before
    level = spectrogram_db(iq[start:], span.spec, span.hops_per_row, rows)
    rate, hops = span.sample_rate, span.hops_per_row
    return level, evidence_planes(iq[start:], span.spec, rate, hops, iq[:start], rows)


def draw_snr(rng: Rng) -> float:
    """dB, -10 to 40; now and then a signal from a cable or a simulator, almost noise-free."""
    return rng.choice(
        (rng.uniform(-10, 40), rng.uniform(3, 25), rng.uniform(40, 90)), (0.47, 0.45, 0.08)
    )


def place_carrier(bandwidth, span, taken, inside, rng) -> float | None:
    """A centre (Hz from the span's) whose band does not meet those taken, or None.

    Carriers wholly in the span are the rule, centred ones common, cut ones an exception.
    """
    half = span.sample_rate / 2
    for _ in range(12):
        if inside:
            slack = max(0.0, 0.45 * bandwidth - half)
            centre = rng.uniform(-slack, slack)
        elif not taken and rng.chance(0.45):
            centre = rng.choice((0.0, rng.uniform(-1e5, 1e5)))
        elif rng.chance(0.75) and bandwidth < 2 * half:
            centre = rng.uniform(-half + bandwidth / 2, half - bandwidth / 2)
        else:
            centre = rng.uniform(-half - 0.2 * bandwidth, half + 0.2 * bandwidth)
        low, high = centre - bandwidth / 2, centre + bandwidth / 2
        # Guard bands lie inside the nominal bandwidth, so neighbours may touch.
        if all(high <= a + 1e4 or low >= b - 1e4 for a, b in taken):
            return centre
    return None


def truth_of(emissions: list[Emission], span: Span) -> Tensor:
    """uint8 (rows, cols): the strongest emission that occupies a pixel; IGNORE where none could
    be seen, or where a pixel is only partly covered in time."""
    truth = torch.full((span.rows, span.spec.cols), NOISE, dtype=torch.uint8)
    strongest = torch.zeros(span.rows, span.spec.cols)
    faint = 10.0 ** (VISIBLE_DB / 10)
    for e in emissions:
        own = e.cover >= 0.5
        partly = (e.cover > 0.12) & (e.cover < 0.5) & e.inside & (e.power > faint)
        winner = own & (e.power > strongest)
        if e.by_energy:
            winner &= e.power > faint
            # Skirts that are above the noise are not noise, but nobody calls them the emission.
            partly &= e.power > 0.3
        truth[winner] = e.kind
        truth[winner & (e.power < faint)] = IGNORE
        strongest = torch.where(winner, e.power, strongest)
        truth[partly & ~own & (e.power > strongest)] = IGNORE
    return truth
