# SPDX-License-Identifier: GPL-3.0-or-later
"""Events in InfluxDB's line protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping

from radiofm_core import keys
from radiofm_core.events import names
from radiofm_core.events.clock import utc_nanoseconds

# Of few values each: a data base keeps an index of them
_TAGS = (
    keys.EVENT,
    keys.LABEL,
    names.CAUSE,
    names.UNIT,
    names.OUTPUT,
    keys.MODEL,
    names.HOST,
)
_LEFT_OUT = (*_TAGS, names.TYPE, names.TIME, names.RECEIVER, names.VERSION, keys.EVIDENCE)
# The receiver's own, as an emission has a centre, too
_RECEIVER_PREFIX = "receiver_"
MEASUREMENT_PREFIX = "radiofm_"


def line_of(event: Mapping) -> bytes:
    """One line with its end: measurement ``radiofm_TYPE``, tags, fields, time in ns.

    Numbers and texts become fields, also those of the outputs (``outputs_NAME_dropped``); evidence
    is left out. Points of one time and the same tags replace each other in the data base: the last
    three digits of the time are those of the event's number, so that none do.
    """
    receiver = event[names.RECEIVER]
    tags = {key: event[key] for key in _TAGS if event.get(key) is not None}
    # of an activity the sender's MAC; the source of others is what the receiver is called
    tags[names.RECEIVER] = receiver[names.NAME]
    fields: dict[str, object] = {}
    for key, value in event.items():
        if key not in _LEFT_OUT:
            _flatten(key, value, fields)
    for key in (keys.CENTER_FREQUENCY, keys.SAMPLE_RATE):
        _flatten(_RECEIVER_PREFIX + key, receiver[key], fields)
    head = ",".join(
        [
            MEASUREMENT_PREFIX + event[names.TYPE],
            *(f"{_escaped(key)}={_escaped(str(tags[key]))}" for key in sorted(tags) if tags[key]),
        ]
    )
    body = ",".join(f"{_escaped(key)}={value}" for key, value in fields.items())
    time_ns = utc_nanoseconds(event[names.TIME]) + event[names.SEQUENCE] % 1000
    return f"{head} {body} {time_ns}\n".encode()


def _flatten(key: str, value: object, fields: dict[str, object]) -> None:
    if isinstance(value, Mapping):
        for inner, each in value.items():
            _flatten(f"{key}_{inner}", each, fields)
    elif isinstance(value, bool):
        fields[key] = "true" if value else "false"
    elif isinstance(value, int):
        # beyond 64 bits it would be refused, with the whole batch
        fields[key] = f"{value}i" if abs(value) < 1 << 63 else float(value)
    elif isinstance(value, float):
        fields[key] = repr(value)
    elif isinstance(value, str):
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        fields[key] = f'"{text}"'


def _escaped(text: str) -> str:
    """A name or a tag's value: no line ends, and no backslash at its end."""
    text = re.sub(r"[\r\n\t\x00]+", " ", text).strip(" \\")
    return re.sub(r"([,= ])", r"\\\1", text) or "_"
