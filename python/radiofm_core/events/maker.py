# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the events of one receiver's run: numbered, stamped, as the schema says."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .. import keys
from ..csi.motion_state import MOVING, STILL
from ..errors import InputError
from ..fields import check_numbers, check_present, check_whole, finite_number, shown
from ..outputs.activity_lines import ACTIVITY_DECIMALS
from ..outputs.emission_lines import EMISSION_DECIMALS
from ..outputs.json_lines import json_fields
from ..spectrum.detections import Detection
from ..version import __version__
from . import names
from .clock import RunClock

_CHANGES = (keys.EVENT_START, keys.EVENT_UPDATE, keys.EVENT_END)
# Of a message, what an event tells; what is for blocks alone is left out
_EMISSION = (*EMISSION_DECIMALS, keys.MERGED_INTO)
_ACTIVITY = (*ACTIVITY_DECIMALS, keys.LATENCY)
_MOTION_CHANGES = (keys.EVENT_START, keys.EVENT_END)
_MOTION_STATES = (MOVING, STILL)
_MOTION_NUMBERS = (keys.START_TIME, keys.DURATION, keys.CONFIDENCE, keys.MOTION_DB)
_STATE = {keys.STATE: None}
_COUNTS = (keys.FRAMES, keys.DROPPED, keys.QUEUE_DEPTH, keys.PACKETS, keys.WINDOWS, keys.FAILED)
_MEASURED = (keys.LATENCY_P50, keys.LATENCY_P99, keys.MSPS)
_STATUS_DECIMALS = dict.fromkeys(_COUNTS) | dict.fromkeys(_MEASURED, 6)


@dataclass(frozen=True)
class Receiver:
    """Where the samples or packets come from: ``name`` as the user calls it, Hz and S/s where they
    are known."""

    name: str
    center_frequency: float | None = None
    sample_rate: float | None = None


class EventMaker:
    """Makes events in the order of their numbers; each method returns one. Not locked: what puts
    them out calls it from one thread at a time.

    Args:
        receiver: may be changed while it runs: events tell the one at their time.
        model: the model's name, or None where none runs.
        host: this machine's name (None: as the system tells it).
        run: identifies the run (None: a new UUID).
        clock: of the run.
    """

    def __init__(
        self,
        receiver: Receiver,
        model: str | None = None,
        host: str | None = None,
        run: str | None = None,
        clock: RunClock | None = None,
    ):
        self.receiver = receiver
        self.model = model
        self.host = host or socket.gethostname() or "localhost"
        self.run = run or str(uuid.uuid4())
        self._clock = clock or RunClock()
        self._sequence = 0
        self._burst_base = self._burst_top = 0

    def run_start(self) -> dict:
        """The first event of a run."""
        program = f"radiofm {__version__}"
        return self._event(names.RUN_TYPE, keys.EVENT_START, {names.PROGRAM: program})

    def run_end(self, reason: str, outputs: Mapping[str, Mapping] | None = None) -> dict:
        """The last one: why it ended, and what the outputs did so far."""
        told = {names.REASON: reason, names.OUTPUTS: dict(outputs or {})}
        return self._event(names.RUN_TYPE, keys.EVENT_END, told)

    def source_found(self, source: str) -> dict:
        """Samples or packets come, for the first time or again."""
        return self._event(names.SOURCE_TYPE, names.FOUND, {names.SOURCE: source})

    def source_lost(self, source: str, reason: str) -> dict:
        """They do not come any more."""
        told = {names.SOURCE: source, names.REASON: reason}
        return self._event(names.SOURCE_TYPE, names.LOST, told)

    def source_retry(self, source: str, reason: str, attempt: int, wait: float) -> dict:
        """The source could not be opened, and is tried again in ``wait`` seconds."""
        told = {
            names.SOURCE: source,
            names.REASON: reason,
            names.ATTEMPT: attempt,
            names.WAIT: round(float(wait), 3),
        }
        return self._event(names.SOURCE_TYPE, names.RETRY, told)

    def new_tracker(self) -> None:
        """A new flowgraph counts its emissions from 0 again: events go on with the next number."""
        self._burst_base = self._burst_top

    def emission(self, message: Mapping) -> dict:
        """A message on ``emissions``; raises InputError for one that is none."""
        check_present(
            message, (keys.EVENT, keys.BURST_ID, keys.ACTIVE_TIME, keys.BURSTS), "an emission"
        )
        change = message[keys.EVENT]
        if not (isinstance(change, str) and change in _CHANGES):
            raise InputError(
                f"its {keys.EVENT}: expected one of {', '.join(_CHANGES)}, got {shown(change)}"
            )
        numbers = [key for key in (keys.BURST_ID, keys.MERGED_INTO) if key in message]
        check_whole(message, (*numbers, keys.BURSTS))
        check_numbers(message, (keys.ACTIVE_TIME,), least=0.0)
        Detection.from_dict(message)
        _check_share(message, keys.CONFIDENCE)
        told = {key: message[key] for key in _EMISSION if key in message}
        for key in numbers:
            told[key] = message[key] + self._burst_base
        self._burst_top = max(self._burst_top, told[keys.BURST_ID] + 1)
        del told[keys.EVENT]
        return self._event(names.EMISSION, change, json_fields(told, EMISSION_DECIMALS))

    def activity(self, message: Mapping) -> dict:
        """A message on ``activity``; raises InputError for one that is none."""
        check_present(
            message, (keys.LABEL, keys.START_TIME, keys.DURATION, keys.CONFIDENCE), "an activity"
        )
        check_numbers(message, (keys.START_TIME,))
        check_numbers(message, (keys.DURATION,), least=0.0)
        _check_share(message, keys.CONFIDENCE)
        measured = (keys.MOTION_DB, keys.PACKET_RATE, keys.LATENCY)
        check_numbers(message, [key for key in measured if key in message])
        if keys.MOTION_PROBABILITY in message:
            _check_share(message, keys.MOTION_PROBABILITY)
        check_whole(message, [key for key in (keys.LOST_PACKETS,) if key in message])
        told = {key: message[key] for key in _ACTIVITY if key in message}
        told[keys.LABEL] = str(message[keys.LABEL])
        told[keys.SOURCE] = str(message.get(keys.SOURCE, ""))
        told[keys.PROBABILITIES] = _probabilities(message)
        return self._event(names.ACTIVITY, None, json_fields(told, ACTIVITY_DECIMALS))

    def motion(self, message: Mapping) -> dict:
        """A message on ``motion``; raises InputError for one that is none."""
        check_present(message, (keys.EVENT, keys.STATE, *_MOTION_NUMBERS), "a state of motion")
        for key, known in ((keys.EVENT, _MOTION_CHANGES), (keys.STATE, _MOTION_STATES)):
            if not (isinstance(message[key], str) and message[key] in known):
                raise InputError(
                    f"its {key}: expected one of {', '.join(known)}, got {shown(message[key])}"
                )
        check_numbers(message, (keys.START_TIME, keys.MOTION_DB))
        check_numbers(message, (keys.DURATION,), least=0.0)
        _check_share(message, keys.CONFIDENCE)
        told = {key: message[key] for key in (keys.STATE, *_MOTION_NUMBERS)}
        told[keys.SOURCE] = str(message.get(keys.SOURCE, ""))
        return self._event(
            names.MOTION, message[keys.EVENT], json_fields(told, ACTIVITY_DECIMALS | _STATE)
        )

    def status(self, message: Mapping, outputs: Mapping[str, Mapping] | None = None) -> dict:
        """A message on ``status`` of whatever block, with what the outputs do; what is not known
        of it is left out."""
        check_present(message, ())
        told: dict = {}
        for key in _COUNTS:
            if type(message.get(key)) is int and message[key] >= 0:
                told[key] = message[key]
        for key in _MEASURED:
            value = finite_number(message.get(key))
            if value is not None and value >= 0:
                told[key] = value
        if keys.ERROR in message:
            told[keys.ERROR] = str(message[keys.ERROR])
        told[names.OUTPUTS] = dict(outputs or {})
        return self._event(names.STATUS, None, json_fields(told, _STATUS_DECIMALS))

    def drops(
        self, cause: str, unit: str, count: int, total: int, output: str | None = None
    ) -> dict:
        """``count`` were lost since the last event of this cause, ``total`` in the run. ``output``:
        the name of the one that lost them, if it was one."""
        told = {names.CAUSE: cause, names.UNIT: unit, names.COUNT: count, names.TOTAL: total}
        if output is not None:
            told[names.OUTPUT] = output
        return self._event(names.DROPS, None, told)

    def output_lost(self, output: str, reason: str) -> dict:
        """An output cannot be written or reached; events wait for it."""
        return self._event(
            names.OUTPUT_TYPE, names.LOST, {names.OUTPUT: output, names.REASON: reason}
        )

    def output_found(self, output: str) -> dict:
        """An output takes events, for the first time or again."""
        return self._event(names.OUTPUT_TYPE, names.FOUND, {names.OUTPUT: output})

    def round(self, number: int, centers: Sequence[tuple[float, int, Mapping[str, int]]]) -> dict:
        """A round of a sweep is over. ``centers``: of each stay, in order, the centre frequency
        (Hz), the frames that were judged, and how many emissions there were by label."""
        stays = [
            {
                keys.CENTER_FREQUENCY: float(hertz),
                names.FRAMES: frames,
                names.EMISSIONS: dict(found),
            }
            for hertz, frames, found in centers
        ]
        return self._event(names.ROUND, None, {names.ROUND: number, names.CENTERS: stays})

    def clock_step(self) -> dict | None:
        """An event if the time of day was set since the last call, else None."""
        step = self._clock.step()
        return self._event(names.CLOCK, names.STEPPED, {names.STEP: step}) if step else None

    def _event(self, kind: str, change: str | None, told: Mapping) -> dict:
        time, monotonic = self._clock.now()
        self._sequence += 1
        event = {names.VERSION: names.SCHEMA_VERSION, names.TYPE: kind}
        if change is not None:
            event[keys.EVENT] = change
        event |= {
            names.TIME: time,
            names.MONOTONIC: monotonic,
            names.SEQUENCE: self._sequence,
            names.RUN: self.run,
            names.HOST: self.host,
            names.RECEIVER: {
                names.NAME: self.receiver.name,
                keys.CENTER_FREQUENCY: self.receiver.center_frequency,
                keys.SAMPLE_RATE: self.receiver.sample_rate,
            },
            keys.MODEL: self.model,
        }
        return event | told


def _check_share(message: Mapping, key: str) -> None:
    value = finite_number(message[key])
    if value is None or not 0.0 <= value <= 1.0:
        raise InputError(f"its {key}: expected a number from 0 to 1, got {shown(message[key])}")


def _probabilities(message: Mapping) -> dict[str, float]:
    found = message.get(keys.PROBABILITIES)
    if not isinstance(found, Mapping):
        return {}
    numbers = {str(name): finite_number(value) for name, value in found.items()}
    return {name: value for name, value in numbers.items() if value is not None}
