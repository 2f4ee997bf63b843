# SPDX-License-Identifier: GPL-3.0-or-later
"""Intel AX200 and AX210: the header that their firmware gives with an estimate, and its layout.

FeitCSI writes the header as it is, PicoScenes as its segment ``MVMExtra`` (FeitCSI, "CSI format"
and ``Csi.h``). Estimates are pairs of 16 bits, real before imaginary, for each receiving chain,
each transmitted stream and each subcarrier from the lowest frequency up. The firmware does not
estimate the channel at pilots (it writes a zero or a constant there): they are left out.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import subcarriers
from ..mac_header import mac_text

HEADER_BYTES = 272
MAX_CHAINS = 4

# bytes of the estimate, (4), clock of 320 MHz, host's µs since 1970 of newer versions
_START = struct.Struct("<IIIQ")
# receivers, streams, (4), subcarriers, (4), RSSI of two chains, source
_MIDDLE = struct.Struct("<BB4xI4xII6s")
_MIDDLE_PLACE = 46
# µs clock, rate and flags
_END = struct.Struct("<II")
_END_PLACE = 88
# iwlwifi's rate_n_flags of version 2: packet format, width
_FORMAT_SHIFT, _WIDTH_SHIFT, _MASK = 8, 11, 7
NON_HT, HT, VHT, HE = 1, 2, 3, 4
_NAMES = {0: "CCK", NON_HT: "non-HT", HT: "HT", VHT: "VHT", HE: "HE", 5: "EHT"}
_WIDTHS = (20, 40, 80, 160, 320)
_MOST_RSSI = 127


def _both_signs(*upper: int) -> np.ndarray:
    return np.array([*(-index for index in reversed(upper)), *upper], np.int16)


# By packet format and MHz: subcarriers and, among them, pilots (IEEE Std 802.11-2020, 17.3.5.9,
# 19.3.11.10, 21.3.10.10; 802.11ax-2021, 27.3.12.13)
_PILOTS_20, _PILOTS_40 = _both_signs(7, 21), _both_signs(11, 25, 53)
_PILOTS_VHT_80 = _both_signs(11, 39, 75, 103)
_PILOTS_HE_80 = _both_signs(24, 92, 158, 226, 266, 334, 400, 468)
_LAYOUTS = {
    (NON_HT, 20): (subcarriers.NON_HT_20, _PILOTS_20),
    (HT, 20): (subcarriers.HT_20, _PILOTS_20),
    (HT, 40): (subcarriers.HT_40, _PILOTS_40),
    (VHT, 20): (subcarriers.HT_20, _PILOTS_20),
    (VHT, 40): (subcarriers.HT_40, _PILOTS_40),
    (VHT, 80): (subcarriers.VHT_80, _PILOTS_VHT_80),
    (VHT, 160): (subcarriers.VHT_160, np.r_[_PILOTS_VHT_80 - 128, _PILOTS_VHT_80 + 128]),
    (HE, 20): (subcarriers.HE_20, _both_signs(22, 48, 90, 116)),
    (HE, 40): (subcarriers.HE_40, _both_signs(10, 36, 78, 104, 144, 170, 212, 238)),
    (HE, 80): (subcarriers.HE_80, _PILOTS_HE_80),
    (HE, 160): (subcarriers.HE_160, np.r_[_PILOTS_HE_80 - 512, _PILOTS_HE_80 + 512]),
}


@dataclass(frozen=True)
class AxHeader:
    """What the firmware tells.

    ``csi_bytes``: of the estimate. ``clock_us``: its 32-bit microsecond clock. ``host_us``: when
    the host got it, since 1970; 0 where the recording program did not note it. ``format``: as
    NON_HT, HT, VHT, HE; ``width_mhz``: of the packet. ``rssi_dbm``: at the antennas together.
    """

    csi_bytes: int
    clock_us: int
    host_us: int
    receivers: int
    streams: int
    tones: int
    rssi_dbm: float | None
    mac: str
    format: int
    width_mhz: int

    @property
    def kind(self) -> str:
        """Packet format and width in words."""
        return f"{_NAMES.get(self.format, 'unknown format')} at {self.width_mhz} MHz"


def parse_header(data: bytes) -> AxHeader | None:
    """The header in the first HEADER_BYTES of ``data``; None if they cannot be one."""
    if len(data) < HEADER_BYTES:
        return None
    csi_bytes, _, _, host_us = _START.unpack_from(data)
    receivers, streams, tones, *rssi, source = _MIDDLE.unpack_from(data, _MIDDLE_PLACE)
    clock_us, rate = _END.unpack_from(data, _END_PLACE)
    width = rate >> _WIDTH_SHIFT & _MASK
    if (
        not (1 <= receivers <= MAX_CHAINS and 1 <= streams <= MAX_CHAINS and tones)
        or csi_bytes != 4 * receivers * streams * tones
        or tones > 2 * subcarriers.MAX_INDEX
        or width >= len(_WIDTHS)
    ):
        return None
    return AxHeader(
        csi_bytes=csi_bytes,
        clock_us=clock_us,
        host_us=host_us,
        receivers=receivers,
        streams=streams,
        tones=tones,
        rssi_dbm=_total_rssi(rssi),
        mac=mac_text(source),
        format=rate >> _FORMAT_SHIFT & _MASK,
        width_mhz=_WIDTHS[width],
    )


@dataclass(frozen=True)
class AxLayout:
    """``places`` (subcarriers,) in the estimate of each pair of chains, of ``subcarriers``, int16
    indices of 802.11 that ascend, pilots left out, each spaced by ``subcarrier_hz``."""

    places: np.ndarray
    subcarriers: np.ndarray
    subcarrier_hz: float


@lru_cache(maxsize=64)
def ax_layout(packet_format: int, width_mhz: int, tones: int) -> AxLayout | None:
    """Where the subcarriers of a packet are; None if ``tones`` is not how many it has.

    Of 160 MHz some firmware writes what lies between the two 80 MHz halves as well.
    """
    indices, pilots = _LAYOUTS.get((packet_format, width_mhz), (None, None))
    if indices is None:
        return None
    places = np.arange(len(indices))
    if width_mhz == 160:
        half = len(indices) // 2
        # to the next power of two
        between = (1 << (half - 1).bit_length()) - half
        if tones == len(indices) + between:
            places[half:] += between
            tones -= between
    if tones != len(indices):
        return None
    kept = ~np.isin(indices, pilots)
    spacing = subcarriers.HE_SPACING_HZ if packet_format == HE else subcarriers.SPACING_HZ
    return AxLayout(places[kept], indices[kept], spacing)


def read_estimate(
    data: bytes, receivers: int, streams: int, tones: int, layout: AxLayout
) -> np.ndarray:
    """The estimate.

    Args:
        data: 4 bytes for each receiving chain, stream and tone, or more.
        receivers, streams, tones: how many.
        layout: of the packet.

    Returns:
        complex64 (antennas, subcarriers), antennas as in :class:`CsiPacket`.
    """
    count = receivers * streams * tones
    values = np.frombuffer(data, "<i2", 2 * count).astype(np.float32).view(np.complex64)
    values = values.reshape(receivers, streams, tones).transpose(1, 0, 2)
    return np.ascontiguousarray(values.reshape(-1, tones)[:, layout.places])


def _total_rssi(rssi: list[int]) -> float | None:
    """dBm at the antennas together, of magnitudes in dB below 1 mW; 0 is an antenna that is off."""
    heard = [10 ** (-level / 10) for level in rssi if 0 < level <= _MOST_RSSI]
    return 10 * math.log10(sum(heard)) if heard else None
