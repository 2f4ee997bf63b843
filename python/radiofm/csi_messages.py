# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with CSI: the PDUs of gr-ieee802-11, and the dict that other blocks can send."""

from __future__ import annotations

import numpy as np
import pmt

from radiofm_core import keys
from radiofm_core.csi.capture import fault_of
from radiofm_core.csi.formats.gr_ieee80211 import packet_from_gr_ieee80211
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.subcarriers import usual_indices
from radiofm_core.errors import InputError, UsageError

from .messages import from_pmt, symbol
from .radiofm_python import vector_view

# Other entries of a foreign dict can be of any type
_READ = (keys.CSI, keys.ROWS, keys.COLS, keys.RX_TIME)


def csi_packet(message, time_ns: int) -> CsiPacket:
    """The CSI packet of a message.

    Args:
        message: a PDU of gr-ieee802-11's ``decode_mac``, or a dict {csi = c32vector, rows =
            antennas, cols = subcarriers[, rx_time]}, antenna after antenna, alone or as a PDU's.
        time_ns: when it came, in ns since 1970; counts where the message tells no time.

    Raises:
        UsageError: not a message of that kind.
        InputError: its numbers cannot be used.
    """
    frame = b""
    if pmt.is_pair(message) and pmt.is_uniform_vector(pmt.cdr(message)):
        values = pmt.cdr(message)
        message = pmt.car(message)
        if pmt.is_u8vector(values):
            frame = vector_view(values)
    if not pmt.is_dict(message):
        raise UsageError(f"{str(message)[:80]} is no message with CSI: a dict or a PDU is")
    found = {}
    for key in _READ:
        value = pmt.dict_ref(message, symbol(key), pmt.PMT_NIL)
        if not pmt.is_null(value):
            found[key] = from_pmt(value)
    if keys.ROWS in found and keys.COLS in found:
        return _own(found, time_ns)
    return packet_from_gr_ieee80211(found, time_ns, frame)


def _own(found: dict, time_ns: int) -> CsiPacket:
    csi, rows, cols = (found.get(key) for key in (keys.CSI, keys.ROWS, keys.COLS))
    size = csi.size if isinstance(csi, np.ndarray) else 0
    if not (isinstance(rows, int) and isinstance(cols, int) and 0 < rows * cols == size):
        raise UsageError(
            f"a message with {keys.ROWS} {rows!r}, {keys.COLS} {cols!r} and {size} values of "
            f"{keys.CSI}: there must be rows × cols values"
        )
    if keys.RX_TIME in found:
        time_ns = _nanoseconds(found[keys.RX_TIME])
    packet = CsiPacket(
        csi=np.array(csi, np.complex64).reshape(rows, cols),
        subcarriers=usual_indices(cols),
        time_ns=time_ns,
        time_is_absolute=True,
    )
    fault = fault_of(packet)
    if fault:
        raise InputError(f"a message with CSI cannot be used ({fault})")
    return packet


def _nanoseconds(rx_time) -> int:
    try:
        seconds, fraction = rx_time
        return int(seconds) * 10**9 + round(float(fraction) * 1e9)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"a message with {keys.RX_TIME} {rx_time!r}: a tuple (seconds, fraction) is needed"
        ) from error
