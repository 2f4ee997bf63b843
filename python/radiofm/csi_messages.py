# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI packets and windows as messages.

A packet comes as gr-ieee802-11's ``decode_mac`` puts it out (a PDU of the frame's bytes whose
dict holds ``csi``) or as our own dict or PDU: ``csi`` (complex64, or float32 for amplitudes,
``rows`` antennas x ``cols`` subcarriers) with ``rx_time`` and, if known, ``subcarriers``
(indices), ``subcarrier_spacing`` (Hz), ``mac``, ``rssi`` (dBm) and ``sequence``.
"""

from __future__ import annotations

import numpy as np

from radiofm_core import keys
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiWindow
from radiofm_core.errors import InputError

from .messages import read_message

# gr-ieee802-11: the link type that marks a frame of 802.11, in the dict's `dlt`
_DLT = "dlt"
_IEEE802_11 = 105
# 802.11-2020 9.2.3: frame types (bits 2 and 3 of the first byte); where the sender's address and
# the sequence number are. CTS and ACK end before the sender's address.
_CONTROL, _EXTENSION = 1, 3
_SENDER = slice(10, 16)
_SEQUENCE = slice(22, 24)
# Subcarrier indices by their number, as IEEE 802.11 (52, 56, 114) and receivers that give all bins
# of the FFT (64, 128) order them; 30: Intel 5300 at 20 MHz (802.11-2020 table 9-69, groups of two)
_LAYOUTS = {
    30: np.r_[-28:0:2, -1, 1:28:2, 28],
    52: np.r_[-26:0, 1:27],
    56: np.r_[-28:0, 1:29],
    64: np.arange(-32, 32),
    114: np.r_[-58:-1, 2:59],
    128: np.arange(-64, 64),
}
# Times above this (s; 2001) are since 1970, those below since any start
_ABSOLUTE_S = 1_000_000_000


def packet_of(message, now_ns: int) -> CsiPacket:
    """The packet of a message.

    Args:
        message: a PMT.
        now_ns: its time if it tells none, integer ns since 1970.

    Raises:
        InputError: no CSI in it, or a shape, number of subcarriers or time that fit nothing.
        UsageError: not a dict, nor a PDU.
    """
    content = read_message(message)
    fields, payload = content if isinstance(content, tuple) else (content, None)
    csi = fields.get(keys.CSI)
    if csi is None and payload is not None and payload.dtype != np.uint8:
        csi = payload  # our own PDU: the values are its vector
    if not isinstance(csi, np.ndarray) or csi.dtype == np.uint8:
        raise InputError(f"a message without a vector `{keys.CSI}` of complex or float values")
    rows = fields.get(keys.ROWS, 1)
    cols = fields.get(keys.COLS, csi.size // max(int(rows), 1))
    if not (rows > 0 and cols > 0 and rows * cols == csi.size):
        raise InputError(f"{csi.size} values in `{keys.CSI}` are not {rows} rows x {cols} cols")
    time_ns, is_absolute = _time_of(fields, now_ns)
    sender, sequence = _sender_of(fields, payload)
    mac = fields.get(keys.MAC) or sender
    rssi = fields.get(keys.RSSI)
    return CsiPacket(
        csi=csi.reshape(int(rows), int(cols)),
        subcarriers=_subcarriers_of(fields, int(cols)),
        time_ns=time_ns,
        time_is_absolute=is_absolute,
        rssi_dbm=None if rssi is None else float(rssi),
        mac=str(mac).lower() if mac else None,
        sequence=fields.get(keys.SEQUENCE, sequence),
        subcarrier_hz=float(fields.get(keys.SUBCARRIER_SPACING, 312.5e3)),
    )


def window_fields(window: CsiWindow, spec: CsiSpec) -> dict:
    """The dict of a window's PDU; its vector is ``window.values`` (rows, cols, channels)."""
    rows, cols, channels = window.values.shape
    seconds, nanoseconds = divmod(window.time_ns, 1_000_000_000)
    return {
        keys.ROWS: rows,
        keys.COLS: cols,
        keys.CHANNELS: channels,
        keys.ANTENNAS: window.antennas,
        keys.RX_TIME: (seconds, nanoseconds * 1e-9),
        keys.START_TIME: window.time_ns * 1e-9,
        keys.DURATION: window.duration_s,
        keys.ROW_DURATION: 1 / spec.rate_hz,
        keys.FREQUENCY_STEP: spec.span_hz / (spec.subcarriers - 1),
        keys.PACKET_RATE: window.packet_rate,
        keys.LOST_PACKETS: window.lost_packets,
        keys.JITTER: window.jitter_s,
        keys.INTERPOLATED: window.interpolated,
        keys.OUTLIERS: window.outliers,
        keys.GAIN_STEPS: window.gain_steps,
        keys.SOURCE: window.source,
        keys.SPEC: spec.fingerprint,
    }


def _time_of(fields: dict, now_ns: int) -> tuple[int, bool]:
    time = fields.get(keys.RX_TIME)
    if time is None:
        return now_ns, True
    try:
        seconds, fraction = time
        return int(seconds) * 1_000_000_000 + round(fraction * 1e9), seconds > _ABSOLUTE_S
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"`{keys.RX_TIME}` {time!r} is no tuple of seconds and a fraction"
        ) from error


def _subcarriers_of(fields: dict, cols: int) -> np.ndarray:
    told = fields.get(keys.SUBCARRIERS)
    if told is not None:
        return np.asarray(told).astype(np.int16)
    if cols not in _LAYOUTS:
        raise InputError(
            f"{cols} subcarriers are none of {', '.join(map(str, _LAYOUTS))}; tell their indices "
            f"in `{keys.SUBCARRIERS}`"
        )
    return _LAYOUTS[cols].astype(np.int16)


def _sender_of(fields: dict, frame: np.ndarray | None) -> tuple[str | None, int | None]:
    """(sender's MAC, sequence number) of a frame of 802.11, as far as it tells them."""
    if frame is None or frame.dtype != np.uint8 or fields.get(_DLT) != _IEEE802_11:
        return None, None
    data = frame.tobytes()
    kind = (data[0] >> 2) & 3 if data else _EXTENSION
    if kind == _EXTENSION or len(data) < _SENDER.stop:
        return None, None
    mac = data[_SENDER].hex(":")
    if kind == _CONTROL or len(data) < _SEQUENCE.stop:
        return mac, None
    return mac, int.from_bytes(data[_SEQUENCE], "little") >> 4
