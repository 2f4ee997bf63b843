# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the frames of the benchmark with the generator's emissions, channels and radio."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ...waveforms import carriers, other, side_by_side
from ...waveforms.carriers import Place
from ...waveforms.rng import Rng
from ...waveforms.scene import Frame, SceneMaker
from ...waveforms.span import SUBCARRIER_HZ, Emission, Span
from . import strata

OTHER_KINDS = tuple(
    (other.TABLE[name][0], least, weight) for name, least, weight in strata.OTHER_KINDS
)


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
        if self.stratum.part == strata.PAPER:
            made, self.carriers = side_by_side.draw_frame(self.stratum.pair, self, Rng(seed))
        else:
            made = super().frame(seed)
        facts = asdict(self.stratum) | {
            "sample_rate": self.stratum.fft_15k * SUBCARRIER_HZ,
            "duration": made.resolution[1] * self.rows,
            "carriers": self.carriers,
        }
        return BenchmarkFrame(made.level_db, made.truth, made.resolution, made.evidence, facts)

    def draw_span(self, rng: Rng) -> Span:
        """The stratum's rate; rows as the generator has them."""
        rate = self.stratum.fft_15k * SUBCARRIER_HZ
        hops = self.spec.hops_per_row(rate, self.draw_duration(rate, rng))
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
                kind = other.draw_kind(span, rng, OTHER_KINDS)
                out.append(other.emit(kind, span, self.stratum.snr_db, rng))
        return out

    def _emit(self, technology: str, place: Place, span: Span, rng: Rng) -> list[Emission]:
        snr_db = self.stratum.snr_db
        kind = carriers.draw_kind(technology, place, rng)
        self.carriers.append(side_by_side.facts(technology, kind, place))
        if kind == carriers.UPLINK:
            return carriers.uplink(technology, place, span, snr_db, rng)
        if kind == carriers.SHARED:
            self.carriers.append(side_by_side.facts("nr", kind, place))
            return carriers.shared(place, span, snr_db, rng)
        return carriers.downlink(technology, place, span, snr_db, rng, phone_spread_db=0.0)
