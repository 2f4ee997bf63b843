# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel estimates as the firmware of Intel 5300 and Atheros cards packs them into bits.

Written by the cards' own CSI tools and by PicoScenes alike.
"""

from __future__ import annotations

import numpy as np

INTEL_TONES = 30
ATHEROS_TONES = (56, 114)
MAX_CHAINS = 3


def intel_bytes(receivers: int, streams: int) -> int:
    """The length of an Intel 5300's estimate: 3 bits and then 16 a pair, 30 times."""
    return (INTEL_TONES * (3 + 16 * receivers * streams) + 7) // 8


def unpack_intel(data: bytes, receivers: int, streams: int, order: tuple[int, ...]) -> np.ndarray:
    """The estimate of an Intel 5300.

    Linux 802.11n CSI Tool, FAQ and ``read_bfee.c``: for each of 30 subcarriers 3 bits to leave
    out, then signed bytes, real and imaginary, transmit streams running fastest.

    Args:
        data: :func:`intel_bytes` of them, or more.
        receivers: receiving chains.
        streams: transmitted streams.
        order: the antenna of each receiving chain, counted from 0.

    Returns:
        complex64 (antennas, 30), antennas as in :class:`CsiPacket`.
    """
    width = 3 + 16 * receivers * streams
    raw = np.frombuffer(data, np.uint8, intel_bytes(receivers, streams))
    bits = np.unpackbits(raw, bitorder="little")[: INTEL_TONES * width].reshape(INTEL_TONES, width)
    values = np.packbits(bits[:, 3:].reshape(-1, 8), axis=1, bitorder="little").view(np.int8)
    pairs = values.reshape(INTEL_TONES, receivers, streams, 2).astype(np.float32)
    csi = np.empty((streams, receivers, INTEL_TONES), np.complex64)
    csi[:, list(order)] = pairs.view(np.complex64)[..., 0].transpose(2, 1, 0)
    return csi.reshape(-1, INTEL_TONES)


def antenna_order(selection: int, receivers: int) -> tuple[int, ...]:
    """The antenna of each receiving chain, from an Intel 5300's antenna selection byte.

    Two bits a chain. With fewer than three chains the antennas in use keep their order; a
    selection that names one twice says nothing and is not applied, as in the tool's own reader.
    """
    chosen = [selection >> 2 * chain & 3 for chain in range(receivers)]
    if len(set(chosen)) < receivers or max(chosen) >= MAX_CHAINS:
        return tuple(range(receivers))
    return tuple(sorted(chosen).index(antenna) for antenna in chosen)


def atheros_bytes(tones: int, receivers: int, streams: int) -> int:
    """The length of an Atheros card's estimate: 20 bits for each number."""
    return (tones * receivers * streams * 20 + 7) // 8


def unpack_atheros(data: bytes, tones: int, receivers: int, streams: int) -> np.ndarray:
    """The estimate of an Atheros card (QCA9300 family).

    Atheros CSI Tool, user guide and ``csi_fun.c``: signed 10-bit numbers, imaginary before real,
    lowest bit first; receiving chains run fastest, then streams, then subcarriers.

    Args:
        data: :func:`atheros_bytes` of them, or more.
        tones: subcarriers.
        receivers: receiving chains.
        streams: transmitted streams.

    Returns:
        complex64 (antennas, tones), antennas as in :class:`CsiPacket`.
    """
    count = tones * receivers * streams
    raw = np.frombuffer(data, np.uint8, atheros_bytes(tones, receivers, streams))
    bits = np.unpackbits(raw, bitorder="little")[: 20 * count].reshape(-1, 10)
    values = bits @ (1 << np.arange(10, dtype=np.int32))
    values = np.where(values >= 512, values - 1024, values).astype(np.float32).reshape(-1, 2)
    csi = np.ascontiguousarray(values[:, ::-1]).view(np.complex64)
    return np.ascontiguousarray(csi.reshape(tones, -1).T)
