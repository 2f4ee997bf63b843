# SPDX-License-Identifier: GPL-3.0-or-later
"""Which numbers of an ESP32's CSI buffer belong to which subcarrier.

ESP-IDF Programming Guide, "Wi-Fi Vendor Features", table of training fields. The buffer holds the
estimates from the legacy training field (LLTF), the HT one (HT-LTF) and a second one of STBC
packets, each only if the packet has it and the firmware was told to give it. Every subcarrier is
two signed bytes, imaginary before real.

ESP32-C5 and C61 give one training field. Its legacy one is of 12 bits unless ``lltf_bit_mode`` is
set (espressif/esp-idf#18982; ESPARGOS' ``csi.py``): every second subcarrier from -26 up, real
before imaginary, and of the last one, +26, a half. ESP32-C6 gives the whole FFT from the lowest
frequency up (espressif/esp-idf#14271, espressif/esp-csi#240).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from .. import subcarriers

# secondary_channel of ESP-IDF
NONE, ABOVE, BELOW = range(3)

_FFT_20 = (*range(32), *range(-32, 0))
_FFT_40 = (*range(64), *range(-64, 0))
# ESP32-C5: bytes of one training field, which goes from its first subcarrier to its last
_C5_HE_BYTES = 490
_C5_TABLES = {
    106: subcarriers.NON_HT_20,
    114: subcarriers.HT_20,
    234: subcarriers.HT_40,
    _C5_HE_BYTES: subcarriers.HE_20,
}
# Of 12 bits: bytes, and how many whole estimates are in them, DC at the place of index 0
TWELVE_BIT_BYTES = 106
_TWELVE_BIT_COUNT = 26
# ESP32-C6: bytes of a whole FFT, and the tables that it can hold, the widest first
_C6_TABLES = {
    128: (subcarriers.HT_20, subcarriers.NON_HT_20),
    256: (subcarriers.HT_40,),
    512: (subcarriers.HE_20,),
}
_C6_HE_BYTES = 512


@dataclass(frozen=True)
class Part:
    """Where a training field's estimate is: ``places`` (subcarriers,) count pairs of numbers
    from the buffer's start, in the order of ``subcarriers``, int16 indices that ascend."""

    places: np.ndarray
    subcarriers: np.ndarray
    subcarrier_hz: float = subcarriers.SPACING_HZ


@dataclass(frozen=True)
class _Field:
    """A training field in the buffer: the indices that it has there (from the centre of a 40 MHz
    channel where there is one), the index of its own centre, and which subcarriers to keep."""

    order: tuple[int, ...]
    centre: int
    kept: tuple[int, ...]


@lru_cache(maxsize=256)
def esp32_parts(secondary: int, ht: bool, wide: bool, stbc: bool, nbytes: int) -> tuple[Part, ...]:
    """The parts of a buffer of an ESP32, S2, S3 or C3, the one to be preferred first.

    HT-LTF, which has more subcarriers, comes before LLTF.

    Args:
        secondary: NONE, ABOVE or BELOW: where the channel's second 20 MHz are.
        ht: the packet is 802.11n.
        wide: it is 40 MHz wide.
        stbc: it is space-time coded.
        nbytes: the buffer's length.

    Returns:
        Empty if no set of training fields has this length.
    """
    fields = _fields(secondary, ht, wide, stbc)
    # All that the packet has, then what is left if the firmware was told to leave some out;
    # LLTF alone before HT-LTF alone, as its 52 subcarriers are part of the other's
    for count in range(len(fields), 0, -1):
        for chosen in combinations(fields, count):
            total = 2 * sum(len(field.order) for field in chosen)
            if nbytes in (total, -(-total // 4) * 4):
                return tuple(sorted(_parts(chosen), key=lambda part: -len(part.places)))
    return ()


@lru_cache(maxsize=64)
def esp32c5_parts(nbytes: int, centre_is_first: bool) -> tuple[Part, ...]:
    """The same for an ESP32-C5 or C6, which give one training field (of STBC packets two, which
    are not read).

    Args:
        nbytes: the buffer's length.
        centre_is_first: the DC subcarrier is the first (no secondary channel, or 40 MHz), not in
            the middle.
    """
    if nbytes not in _C5_TABLES:
        return ()
    kept = _C5_TABLES[nbytes]
    last = int(kept[-1])
    places = np.where(kept < 0, kept + 2 * last + 1, kept) if centre_is_first else kept + last
    spacing = subcarriers.HE_SPACING_HZ if nbytes == _C5_HE_BYTES else subcarriers.SPACING_HZ
    return (Part(places.astype(np.intp), kept, spacing),)


def esp32c6_part(buffer: np.ndarray) -> Part | None:
    """The same for an ESP32-C6, of its int16 buffer (2 n,): which of the FFT's places are empty
    tells their order and whether the packet is 802.11n; None where that is not clear."""
    tables = _C6_TABLES.get(len(buffer), ())
    is_used = buffer.reshape(-1, 2).any(axis=1)
    size = len(is_used)
    spacing = subcarriers.HE_SPACING_HZ if len(buffer) == _C6_HE_BYTES else subcarriers.SPACING_HZ
    for table in tables:
        for places in (table + size // 2, table % size):
            empty = np.ones(size, bool)
            empty[places] = False
            # zeros among the used ones happen; what is empty is so in every packet
            if not is_used[empty].any() and is_used[places[[0, -1]]].any():
                return Part(places.astype(np.intp), table, spacing)
    return None


def twelve_bit_estimate(buffer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The estimate of 12 bits in a buffer of TWELVE_BIT_BYTES.

    Args:
        buffer: int16 (n,), signed bytes.

    Returns:
        complex64 (26,) and its int16 subcarriers: -26 to 26, every second one but DC. Of +26 only a
        half is told; it is given the value at +24.
    """
    octets = (buffer[: 4 * _TWELVE_BIT_COUNT] & 0xFF).astype(np.int32)
    words = octets[::2] | (octets[1::2] & 0x0F) << 8
    words = np.where(words >= 2048, words - 4096, words).astype(np.float32)
    values = words.view(np.complex64)
    indices = np.arange(-26, 26, 2, dtype=np.int16)
    used = indices != 0
    return np.append(values[used], values[-1]), np.append(indices[used], np.int16(26))


def _fields(secondary: int, ht: bool, wide: bool, stbc: bool) -> list[_Field]:
    """LLTF, HT-LTF and the second HT-LTF, as the table has them with all of them enabled."""
    centre = {NONE: 0, ABOVE: -32, BELOW: 32}[secondary]
    narrow = {NONE: _FFT_20, ABOVE: tuple(range(-64, 0)), BELOW: tuple(range(64))}[secondary]
    fields = [_Field(narrow, centre, tuple(subcarriers.NON_HT_20))]
    if not ht:
        return fields
    if wide and secondary != NONE:
        order = (*range(61), *range(-60, 0)) if stbc else _FFT_40
        training = _Field(order, 0, tuple(subcarriers.HT_40))
    elif stbc and secondary != NONE:
        order = tuple(range(63)) if secondary == BELOW else tuple(range(-62, 0))
        training = _Field(order, centre, tuple(subcarriers.HT_20))
    else:
        training = _Field(narrow, centre, tuple(subcarriers.HT_20))
    return [*fields, training, *([training] if stbc else [])]


def _parts(fields: tuple[_Field, ...]) -> list[Part]:
    parts, start = [], 0
    for field in fields:
        place = {index: start + i for i, index in enumerate(field.order)}
        places = np.array([place[index + field.centre] for index in field.kept], np.intp)
        parts.append(Part(places, np.array(field.kept, np.int16)))
        start += len(field.order)
    return parts
