# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the frames of the benchmark with the generator's emissions, channels and radio."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import torch

from ...waveforms import carriers, nr, other, plans, radio, side_by_side
from ...waveforms.kinds import KINDS
from ...waveforms.plans import Planned
from ...waveforms.rng import Rng
from ...waveforms.scene import MOST_SAMPLES, Frame, SceneMaker
from ...waveforms.span import SUBCARRIER_HZ, Emission, Span
from . import strata, truth

# Until a carrier has the spacing that is wanted, or a radio a filter with a plateau
TRIES = 60
# Until one finds a place among others, and how much of the narrower's columns they may share
TRIES_APART, LEAST_SHARED = 6, 0.15


@dataclass(frozen=True)
class BenchmarkFrame(Frame):
    """A frame, ``emission_of`` and its ``facts``.

    ``emission_of``: uint8 (rows, cols), the place in the facts' ``emissions`` of the one that a
    pixel belongs to, or :data:`.truth.NO_EMISSION`.

    ``facts``, JSON-ready: the fields of its stratum, ``sample_rate`` (Hz), ``duration`` (s),
    ``carriers``: for each of them ``label``, ``kind`` (downlink, uplink, or shared by both
    technologies), the channel's edges ``low_hz`` and ``high_hz`` from the span's centre, which may
    lie outside of the span, and ``subcarrier_hz``; and ``emissions``, of :mod:`.truth`.
    """

    emission_of: np.ndarray
    facts: dict


class BenchmarkMaker(SceneMaker):
    """Draws the frames of the seeds :data:`.strata.SEEDS`, whose truth is transmission on the air.

    What comes before a frame is drawn whether or not the spec has lags to look at it, so that
    frames are the same for every model.
    """

    phone_spread_db = 0.0
    # Arrays (rows, cols) of bytes that are kept of each frame beside the usual ones
    extra_arrays = ("emission_of",)

    def frame(self, seed: int) -> BenchmarkFrame:
        """The frame of a seed; raises IndexError where the benchmark has no such seed."""
        self.stratum = strata.STRATA[strata.SEEDS.index(seed)]
        self.carriers: list[dict] = []
        self.sources: list[truth.Source] = []
        if self.stratum.part == strata.PAPER:
            made, self.carriers = side_by_side.draw_frame(self.stratum.pair, self, Rng(seed))
            self.sources = [
                truth.Source(number, carrier["label"], carrier["subcarrier_hz"])
                for number, carrier in enumerate(self.carriers)
            ]
        else:
            made = super().frame(seed)
        emission_of, emissions = truth.emissions_of(
            made.owner.numpy(), made.owner_power.numpy(), self.sources
        )
        facts = asdict(self.stratum) | {
            "sample_rate": self.stratum.fft_15k * SUBCARRIER_HZ,
            "duration": made.resolution[1] * self.rows,
            "carriers": self.carriers,
            "emissions": emissions,
        }
        return BenchmarkFrame(**vars(made), emission_of=emission_of, facts=facts)

    def draw_span(self, rng: Rng) -> Span:
        """The stratum's rate and length."""
        rate = self.stratum.fft_15k * SUBCARRIER_HZ
        length_s = self.stratum.length_s * self.spec.rows / self.rows
        hops = self.spec.hops_per_row(rate, length_s)
        return Span(self.stratum.fft_15k, hops, self.rows, self.spec)

    def draw_rows_before(self, span: Span, rng: Rng) -> int:
        """As the stratum says, whatever the spec's lags."""
        if not self.stratum.before:
            return 0
        rows = math.ceil(strata.BEFORE_S * span.sample_rate / span.row_samples)
        most = (MOST_SAMPLES * 3 // 2 - span.samples) // span.row_samples
        return max(0, min(rows, most))

    def draw_radio(self, span: Span, rng: Rng) -> radio.Radio:
        """Any, but one with a plateau in scenarios of plateaus."""
        wanted = self.stratum.scenario in strata.PLATEAUS
        for _ in range(TRIES):
            drawn = radio.draw_radio(span, rng, strata.FLOOR_SHAPES)
            if not wanted or drawn.response.depth_db > 0:
                break
        return drawn

    def draw_emissions(self, span: Span, rng: Rng) -> list[Emission]:
        """The stratum's scenario, all of it at the stratum's signal-to-noise ratio."""
        out: list[Emission] = []
        for number, group in enumerate(self._groups(rng)):
            made = self._draw_apart(group, span, out, rng)
            self.sources += [
                truth.Source(number, KINDS[emission.kind], emission.subcarrier_hz)
                for emission in made
            ]
            out += made
        return out

    def _draw_apart(
        self, group: str, span: Span, others: list[Emission], rng: Rng
    ) -> list[Emission]:
        """Emissions of a group in columns that the ``others`` leave free, as bands are given to
        services; radio packets and Wi-Fi share theirs. None where there is no room."""
        if group in strata.SHARING and span.fft_15k >= strata.SHARING_FFT_15K:
            sharing = [name for family in strata.SHARING for name, *_ in strata.FAMILIES[family]]
            others = [e for e in others if KINDS[e.kind] not in sharing]
        for _ in range(TRIES_APART):
            told = len(self.carriers)
            made = self._draw_emission(group, span, rng)
            if not _meet(made, others):
                return made
            del self.carriers[told:]
        return []

    def _groups(self, rng: Rng) -> list[str]:
        """Of each emission the technology or family; one of ``nr 15 kHz`` stands for NR's."""
        scenario = self.stratum.scenario
        if scenario in strata.SILENT:
            return []
        weights = dict(strata.GROUP_WEIGHTS)
        if scenario == "inside":
            return [rng.choice(("lte", *strata.NR_SPACINGS_HZ))]
        if scenario not in ("several", "plateau"):
            return [scenario]
        out = []
        for _ in range(rng.integer(2, 4) if scenario == "several" else rng.integer(1, 3)):
            # different ones: what comes once does not come again
            out.append(rng.choice(list(weights), list(weights.values())))
            del weights[out[-1]]
        return out

    def _draw_emission(self, group: str, span: Span, rng: Rng) -> list[Emission]:
        if group in strata.FAMILIES:
            table = [
                (other.TABLE[name][0], least, weight)
                for name, least, weight in strata.FAMILIES[group]
            ]
            kind = other.draw_kind(span, rng, table)
            return self.emit(Planned(group, self.stratum.snr_db, make=kind), span, rng)
        technology, spacing = group.split()[0], strata.NR_SPACINGS_HZ.get(group)
        for _ in range(TRIES):
            planned = self._draw_carrier(technology, spacing, span, rng)
            if planned is None:
                continue
            made = self.emit(planned, span, rng)
            if spacing is None or made[0].subcarrier_hz == spacing:
                self._tell(planned, made)
                return made
        return []

    def _draw_carrier(self, technology, spacing, span: Span, rng: Rng) -> Planned | None:
        taken = [(c["low_hz"], c["high_hz"]) for c in self.carriers]
        inside = self.stratum.scenario == "inside"
        place = plans.draw_place(technology, span, taken, inside, rng)
        if place is None or (spacing and place.bandwidth not in nr.RESOURCE_BLOCKS[spacing]):
            return None
        kind = carriers.draw_kind(technology, place, rng)
        return Planned(technology, self.stratum.snr_db, place, kind)

    def _tell(self, planned: Planned, made: list[Emission]) -> None:
        kind, place = planned.kind, planned.place
        labels = ("lte", "nr") if kind == carriers.SHARED else (planned.group,)
        for label, emission in zip(labels, made, strict=False):
            told = side_by_side.facts(label, kind, place, emission.subcarrier_hz)
            self.carriers.append(told)


def _meet(some: list[Emission], others: list[Emission]) -> bool:
    """Whether emissions use the same columns, at any time of the frame."""
    if not some or not others:
        return False
    used, taken = (
        torch.stack([(e.cover >= 0.5).any(0) for e in each]).any(0) for each in (some, others)
    )
    narrower = min(int(used.sum()), int(taken.sum()))
    return int((used & taken).sum()) > LEAST_SHARED * narrower
