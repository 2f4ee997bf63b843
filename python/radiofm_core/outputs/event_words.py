# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as lines that people read: of emissions, activities, and how a model keeps up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from .. import keys
from .terminal import colored
from .units import display_name, readable_time

# Seconds since 1970 before which a time is taken for one since the start
EPOCH_TIMES = 1e9
# Seconds between two lines that say that frames were dropped
STATUS_INTERVAL_S = 5.0
NO_COLORS: Mapping[str, str] = {}


def event_words(event: Mapping, colors: Mapping[str, str] = NO_COLORS) -> str:
    """A tracker's event: when, what happened, which emission, where, how wide, how strong.

    Args:
        event: the fields of a message on ``emissions``.
        colors: ``#rrggbb`` by label, for a terminal; a label without one is not coloured.
    """
    begins = event[keys.EVENT] == keys.EVENT_START
    tail = "" if begins else f"  after {readable_time(event[keys.DURATION])}"
    moment = event[keys.START_TIME] + (0 if begins else event[keys.DURATION])
    return (
        f"{clock_words(moment)}  {event[keys.EVENT]:6}  #{event[keys.BURST_ID]:<4} "
        f"{_label(event[keys.LABEL], colors)}  "
        f"{event[keys.CENTER_FREQUENCY] / 1e6:.3f} MHz  "
        f"{event[keys.BANDWIDTH] / 1e6:.3f} MHz wide  {event[keys.SNR_DB]:.0f} dB{tail}"
    )


def activity_words(activity: Mapping, colors: Mapping[str, str] = NO_COLORS) -> str:
    """An answer of the activity classifier: when, what, how sure, how much moves, whose packets."""
    return (
        f"{clock_words(activity[keys.START_TIME])}  {_label(activity[keys.LABEL], colors, 8)}  "
        f"confidence {activity[keys.CONFIDENCE]:.2f}  motion {activity[keys.MOTION_DB]:4.1f} dB  "
        f"{activity[keys.PACKET_RATE]:.0f} packets/s  {activity[keys.SOURCE] or '-'}"
    )


def motion_words(change: Mapping) -> str:
    """A state of motion that begins or is over: when, which, how sure, how much, whose packets."""
    begins = change[keys.EVENT] == keys.EVENT_START
    moment = change[keys.START_TIME] + (0 if begins else change[keys.DURATION])
    tail = "" if begins else f"  after {readable_time(change[keys.DURATION])}"
    return (
        f"{clock_words(moment)}  {change[keys.EVENT]:5}  {change[keys.STATE]:6}  "
        f"confidence {change[keys.CONFIDENCE]:.2f}  motion {change[keys.MOTION_DB]:4.1f} dB  "
        f"{change[keys.SOURCE] or '-'}{tail}"
    )


def counts_words(status: Mapping, unit: str = "frames segmented") -> str:
    """How many frames got a result and how many were dropped, by an inference block's status."""
    done, dropped = (status.get(key, 0) for key in (keys.FRAMES, keys.DROPPED))
    return f"{done} {unit}, {dropped} dropped"


def summary_words(status: Mapping, unit: str = "frames segmented") -> str:
    """The same, and how long a frame took; for the end."""
    latency = status.get(keys.LATENCY_P50, 0.0)
    return f"{counts_words(status, unit)}, median latency {latency * 1e3:.0f} ms"


def clock_words(moment: float) -> str:
    """A time of day (UTC) where the source knows it, else seconds since the start."""
    if moment < EPOCH_TIMES:
        return f"{moment:10.3f} s"
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S.%f")[:-3]


def _label(label: str, colors: Mapping[str, str], width: int = 5) -> str:
    text = display_name(label).ljust(width)
    return colored(text, colors[label]) if label in colors else text
