# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts of what a recording's header, its name and the user say: the user's word most, then
the header's, then the name's; what was taken, and where they contradict each other, is told."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from ...errors import InputError
from ...fields import finite_number
from ..datatypes import datatype_of
from .facts import Facts, center_words, rate_words, time_words
from .found import Found
from .names import facts_of_name

# A name's rate may be rounded
_CLOSE_RATE = 1e-3
# A header is written a while after the file got its name
_CLOSE_S = 60
_QUARTER_HOUR_S = 900
_DAY_S = 86400
# Before it, a clock that tells no date was never set: 2000-01-01, seconds since 1970
_EARLIEST_DATE_S = 946_684_800
# The auxi chunk holds frequencies in 32 bits
_WRAP_HZ = 2.0**32


def combine(found: Found, sample_rate, center_frequency, datatype) -> Facts:
    """The datatype and the rate to use, not yet checked; ``found``'s first segment gets the centre
    and the time of the name, where it has none, and ``inferred`` and ``warnings`` what is to be
    told.

    Args:
        found: what a reader found.
        sample_rate: S/s, as the user gave it, or None.
        center_frequency: Hz, the same.
        datatype: the same.
    """
    name, header = facts_of_name(found.shown.name), found.header
    given = Facts(datatype, sample_rate, center_frequency)
    first = found.segments[0]
    shift = _zone_shift(first.time, name) if found.may_be_local else 0
    _warn(found, name, given, shift)
    center, time = first.center_frequency, first.time
    if name.center_frequency is not None and (
        center is None or _is_wrapped(center, name.center_frequency)
    ):
        center = name.center_frequency
    time = name.time if time is None else time + shift
    found.segments[0] = dataclasses.replace(first, center_frequency=center, time=time)
    if found.header_kind and not found.meta:
        own_center = first.center_frequency if center == first.center_frequency else None
        own_time = first.time if not shift else None
        own = Facts(header.datatype, header.sample_rate, own_center, own_time)
        _tell(found, _without(own, given), f"from its {found.header_kind}")
    if shift:
        _tell(found, Facts(time=time), f"from its {found.header_kind}, made UTC by its name")
    used = Facts(
        name.datatype if header.datatype is None else None,
        name.sample_rate if header.sample_rate is None else None,
        center if center != first.center_frequency else None,
        name.time if first.time is None else None,
        is_local_time=name.is_local_time,
    )
    _tell(found, _without(used, given), "from its name")
    return Facts(
        _first(datatype, header.datatype, name.datatype),
        _first(sample_rate, header.sample_rate, name.sample_rate),
    )


def _without(facts: Facts, given: Facts) -> Facts:
    """What of it the user did not give."""
    names = ("datatype", "sample_rate", "center_frequency")
    known = {name: None for name in names if getattr(given, name) is not None}
    return dataclasses.replace(facts, **known)


def _first(*values):
    return next((value for value in values if value is not None), None)


def _tell(found: Found, facts: Facts, where: str) -> None:
    if words := facts.words():
        found.inferred.append(f"{found.shown.name}: {words} ({where})")


def _warn(found: Found, name: Facts, given: Facts, shift: int) -> None:
    """Of what a name promises and the header denies; ``shift`` is that of :func:`_zone_shift`."""
    header, differ = found.header, []
    if given.sample_rate is None:
        differ += _other_rate(name.sample_rate, finite_number(header.sample_rate))
    if given.center_frequency is None:
        differ += _other_center(name, found.segments[0].center_frequency)
    if given.datatype is None and name.datatype and header.datatype is not None:
        own = _own(header.datatype)
        differ += [(name.datatype, str(own))] if name.datatype != own else []
    if not shift:
        differ += _other_time(name, found.segments[0].time)
    if differ:
        told, counts = (", ".join(words) for words in zip(*differ, strict=True))
        found.warnings.append(
            f"{found.shown.name}: its name says {told}, its {found.header_kind} {counts}, which "
            "counts"
        )


def _other_rate(by_name: float | None, rate: float | None) -> list[tuple[str, str]]:
    if by_name is None or not rate or abs(rate - by_name) <= _CLOSE_RATE * rate:
        return []
    return [(rate_words(by_name), rate_words(rate))]


def _other_center(name: Facts, center: float | None) -> list[tuple[str, str]]:
    by_name = name.center_frequency
    if by_name is None or center is None or _is_wrapped(center, by_name):
        return []
    is_far = abs(center - by_name) > name.center_step
    return [(center_words(by_name), center_words(center))] if is_far else []


def _other_time(name: Facts, time: Fraction | None) -> list[tuple[str, str]]:
    if name.time is None or time is None or name.is_local_time or time < _EARLIEST_DATE_S:
        return []
    is_far = abs(time - name.time) > _CLOSE_S
    return [(time_words(name.time), time_words(time))] if is_far else []


def _own(datatype: object) -> object:
    try:
        return datatype_of(datatype)
    except InputError:
        return datatype


def _is_wrapped(center: float, by_name: float | None) -> bool:
    """Whether a header's frequency is what 32 bits leave of the name's."""
    return by_name is not None and by_name >= _WRAP_HZ and abs(by_name % _WRAP_HZ - center) < 1.0


def _zone_shift(time: Fraction | None, name: Facts) -> int:
    """Seconds to add to a header's time that is local, where the name tells UTC: whole quarters of
    an hour."""
    if time is None or name.time is None or name.is_local_time:
        return 0
    quarters = round((name.time - time) / _QUARTER_HOUR_S)
    shift = quarters * _QUARTER_HOUR_S
    is_zone = abs(shift) <= _DAY_S and abs(name.time - time - shift) <= _CLOSE_S
    return shift if is_zone else 0
