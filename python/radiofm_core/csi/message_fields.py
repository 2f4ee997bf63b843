# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows and activities as dicts, which is what messages and JSON lines hold of them."""

from __future__ import annotations

import math

import numpy as np

from .. import keys
from ..errors import InputError, UsageError
from ..fields import check_numbers, check_present, check_whole, shown
from .activity import Activity
from .clocks import ABSOLUTE_S, seconds_to_ns
from .motion_state import MotionChange
from .spec import CsiSpec
from .windows import CsiWindow

_NUMBERS = (keys.ROW_DURATION, keys.FREQUENCY_STEP, keys.HOP, keys.PACKET_RATE)
_WHOLE = (keys.ROWS, keys.COLS, keys.CHANNELS, keys.ANTENNAS, keys.LOST_PACKETS)
# What a window can be classified without, and what another program's dict may lack
_OPTIONAL_NUMBERS = (keys.JITTER, keys.INTERPOLATED)
_OPTIONAL_WHOLE = (keys.OUTLIERS, keys.GAIN_STEPS)


def activity_fields(activity: Activity) -> dict:
    """The dict of an answer: times in seconds, since 1970 where the receiver knew the date."""
    return {
        keys.START_TIME: activity.start_ns / 1e9,
        keys.DURATION: activity.duration_s,
        keys.LABEL: activity.label,
        keys.CONFIDENCE: activity.confidence,
        keys.PROBABILITIES: dict(activity.probabilities),
        keys.MOTION_DB: activity.motion_db,
        keys.MOTION_PROBABILITY: activity.motion_probability,
        keys.PACKET_RATE: activity.packet_rate,
        keys.LOST_PACKETS: activity.lost_packets,
        keys.SOURCE: activity.source,
    }


def window_fields(window: CsiWindow, spec: CsiSpec) -> dict:
    """The dict of a window's PDU; its vector is ``window.values`` (rows, cols, channels)."""
    rows, cols, channels = window.values.shape
    return {
        keys.ROWS: rows,
        keys.COLS: cols,
        keys.CHANNELS: channels,
        keys.ANTENNAS: window.antennas,
        keys.RX_TIME: rx_time(window.time_ns),
        keys.START_TIME: window.time_ns / 1e9,
        keys.DURATION: window.duration_s,
        keys.ROW_DURATION: 1 / spec.rate_hz,
        keys.HOP: window.hop_s,
        keys.FREQUENCY_STEP: spec.span_hz / (spec.subcarriers - 1),
        keys.PACKET_RATE: window.packet_rate,
        keys.LOST_PACKETS: window.lost_packets,
        keys.JITTER: window.jitter_s,
        keys.INTERPOLATED: window.interpolated,
        keys.RECEIVED: window.received.astype(np.uint8),
        keys.OUTLIERS: window.outliers,
        keys.GAIN_STEPS: window.gain_steps,
        keys.SOURCE: window.source,
        keys.SPEC: spec.fingerprint,
    }


def window_from_fields(fields: dict, values: np.ndarray, spec: CsiSpec) -> CsiWindow:
    """The inverse of :func:`window_fields`.

    Its hop and its limits of gaps may be others than those of ``spec``; its rows and columns
    must lie as far apart.

    Args:
        fields: the dict, of whatever program.
        values: the PDU's vector, which is not copied.
        spec: the model's.

    Raises:
        UsageError: its ``rx_time`` is no time.
        InputError: the window does not fit ``spec``, or is broken.
    """
    _check_types(fields)
    for key, wanted in (
        (keys.ROWS, spec.rows),
        (keys.COLS, spec.subcarriers),
        (keys.ROW_DURATION, 1 / spec.rate_hz),
        (keys.FREQUENCY_STEP, spec.span_hz / (spec.subcarriers - 1)),
    ):
        if not math.isclose(fields[key], wanted, rel_tol=1e-6):
            raise InputError(
                f"its {key} is {fields[key]:.6g}, the model's is {wanted:.6g}; set the same model "
                "in the framer and the classifier"
            )
    antennas, channels = fields[keys.ANTENNAS], fields[keys.CHANNELS]
    if antennas < 1 or channels not in (antennas, 3 * antennas - 2):
        raise InputError(
            f"its {keys.CHANNELS}: expected {antennas}, or {3 * antennas - 2} with phases, of "
            f"{antennas} {keys.ANTENNAS}, got {channels}"
        )
    shape = (spec.rows, spec.subcarriers, channels)
    if values.dtype != np.float32 or values.size != math.prod(shape):
        raise InputError(
            f"its vector: expected {math.prod(shape)} values of float32 "
            f"({' x '.join(map(str, shape))}), got {values.size} values of {values.dtype}"
        )
    if not np.isfinite(values).all():
        raise InputError(f"{np.count_nonzero(~np.isfinite(values))} of its values are not finite")
    time_ns = rx_time_ns(fields[keys.RX_TIME])
    return CsiWindow(
        values=values.reshape(shape),
        received=_received(fields, spec.rows),
        antennas=antennas,
        time_ns=time_ns,
        time_is_absolute=is_absolute(time_ns),
        duration_s=spec.duration_s,
        hop_s=float(fields[keys.HOP]),
        packet_rate=float(fields[keys.PACKET_RATE]),
        lost_packets=fields[keys.LOST_PACKETS],
        jitter_s=float(fields.get(keys.JITTER, 0.0)),
        outliers=fields.get(keys.OUTLIERS, 0),
        gain_steps=fields.get(keys.GAIN_STEPS, 0),
        source=fields[keys.SOURCE],
    )


def _received(fields: dict, rows: int) -> np.ndarray:
    """Which rows have packets of their own: bool (rows,); all of them where it is not told."""
    found = fields.get(keys.RECEIVED)
    if found is None:
        return np.ones(rows, bool)
    if not isinstance(found, np.ndarray) or found.dtype != np.uint8 or found.shape != (rows,):
        raise InputError(
            f"its {keys.RECEIVED}: expected {rows} bytes of 0 or 1, one for each row, got "
            f"{shown(found)}"
        )
    return found != 0


def motion_fields(change: MotionChange) -> dict:
    """The dict of a state of motion that begins or is over."""
    return {
        keys.EVENT: change.event,
        keys.STATE: change.state,
        keys.START_TIME: change.start_ns * 1e-9,
        keys.DURATION: change.duration_s,
        keys.CONFIDENCE: change.confidence,
        keys.MOTION_DB: change.motion_db,
        keys.SOURCE: change.source,
    }


def rx_time(time_ns: int) -> tuple[int, float]:
    """(whole seconds, fraction) of nanoseconds."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    return seconds, nanoseconds * 1e-9


def rx_time_ns(rx_time) -> int:
    """Nanoseconds of (whole seconds, fraction); raises UsageError for anything else."""
    try:
        seconds, fraction = rx_time
        return seconds_to_ns(seconds) + seconds_to_ns(fraction)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"a message's {keys.RX_TIME}: expected a tuple (seconds, fraction), got "
            f"{shown(rx_time)}"
        ) from error


def is_absolute(time_ns: int) -> bool:
    """Whether a message's time can only be since 1970."""
    return time_ns >= ABSOLUTE_S * 1e9


def _check_types(fields: dict) -> None:
    check_present(fields, (*_WHOLE, *_NUMBERS, keys.RX_TIME, keys.SOURCE))
    check_whole(fields, (*_WHOLE, *(key for key in _OPTIONAL_WHOLE if key in fields)))
    numbers = (*_NUMBERS, *(key for key in _OPTIONAL_NUMBERS if key in fields))
    check_numbers(fields, numbers, least=0.0)
    if fields[keys.HOP] == 0:
        raise InputError(f"its {keys.HOP}: expected a time above 0 s, got 0")
    if not isinstance(fields[keys.SOURCE], str):
        raise InputError(f"its {keys.SOURCE}: expected text, got {shown(fields[keys.SOURCE])}")
