# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with CSI: packets (the PDUs of gr-ieee802-11, and our own dict), and windows.

Our own dict, alone or as a PDU's:

========================  =====================================================================
key                       what
========================  =====================================================================
``csi``                   complex64, or float32 for amplitudes: antenna after antenna; or it is
                          the PDU's vector
``rows``, ``cols``        antennas (1 if left out) and subcarriers
``subcarriers``           their indices of 802.11, ascending; left out: the usual ones of so many
``subcarrier_spacing``    Hz; 312500 if left out
``rx_time``               (whole seconds, fraction) since 1970, or since any start
``mac``                   the sender's
``rssi``                  dBm
``sequence``              the frame's number
``channel``               that the receiver was tuned to
========================  =====================================================================

A dict with none of the first four keys after ``csi`` is taken for one of gr-ieee802-11, with 52
subcarriers; the others count there, too.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pmt

from radiofm_core import keys
from radiofm_core.csi.capture import fault_of
from radiofm_core.csi.formats.gr_ieee80211 import packet_from_gr_ieee80211
from radiofm_core.csi.mac_header import SEQUENCE_NUMBERS, parse_mac
from radiofm_core.csi.message_fields import is_absolute, rx_time, rx_time_ns, window_from_fields
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.subcarriers import SPACING_HZ, told_indices, usual_indices
from radiofm_core.csi.windows import CsiWindow
from radiofm_core.errors import InputError, UsageError
from radiofm_core.fields import shown

from ..radiofm_python import dict_values, vector_view
from .messages import describe, from_pmt, split_pdu, symbol

_LAYOUT = (keys.ROWS, keys.COLS, keys.SUBCARRIERS, keys.SUBCARRIER_SPACING)
# Other entries of a foreign dict can be of any type
_READ = (keys.CSI, *_LAYOUT, keys.RX_TIME, keys.MAC, keys.RSSI, keys.SEQUENCE, keys.CHANNEL)
_SYMBOLS = [symbol(key) for key in _READ]
_PMT = type(pmt.PMT_NIL)


def csi_packet(message, time_ns: int) -> CsiPacket:
    """The CSI packet of a message.

    Args:
        message: a PDU of gr-ieee802-11's ``decode_mac``, or our own dict or PDU.
        time_ns: when it came, in ns since 1970; counts where the message tells no time.

    Raises:
        UsageError: not a message of that kind.
        InputError: its numbers cannot be used.
    """
    found, frame = _read(message)
    if any(key in found for key in _LAYOUT):
        packet = _own(found, time_ns)
    else:
        packet = replace(packet_from_gr_ieee80211(found, time_ns, frame), **_told(found))
    fault = fault_of(packet)
    if fault:
        raise InputError(f"a message with CSI cannot be used ({fault})")
    return packet


def read_window(message, spec: CsiSpec) -> CsiWindow:
    """The window of a PDU of the CSI framer, for a model of ``spec``.

    Raises:
        UsageError: no PDU, or no time in it.
        InputError: the window does not fit ``spec``, or is broken.
    """
    return window_from_fields(*split_pdu(message), spec)


def packet_fields(packet: CsiPacket) -> dict:
    """Our own dict of a packet: :func:`csi_packet` makes the same packet of it."""
    rows, cols = packet.csi.shape
    fields = {
        keys.CSI: packet.csi,
        keys.ROWS: rows,
        keys.COLS: cols,
        keys.RX_TIME: rx_time(packet.time_ns),
    }
    is_usual = packet.subcarrier_hz == SPACING_HZ and np.array_equal(
        packet.subcarriers, usual_indices(cols)
    )
    if not is_usual:
        # as floats: a list would be a PMT of its own for each index
        fields[keys.SUBCARRIERS] = np.asarray(packet.subcarriers, np.float32)
        fields[keys.SUBCARRIER_SPACING] = float(packet.subcarrier_hz)
    told = {
        keys.MAC: packet.mac,
        keys.RSSI: packet.rssi_dbm,
        keys.SEQUENCE: packet.sequence,
        keys.CHANNEL: packet.channel,
    }
    return fields | {key: value for key, value in told.items() if value is not None}


def _read(message) -> tuple[dict, bytes | np.ndarray]:
    """The entries of _READ that a message has, and the bytes of its frame."""
    vector = None
    if pmt.is_pair(message) and pmt.is_uniform_vector(pmt.cdr(message)):
        message, vector = pmt.car(message), pmt.cdr(message)
    if not pmt.is_dict(message):
        raise UsageError(f"expected a dict or a PDU with CSI, got {describe(message)}")
    found = {
        key: _python(key, value) if isinstance(value, _PMT) else value
        for key, value in zip(_READ, dict_values(message, _SYMBOLS), strict=True)
        if value is not None
    }
    if keys.CSI in found and not isinstance(found[keys.CSI], np.ndarray):
        raise _wrong(keys.CSI, found[keys.CSI], "a vector of complex64 or float32")
    if vector is None:
        return found, b""
    if pmt.is_u8vector(vector):
        return found, vector_view(vector)
    if keys.CSI not in found:
        found[keys.CSI] = _python(keys.CSI, vector)
    return found, b""


def _python(key: str, value):
    try:
        value = vector_view(value) if pmt.is_uniform_vector(value) else from_pmt(value)
    # A uniform vector of another type
    except TypeError as error:
        raise _wrong(key, value, "a vector of complex64 or float32") from error
    return value


def _own(found: dict, time_ns: int) -> CsiPacket:
    csi = found.get(keys.CSI)
    if csi is None or csi.dtype == np.uint8:
        raise _wrong(keys.CSI, csi, "a vector of complex64 or float32")
    rows = found.get(keys.ROWS, 1)
    cols = found.get(keys.COLS, csi.size // rows if _is_int(rows) and rows > 0 else None)
    if not (_is_int(rows) and _is_int(cols) and min(rows, cols) > 0 and rows * cols == csi.size):
        raise UsageError(
            f"a message's {keys.CSI}: expected {keys.ROWS} × {keys.COLS} values, got "
            f"{keys.ROWS} {rows!r}, {keys.COLS} {cols!r} and {csi.size} values"
        )
    fields = {"time_ns": time_ns, "time_is_absolute": True} | _told(found)
    return CsiPacket(np.array(csi).reshape(rows, cols), _subcarriers(found, cols), **fields)


def _subcarriers(found: dict, cols: int) -> np.ndarray:
    if keys.SUBCARRIERS not in found:
        # So many of another spacing can lie elsewhere, as 484 of 802.11ax do
        spacing = _spacing(found)
        if spacing != SPACING_HZ:
            raise _wrong(
                keys.SUBCARRIER_SPACING,
                spacing,
                f"{SPACING_HZ:g} Hz in a message without {keys.SUBCARRIERS}",
            )
        return usual_indices(cols)
    told = found[keys.SUBCARRIERS]
    try:
        if np.iscomplexobj(told):
            raise TypeError(told)
        numbers = np.array(told, np.float64)
    except (TypeError, ValueError) as error:
        raise _wrong(keys.SUBCARRIERS, told, "a vector of indices") from error
    if numbers.shape != (cols,):
        raise _wrong(keys.SUBCARRIERS, told, f"{cols} indices, one per column")
    return told_indices(numbers)


def _told(found: dict) -> dict:
    """The fields of a CsiPacket that a message tells beside the values."""
    fields = {}
    if keys.RX_TIME in found:
        fields["time_ns"] = rx_time_ns(found[keys.RX_TIME])
        fields["time_is_absolute"] = is_absolute(fields["time_ns"])
    if keys.SUBCARRIER_SPACING in found:
        fields["subcarrier_hz"] = _spacing(found)
    mac = found.get(keys.MAC, "")
    if not isinstance(mac, str):
        raise _wrong(keys.MAC, mac, "text")
    if mac:
        fields["mac"] = parse_mac(mac)
    if keys.RSSI in found:
        fields["rssi_dbm"] = _number(found, keys.RSSI)
    if keys.SEQUENCE in found:
        sequence = found[keys.SEQUENCE]
        if not _is_int(sequence) or not 0 <= sequence < SEQUENCE_NUMBERS:
            raise _wrong(keys.SEQUENCE, sequence, f"an integer from 0 to {SEQUENCE_NUMBERS - 1}")
        fields["sequence"] = sequence
    if keys.CHANNEL in found:
        if not _is_int(found[keys.CHANNEL]):
            raise _wrong(keys.CHANNEL, found[keys.CHANNEL], "an integer")
        fields["channel"] = found[keys.CHANNEL]
    return fields


def _spacing(found: dict) -> float:
    if keys.SUBCARRIER_SPACING not in found:
        return SPACING_HZ
    spacing = _number(found, keys.SUBCARRIER_SPACING)
    if not 0 < spacing < 1e9:
        raise _wrong(keys.SUBCARRIER_SPACING, spacing, "a number above 0 Hz")
    return spacing


def _number(found: dict, key: str) -> float:
    value = found[key]
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(key, value, "a finite number")
    return float(value)


def _is_int(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(key: str, value, expected: str) -> UsageError:
    return UsageError(f"a message's {key}: expected {expected}, got {shown(value)}")
