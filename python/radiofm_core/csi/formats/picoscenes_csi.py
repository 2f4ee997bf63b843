# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSI segment of a PicoScenes frame: a header by version, then the device's own packing."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np

from .. import subcarriers
from . import intel_ax
from .packed import (
    INTEL_TONES,
    MAX_CHAINS,
    antenna_order,
    atheros_bytes,
    intel_bytes,
    unpack_atheros,
    unpack_intel,
)

_INTEL_5300, _QCA9300, _USRP = 0x5300, 0x9300, 0x1234
DEVICES = {
    _INTEL_5300: "IWL5300",
    _QCA9300: "QCA9300",
    0x2000: "AX200",
    0x2100: "AX210",
    _USRP: "USRP",
    0x1000: "virtual SDR",
}

# By version: firmware's came with 4, the number of estimates with 3, the index offset with 2
_FIELDS = "device format bandwidth carrier rate spacing tones streams receivers extra"
_HEADERS = {
    1: (struct.Struct("<HbHQQIHBBBBI"), f"{_FIELDS} selection length"),
    2: (struct.Struct("<HbHQQIHBBBBhI"), f"{_FIELDS} selection offset length"),
    3: (struct.Struct("<HbHQQIHBBBHBhI"), f"{_FIELDS} estimates selection offset length"),
    4: (
        struct.Struct("<HBbHQQIHBBBHBhI"),
        f"{_FIELDS} estimates selection offset length".replace(" ", " firmware ", 1),
    ),
}
# Packet formats of a segment, as an Intel AX card counts them
_AX_FORMATS = dict(enumerate((intel_ax.NON_HT, intel_ax.HT, intel_ax.VHT, intel_ax.HE)))
_MAX_TONES = 2 * subcarriers.MAX_INDEX
_MAX_ANTENNAS = 64


class CsiFault(Exception):
    """A frame that cannot be read; the text is the reason that is counted."""


@dataclass(frozen=True)
class _Header:
    device: int
    format: int
    bandwidth: int
    spacing: int
    tones: int
    streams: int
    receivers: int
    selection: int
    offset: int
    length: int
    carrier: int


def read_csi_segment(version: int, data: bytes) -> tuple[np.ndarray, np.ndarray, float, int | None]:
    """The estimate in a CSI segment.

    Args:
        version: the segment's.
        data: its contents.

    Returns:
        complex64 (antennas, subcarriers), int16 (subcarriers,) indices, their spacing in Hz, and
        the carrier in MHz, None where it is not told.

    Raises:
        CsiFault: an unknown version or device, or contents that do not fit.
    """
    if version not in _HEADERS:
        raise CsiFault(f"frame with CSI of version {version} (known: 1 to {max(_HEADERS)})")
    layout, names = _HEADERS[version]
    if len(data) < layout.size:
        raise CsiFault("frame with damaged CSI")
    of = dict(zip(names.split(), layout.unpack_from(data), strict=True))
    header = _Header(**{name: of.get(name, 0) for name in _Header.__dataclass_fields__})
    rest = data[layout.size : layout.size + header.length]
    if len(rest) < header.length or not header.receivers or not 0 < header.tones <= _MAX_TONES:
        raise CsiFault("frame with damaged CSI")
    csi, indices = _unpack(header, rest)
    carrier_mhz = round(header.carrier / 1e6) or None
    return csi, indices, float(header.spacing or subcarriers.SPACING_HZ), carrier_mhz


def _unpack(header: _Header, data: bytes) -> tuple[np.ndarray, np.ndarray]:
    if header.device == _USRP:
        return _usrp(header, data)
    if header.device == _INTEL_5300:
        table = {20: subcarriers.INTEL_5300_20, 40: subcarriers.INTEL_5300_40}
        indices = _indices(table.get(header.bandwidth), header)
        streams = (header.length - 12) // 60 // header.receivers
        _check(streams, header, intel_bytes(header.receivers, streams), MAX_CHAINS)
        if header.tones != INTEL_TONES:
            raise CsiFault("frame with damaged CSI")
        order = antenna_order(header.selection, header.receivers)
        return unpack_intel(data, header.receivers, streams, order), indices
    if header.device == _QCA9300:
        table = {20: subcarriers.HT_20, 40: subcarriers.HT_40}
        indices = _indices(table.get(header.bandwidth), header)
        # Streams that only sound the channel come on top of those that carry data
        streams = header.length // atheros_bytes(header.tones, 1, 1) // header.receivers
        _check(streams, header, atheros_bytes(header.tones, header.receivers, streams), MAX_CHAINS)
        return unpack_atheros(data, header.tones, header.receivers, streams), indices
    if DEVICES.get(header.device, "").startswith("AX"):
        return _intel_ax(header, data)
    raise CsiFault(f"frame of an unknown device (0x{header.device:04x})")


def _intel_ax(header: _Header, data: bytes) -> tuple[np.ndarray, np.ndarray]:
    layout = intel_ax.ax_layout(_AX_FORMATS.get(header.format, -1), header.bandwidth, header.tones)
    if layout is None:
        raise _misfit(header)
    shape = (header.receivers, header.streams, header.tones)
    _check(header.streams, header, 4 * math.prod(shape), _MAX_ANTENNAS)
    return intel_ax.read_estimate(data, *shape, layout), _moved(layout.subcarriers, header)


def _usrp(header: _Header, data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Indices, then a matrix (tones, streams, receivers[, estimates]) with a header of its own."""
    start = 2 * header.tones
    if len(data) < start + 5:
        raise CsiFault("frame with damaged CSI")
    indices = np.frombuffer(data, "<i2", header.tones).astype(np.int16)
    # "BBv", a digit for the version, the number of dimensions
    magic, version, dimensions = (
        data[start : start + 3],
        data[start + 3 : start + 4],
        data[start + 4],
    )
    sizes = {b"1": struct.Struct(f"<{dimensions}I"), b"2": struct.Struct(f"<{dimensions}Q")}
    if magic != b"BBv" or version not in sizes or not 1 <= dimensions <= 4:
        raise CsiFault("frame with damaged CSI")
    start += 5
    size = sizes[version]
    if len(data) < start + size.size + 4:
        raise CsiFault("frame with damaged CSI")
    shape = size.unpack_from(data, start) + (1,) * (4 - dimensions)
    start += size.size
    kind, majority = data[start : start + 3], data[start + 3 : start + 4]
    start += 4
    if kind != b"CD@" or majority not in (b"C", b"R") or min(shape) < 1:
        raise CsiFault("frame with CSI of an unknown type")
    if shape[0] != header.tones or (len(data) - start) < 16 * math.prod(shape):
        raise CsiFault("frame with damaged CSI")
    if not (np.diff(indices) > 0).all():
        raise CsiFault("frame with subcarriers out of order")
    matrix = np.frombuffer(data, "<c16", math.prod(shape), start)
    matrix = matrix.reshape(shape, order="F" if majority == b"C" else "C")
    return _antennas(matrix[..., 0].transpose(2, 1, 0)), indices


def _antennas(csi: np.ndarray) -> np.ndarray:
    """(receivers, streams, tones) as complex64 (antennas, tones) of :class:`CsiPacket`."""
    # What does not fit into 32 bits becomes infinite, and the packet is skipped for it
    with np.errstate(over="ignore", invalid="ignore"):
        return csi.transpose(1, 0, 2).reshape(-1, csi.shape[2]).astype(np.complex64)


def _indices(table: np.ndarray | None, header: _Header) -> np.ndarray:
    if table is None or len(table) != header.tones:
        raise _misfit(header)
    return _moved(table, header)


def _moved(indices: np.ndarray, header: _Header) -> np.ndarray:
    if abs(header.offset) > subcarriers.MAX_INDEX:
        raise CsiFault("frame with damaged CSI")
    return indices + np.int16(header.offset)


def _misfit(header: _Header) -> CsiFault:
    return CsiFault(
        f"frame with {header.tones} subcarriers at {header.bandwidth} MHz, which do not fit"
    )


def _check(streams: int, header: _Header, needed: int, most: int) -> None:
    if not (1 <= streams <= most and header.receivers <= most and needed <= header.length):
        raise CsiFault("frame with damaged CSI")
