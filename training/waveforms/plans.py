# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the air in a scene, before any of it is made: how many emissions, of which group and
strength, where and when. Every group comes about as often at every sample rate, so that the rate
tells little; Wi-Fi half as often in spans that are too narrow for a channel of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import carriers, lte, nr, other
from .carriers import Place
from .rng import Rng
from .span import Span

Band = tuple[float, float]
GROUPS = ("lte", "nr", "wifi", "other")
# An NR carrier sends less than an LTE one: more of them make up for some of it.
WEIGHTS = {"lte": 1.0, "nr": 1.25, "wifi": 0.8, "other": 1.05}
# What receivers of up to 4 MS/s are pointed at is seldom a part of a Wi-Fi channel.
NARROW_WIFI, WIFI_SPAN = 0.5, 5e6
OTHER = tuple(name for name in other.USUAL if name not in other.WIFI)
SCENARIOS = {"empty": 0.13, "one": 0.24, "several": 0.42, "inside": 0.15, "crowded": 0.06}
# By how much a band of another kind is stronger than a carrier, as a rule (dB)
OTHER_LIFT_DB = 3.0
# Scenes from a cable or a simulator, whose signals are almost noise-free
CLEAN_SHARE = 0.08
SHORTEST_BURST_S, LONGEST_BURST_S = 0.2e-3, 3e-3


@dataclass(frozen=True)
class Planned:
    """An emission to make. ``group``: of :data:`GROUPS`; ``place`` and ``kind`` (of
    :mod:`.carriers`) of a carrier, or ``make``, a function of :mod:`.other`; ``on_air``: seconds
    of the frame, None for all of it."""

    group: str
    snr_db: float
    place: Place | None = None
    kind: str | None = None
    make: Callable | None = None
    on_air: Band | None = None


def draw_plan(span: Span, rng: Rng, scenario: str | None = None) -> list[Planned]:
    """A scene: of a scenario of :data:`SCENARIOS`, drawn if not given."""
    scenario = scenario or rng.choice(list(SCENARIOS), list(SCENARIOS.values()))
    if scenario == "empty":
        return []
    clean = rng.chance(CLEAN_SHARE)
    if scenario == "inside":
        weights = group_weights(span)
        wanted = [(rng.choice(GROUPS[:3], [weights[g] for g in GROUPS[:3]]), True)]
        wanted += [(g, False) for g in draw_groups(rng.choice((0, 0, 1, 2)), span, rng)]
    else:
        count = {"one": (1, 1), "several": (2, 3), "crowded": (4, 5)}[scenario]
        wanted = [(g, False) for g in draw_groups(rng.integer(*count), span, rng)]
    out: list[Planned] = []
    taken: list[Band] = []
    for group, inside in wanted:
        planned = draw_emission(group, span, taken, inside, clean, rng)
        if planned is not None:
            out.append(planned)
    return out


def group_weights(span: Span) -> dict[str, float]:
    """How often each group comes in such a span."""
    narrow = NARROW_WIFI if span.sample_rate < WIFI_SPAN else 1.0
    return WEIGHTS | {"wifi": narrow * WEIGHTS["wifi"]}


def draw_groups(count: int, span: Span, rng: Rng) -> list[str]:
    """``count`` groups, each once before one comes again."""
    weights = group_weights(span)
    out: list[str] = []
    while len(out) < count:
        left = [g for g in GROUPS if out.count(g) == len(out) // len(GROUPS)]
        out.append(rng.choice(left, [weights[g] for g in left]))
    return out


def draw_emission(
    group: str,
    span: Span,
    taken: list[Band],
    inside: bool,
    clean: bool,
    rng: Rng,
    make: Callable | None = None,
) -> Planned | None:
    """One emission of a group, None where no room is left for it (``taken``: bands of carriers,
    to which its own is added). ``inside``: around the span if there are so wide ones; ``clean``:
    from a cable or a simulator, almost noise-free; ``make``: the kind of Wi-Fi or of the others,
    drawn if not given."""
    snr_db = rng.uniform(60, 90) if clean else draw_snr(rng)
    if group in carriers.NUMBERS:
        place = draw_place(group, span, taken, inside, rng)
        if place is None:
            return None
        taken.append(place.edges)
        kind = carriers.draw_kind(group, place, rng)
        return Planned(group, snr_db, place, kind, on_air=_draw_on_air(0.12, span, rng))
    make = make or draw_kind(group, span, rng)
    on_air = _draw_on_air(0.06, span, rng)
    return Planned(group, snr_db + OTHER_LIFT_DB, make=make, on_air=on_air)


def draw_kind(group: str, span: Span, rng: Rng) -> Callable:
    """A kind of Wi-Fi or of the others that fits in the span; Wi-Fi where none does, too: a narrow
    span within its channel."""
    rows = [other.TABLE[name] for name in (other.WIFI if group == "wifi" else OTHER)]
    fitting = [row for row in rows if span.sample_rate >= row[1]] or rows[:1]
    return rng.choice([kind for kind, *_ in fitting], [weight for *_, weight in fitting])


def draw_snr(rng: Rng) -> float:
    """dB: 0 to 20 mostly, -10 to 50 in all."""
    return rng.choice(
        (rng.uniform(0, 20), rng.uniform(-10, 40), rng.uniform(20, 50)), (0.55, 0.33, 0.12)
    )


def _draw_on_air(chance: float, span: Span, rng: Rng) -> Band | None:
    """Most are there all the time (as far as they send); some begin or end in the frame, some are
    a single short burst."""
    if not rng.chance(chance):
        return None
    end = span.duration
    kind = rng.choice(("begins", "ends", "burst"))
    if kind == "begins":
        return rng.uniform(0, 0.95) * end, end
    if kind == "ends":
        return 0.0, rng.uniform(0.05, 1.0) * end
    length = rng.log_uniform(SHORTEST_BURST_S, LONGEST_BURST_S)
    begin = rng.uniform(-0.5 * length, end - 0.5 * length)
    return max(0.0, begin), min(end, begin + length)


def bandwidths(technology: str) -> list[float]:
    """Channel bandwidths (Hz)."""
    return list(lte.RESOURCE_BLOCKS if technology == "lte" else nr.BANDWIDTHS)


def draw_place(
    technology: str, span: Span, taken: list[Band], inside: bool, rng: Rng
) -> Place | None:
    """Where in the span no carrier is yet (``taken``: pairs of low and high edge, Hz from the
    span's centre), or None; ``inside``: of a carrier wider than the span, around it."""
    table = bandwidths(technology)
    wider = [b for b in table if b >= 0.95 * span.sample_rate]
    fitting = [b for b in table if b <= 1.05 * span.sample_rate]
    if wider and (inside or rng.chance(0.1 if fitting else 0.35)):
        # Of a very wide carrier a narrow span would hold nothing most of the time.
        bandwidth = rng.choice(wider, [1 / b for b in wider])
        offset = place_carrier(bandwidth, span, taken, True, rng)
        return None if offset is None else Place.drawn(bandwidth, offset, span, rng, True)
    if not fitting or rng.chance(0.2):
        place = _draw_cut(table, span, taken, rng)
        if place is not None or not fitting:
            return place
    bandwidth = rng.choice(fitting, [b**0.5 for b in fitting])
    offset = place_carrier(bandwidth, span, taken, False, rng)
    return None if offset is None else Place.drawn(bandwidth, offset, span, rng)


def _draw_cut(table: list[float], span: Span, taken: list[Band], rng: Rng) -> Place | None:
    """A carrier of which one edge of the span cuts off a part."""
    half = span.sample_rate / 2
    for _ in range(12):
        bandwidth = rng.choice(table, [1 / max(b, 0.2 * span.sample_rate) for b in table])
        # How much of it is left
        seen = rng.uniform(0.1, 0.9) * min(bandwidth, span.sample_rate)
        offset = rng.choice((-1, 1)) * (half + bandwidth / 2 - seen)
        if _free(offset, bandwidth, taken):
            return Place.drawn(bandwidth, offset, span, rng)
    return None


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
        elif taken and rng.chance(0.2):
            # Beside another one, without a gap
            low, high = rng.choice(taken)
            centre = rng.choice((low - bandwidth / 2, high + bandwidth / 2))
        elif rng.chance(0.75) and bandwidth < 2 * half:
            centre = rng.uniform(-half + bandwidth / 2, half - bandwidth / 2)
        else:
            centre = rng.uniform(-half - 0.2 * bandwidth, half + 0.2 * bandwidth)
        within = abs(centre) - bandwidth / 2 < 0.95 * half
        if within and _free(centre, bandwidth, taken):
            return centre
    return None


def _free(centre: float, bandwidth: float, taken: list[Band]) -> bool:
    """Whether a band meets none of those taken. Guard bands lie inside the nominal bandwidth, so
    neighbours may touch."""
    low, high = centre - bandwidth / 2, centre + bandwidth / 2
    return all(high <= a + 1e4 or low >= b - 1e4 for a, b in taken)
