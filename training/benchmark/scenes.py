# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the frames of the benchmark with the generator's emissions, channels and radio."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from radiofm_core.spectrogram import spectrogram_db

from ..waveforms import carriers, other
from ..waveforms.carriers import Place
from ..waveforms.channel import DELAY_SPREADS_S, LTE_PROFILES, TDL_PROFILES, Channel, make_channel
from ..waveforms.ofdm import Sender, emit
from ..waveforms.rng import Rng
from ..waveforms.scene import Frame, SceneMaker, truth_of
from ..waveforms.span import SUBCARRIER_HZ, Emission, Span
from . import strata

DOPPLER_HZ = (5.0, 70.0, 300.0)


@dataclass(frozen=True)
class BenchmarkFrame(Frame):
    """A frame and its ``facts``, JSON-ready: the fields of its stratum, ``sample_rate`` (Hz),
    ``duration`` (s) and ``carriers``: for each of them ``label``, ``kind`` (downlink, uplink, or
    shared by both technologies), and the channel's edges ``low_hz`` and ``high_hz`` from the
    span's centre, which may lie outside of the span."""

    facts: dict


class BenchmarkMaker(SceneMaker):
    """Draws the frames of the seeds :data:`.strata.SEEDS`, whose truth is transmission on the air.

    Frames of more than the generator's ``MOST_SAMPLES`` are shortened in the mixed part; those of
    the paper's part last 40 ms all the same.
    """

    def frame(self, seed: int) -> BenchmarkFrame:
        """The frame of a seed; raises IndexError where the benchmark has no such seed."""
        self.stratum = strata.STRATA[strata.SEEDS.index(seed)]
        self.carriers: list[dict] = []
        made = self._paper_frame(seed) if self._paper else super().frame(seed)
        facts = asdict(self.stratum) | {
            "sample_rate": self.stratum.fft_15k * SUBCARRIER_HZ,
            "duration": made.resolution[1] * self.rows,
            "carriers": self.carriers,
        }
        return BenchmarkFrame(made.level_db, made.truth, made.resolution, facts)

    @property
    def _paper(self) -> bool:
        return self.stratum.part == strata.PAPER

    def draw_span(self, rng: Rng) -> Span:
        """The stratum's rate; rows as the generator has them, in the paper's part of 40 ms."""
        rate = self.stratum.fft_15k * SUBCARRIER_HZ
        if self._paper:
            duration = strata.PAPER_DURATION_S
        else:
            duration = self.draw_duration(rate, rng)
        hops = self.spec.hops_per_row(rate, duration)
        return Span(self.stratum.fft_15k, hops, self.rows, self.spec)

    def draw_emissions(self, span: Span, rng: Rng) -> list[Emission]:
        """The stratum's scenario, all of it at the stratum's signal-to-noise ratio."""
        scenario = self.stratum.scenario
        technologies = {
            "lte": ["lte"],
            "nr": ["nr"],
            "inside": [rng.choice(("lte", "nr"))],
            "cellular": [rng.choice(("lte", "nr")) for _ in range(rng.integer(2, 5))],
            "mixed": [rng.choice(("lte", "nr")) for _ in range(rng.integer(1, 2))],
        }.get(scenario, [])
        out: list[Emission] = []
        for technology in technologies:
            taken = [(c["low_hz"], c["high_hz"]) for c in self.carriers]
            place = self.draw_place(technology, span, taken, scenario == "inside", rng)
            if place is not None:
                out += self._emit(technology, place, span, rng)
        if scenario in ("other", "mixed"):
            for _ in range(rng.integer(1, 3)):
                kind = other.draw_kind(span, rng)
                out.append(other.emit(kind, span, self.stratum.snr_db, rng))
        return out

    def _emit(self, technology: str, place: Place, span: Span, rng: Rng) -> list[Emission]:
        snr_db = self.stratum.snr_db
        kind = carriers.draw_kind(technology, place, rng)
        self._note(technology, kind, place)
        if kind == carriers.UPLINK:
            return carriers.uplink(technology, place, span, snr_db, rng)
        if kind == carriers.SHARED:
            self._note("nr", kind, place)
            return carriers.shared(place, span, snr_db, rng)
        return carriers.downlink(technology, place, span, snr_db, rng, phone_spread_db=0.0)

    def _note(self, label: str, kind: str, place: Place) -> None:
        low, high = place.edges
        self.carriers.append({"label": label, "kind": kind, "low_hz": low, "high_hz": high})

    def _paper_frame(self, seed: int) -> Frame:
        rng = Rng(seed)
        self.bank.generator = rng.generator
        span = self.draw_span(rng)
        emissions = self._side_by_side(span, rng)
        iq = self.bank.draw(span.samples)
        for emission in emissions:
            iq += emission.iq
        level = spectrogram_db(iq, self.spec, span.hops_per_row, span.rows)
        resolution = self.spec.resolution(span.sample_rate, span.hops_per_row)
        return Frame(level, truth_of(emissions, span), resolution)

    def _side_by_side(self, span: Span, rng: Rng) -> list[Emission]:
        """FDD downlinks of both technologies, in either order, with any gaps."""
        widths = [("nr", self.stratum.nr_hz), ("lte", self.stratum.lte_hz)]
        if rng.chance(0.5):
            widths.reverse()
        room = span.sample_rate - self.stratum.nr_hz - self.stratum.lte_hz
        gaps = sorted((rng.uniform(0, room), rng.uniform(0, room)))
        out, low = [], -span.sample_rate / 2
        for (technology, width), gap in zip(widths, gaps, strict=True):
            place = Place.drawn(width, low + gap + width / 2, span, rng)
            self._note(technology, carriers.DOWNLINK, place)
            cell = carriers.draw_cell(technology, width, rng)
            cell = replace(cell, tdd=None, load=self.stratum.load)
            plain = {"mbsfn": ()} if technology == "lte" else {"widest_user": None}
            grids = carriers.build(technology, replace(cell, **plain), place, rng)
            sender = Sender(channel=_draw_fading(technology, rng))
            label = carriers.LABELS[technology]
            out.append(emit(grids, span, label, self.stratum.snr_db, rng, sender))
            low += width
        return out


def _draw_fading(technology: str, rng: Rng) -> Channel:
    """A profile of the technology's own standard, without a line of sight."""
    if technology == "lte":
        delays, powers = LTE_PROFILES[rng.choice(tuple(LTE_PROFILES))]
        scale = 1e-9
    else:
        delays, powers = TDL_PROFILES[rng.choice(tuple(TDL_PROFILES))]
        scale = rng.choice(DELAY_SPREADS_S[:4])
    return make_channel(delays, powers, scale, rng.choice(DOPPLER_HZ), 0.0, rng)
