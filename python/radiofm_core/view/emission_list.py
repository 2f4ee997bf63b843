# SPDX-License-Identifier: GPL-3.0-or-later
"""The emissions of the last minute, as a list that people read: on the air first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from .. import keys
from ..fields import check_numbers, check_present, check_whole, finite_number
from ..outputs.evidence_words import emission_name, evidence_words

# Emissions that are kept, and of these the ones that have ended
MOST, MOST_ENDED = 2000, 500
_NUMBERS = (
    keys.CONFIDENCE,
    keys.CENTER_FREQUENCY,
    keys.BANDWIDTH,
    keys.START_TIME,
    keys.DURATION,
)


@dataclass(frozen=True)
class ShownEmission:
    """One emission as it was told last: Hz, seconds of the source's clock, dB, shares 0 to 1.

    ``end``: where it was last seen. ``duty``: on the air for this share of its time. ``words``:
    what spoke for the label, the clearest first; empty where there is nothing to tell.
    ``spacing`` (Hz) and ``snr_db`` are None where they are not known.
    """

    number: int
    label: str
    name: str
    confidence: float
    center: float
    bandwidth: float
    start: float
    end: float
    duty: float
    snr_db: float | None
    spacing: float | None
    words: str
    is_open: bool

    @property
    def low(self) -> float:
        """Lower edge in Hz."""
        return self.center - self.bandwidth / 2

    @property
    def high(self) -> float:
        """Upper edge in Hz."""
        return self.center + self.bandwidth / 2

    @classmethod
    def of(cls, event: Mapping) -> ShownEmission:
        """From an event of the tracker; raises InputError for one that lacks what is shown."""
        check_present(event, (keys.EVENT, keys.BURST_ID, keys.LABEL, *_NUMBERS), "an emission")
        check_numbers(event, _NUMBERS)
        check_whole(event, (keys.BURST_ID,))
        duration = max(event[keys.DURATION], 0.0)
        active = finite_number(event.get(keys.ACTIVE_TIME))
        if active is None:
            active = duration
        return cls(
            number=event[keys.BURST_ID],
            label=str(event[keys.LABEL]),
            name=emission_name(event),
            confidence=event[keys.CONFIDENCE],
            center=event[keys.CENTER_FREQUENCY],
            bandwidth=event[keys.BANDWIDTH],
            start=event[keys.START_TIME],
            end=event[keys.START_TIME] + duration,
            duty=min(max(active / duration, 0.0), 1.0) if duration > 0 else 1.0,
            snr_db=finite_number(event.get(keys.SNR_DB)),
            spacing=finite_number(event.get(keys.SUBCARRIER_SPACING)),
            words=evidence_words(event),
            is_open=event[keys.EVENT] != keys.EVENT_END,
        )


class EmissionList:
    """What the tracker tells, by number. Not locked: :class:`.spectrum_state.SpectrumState` is.

    The oldest that have ended are forgotten beyond MOST_ENDED; beyond MOST any.
    """

    def __init__(self):
        self._known: OrderedDict[int, ShownEmission] = OrderedDict()
        self._ended: OrderedDict[int, None] = OrderedDict()
        self._version = 0
        self._told: tuple[int, list[ShownEmission]] = (0, [])

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._version

    def take(self, event: Mapping) -> None:
        """Take an event of the tracker; raises InputError for one that lacks what is shown."""
        emission = ShownEmission.of(event)
        self._version += 1
        if keys.MERGED_INTO in event:
            self._forget(emission.number)
            return
        self._known[emission.number] = emission
        self._ended.pop(emission.number, None)
        if not emission.is_open:
            self._ended[emission.number] = None
        if len(self._ended) > MOST_ENDED:
            self._forget(next(iter(self._ended)))
        if len(self._known) > MOST:
            self._forget(next(iter(self._ended or self._known)))

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
        self._ended.clear()
        self._version += 1

    def all(self) -> list[ShownEmission]:
        """Those on the air by frequency, then those that ended, the last one first."""
        if self._told[0] != self._version:
            self._told = (self._version, self._in_order())
        return list(self._told[1])

    def _in_order(self) -> list[ShownEmission]:
        emissions = list(self._known.values())
        on_air = sorted((e for e in emissions if e.is_open), key=lambda e: (e.low, e.number))
        ended = sorted((e for e in emissions if not e.is_open), key=lambda e: (-e.end, e.number))
        return on_air + ended

    def _forget(self, number: int) -> None:
        self._known.pop(number, None)
        self._ended.pop(number, None)
