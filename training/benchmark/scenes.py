# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the frames of the benchmark with the generator's emissions, channels and radio."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from radiofm_core.spectrogram import spectrogram_db

from ..waveforms import lte, nr, other
from ..waveforms.carriers import Place, shared
from ..waveforms.channel import DELAY_SPREADS_S, LTE_PROFILES, TDL_PROFILES, Channel, make_channel
from ..waveforms.ofdm import Sender, emit
from ..waveforms.rng import Rng
from ..waveforms.scene import MOST_SAMPLES, Frame, SceneMaker, place_carrier, truth_of
from ..waveforms.span import LTE, NR, SUBCARRIER_HZ, Emission, Span
from ..waveforms.uplink import build_uplink, draw_uplink, lte_pattern
from . import strata

LABELS = {"lte": LTE, "nr": NR}
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
            wanted = rng.choice((20e-3, rng.uniform(5e-3, 8e-3), rng.log_uniform(5e-3, 40e-3)))
            duration = min(wanted, MOST_SAMPLES / rate * self.spec.rows / self.rows)
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
            place = self._draw_place(technology, span, rng)
            if place is not None:
                out += self._emit(technology, place, span, rng)
        if scenario in ("other", "mixed"):
            for _ in range(rng.integer(1, 3)):
                kind = other.draw_kind(span, rng)
                out.append(other.emit(kind, span, self.stratum.snr_db, rng))
        return out

    def _draw_place(self, technology: str, span: Span, rng: Rng) -> Place | None:
        """Where no carrier is yet, as the generator chooses it."""
        table = lte.RESOURCE_BLOCKS if technology == "lte" else nr.BANDWIDTHS
        inside = self.stratum.scenario == "inside"
        if inside:
            choices = [b for b in table if b >= 0.95 * span.sample_rate]
        else:
            choices = [b for b in table if b <= 1.05 * span.sample_rate]
        if not choices:
            choices = [min(table, key=lambda b: abs(b - span.sample_rate))]
        bandwidth = rng.choice(choices, [b**0.5 for b in choices])
        taken = [(c["low_hz"], c["high_hz"]) for c in self.carriers]
        offset = place_carrier(bandwidth, span, taken, inside, rng)
        return None if offset is None else self._place(bandwidth, offset, span, rng, inside)

    @staticmethod
    def _place(bandwidth: float, offset: float, span: Span, rng: Rng, inside=False) -> Place:
        time = rng.integer(0, 9) * 1e-3 + rng.uniform(0, 1e-3)
        return Place(bandwidth, offset, time, int((time + span.duration) * 1e3) + 2, inside)

    def _emit(self, technology: str, place: Place, span: Span, rng: Rng) -> list[Emission]:
        snr_db = self.stratum.snr_db
        if rng.chance(0.12) and not place.inside:
            self._note(technology, "uplink", place)
            return [_uplink(technology, place, span, snr_db, rng)]
        if technology == "lte" and place.bandwidth >= 5e6 and rng.chance(0.06):
            self._note("lte", "shared", place)
            self._note("nr", "shared", place)
            return shared(place, span, snr_db, rng)
        self._note(technology, "downlink", place)
        return _downlink(technology, place, span, snr_db, rng)

    def _note(self, label: str, kind: str, place: Place) -> None:
        low, high = place.offset - place.bandwidth / 2, place.offset + place.bandwidth / 2
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
            place = self._place(width, low + gap + width / 2, span, rng)
            self._note(technology, "downlink", place)
            cell = replace(_draw_cell(technology, place, rng), tdd=None, load=self.stratum.load)
            plain = {"mbsfn": ()} if technology == "lte" else {"widest_user": None}
            grids = _build(technology, replace(cell, **plain), place, rng)
            sender = Sender(channel=_draw_fading(technology, rng))
            out.append(emit(grids, span, LABELS[technology], self.stratum.snr_db, rng, sender))
            low += width
        return out


def _draw_cell(technology: str, place: Place, rng: Rng) -> lte.LteCarrier | nr.NrCarrier:
    draw = lte.draw_carrier if technology == "lte" else nr.draw_carrier
    return draw(rng, place.bandwidth)


def _spacing(cell: lte.LteCarrier | nr.NrCarrier) -> float:
    return cell.subcarrier_hz if isinstance(cell, nr.NrCarrier) else SUBCARRIER_HZ


def _build(technology: str, cell, place: Place, rng: Rng):
    build = lte.build_grid if technology == "lte" else nr.build_grids
    return build(cell, place.milliseconds, place.subcarriers(_spacing(cell)), place.time, rng)


def _downlink(technology, place: Place, span: Span, snr_db: float, rng: Rng) -> list[Emission]:
    """A downlink, and in some TDD carriers a phone that is as strong."""
    cell = _draw_cell(technology, place, rng)
    if technology == "nr" and place.inside:
        # A fully loaded carrier around the span could not be told from noise.
        cell = replace(cell, load=min(cell.load, 0.6))
    out = [emit(_build(technology, cell, place, rng), span, LABELS[technology], snr_db, rng)]
    extended = technology == "lte" and cell.extended
    if cell.tdd is not None and not extended and rng.chance(0.25):
        slots = lte_pattern(cell.tdd) if technology == "lte" else cell.tdd
        up = draw_uplink(rng, technology == "lte", cell.resource_blocks, _spacing(cell), slots)
        at = place.subcarriers(_spacing(cell))
        grids = build_uplink(up, place.milliseconds, at, place.time, rng)
        out.append(emit(grids, span, LABELS[technology], snr_db, rng))
    return out


def _uplink(technology: str, place: Place, span: Span, snr_db: float, rng: Rng) -> Emission:
    """A carrier that holds nothing but an uplink (FDD)."""
    if technology == "lte":
        spacing, blocks = SUBCARRIER_HZ, lte.RESOURCE_BLOCKS[place.bandwidth]
    else:
        spacing = min(s for s, table in nr.RESOURCE_BLOCKS.items() if place.bandwidth in table)
        blocks = nr.RESOURCE_BLOCKS[spacing][place.bandwidth]
    up = draw_uplink(rng, technology == "lte", blocks, spacing, None)
    at = place.subcarriers(spacing)
    grids = build_uplink(up, place.milliseconds, at, place.time, rng)
    return emit(grids, span, LABELS[technology], snr_db, rng)


def _draw_fading(technology: str, rng: Rng) -> Channel:
    """A profile of the technology's own standard, without a line of sight."""
    if technology == "lte":
        delays, powers = LTE_PROFILES[rng.choice(tuple(LTE_PROFILES))]
        scale = 1e-9
    else:
        delays, powers = TDL_PROFILES[rng.choice(tuple(TDL_PROFILES))]
        scale = rng.choice(DELAY_SPREADS_S[:4])
    return make_channel(delays, powers, scale, rng.choice(DOPPLER_HZ), 0.0, rng)
