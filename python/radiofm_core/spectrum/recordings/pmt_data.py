# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio's serialised PMTs, as far as headers of files hold them, without GNU Radio.

The layout is that of ``pmt::serialize`` (gnuradio-runtime, ``pmt_serial_tags.h``): a byte for the
kind, then big-endian content.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

_TRUE, _FALSE, _SYMBOL, _INT32, _DOUBLE, _COMPLEX, _NULL = range(7)
_PAIR, _VECTOR, _DICT, _UNIFORM, _UINT64, _TUPLE, _INT64 = range(7, 14)
_PLAIN = {
    _TRUE: ("", lambda: True),
    _FALSE: ("", lambda: False),
    _NULL: ("", lambda: None),
    _INT32: ("i", int),
    _INT64: ("q", int),
    _UINT64: ("Q", int),
    _DOUBLE: ("d", float),
    _COMPLEX: ("dd", complex),
}
# u8 s8 u16 s16 u32 s32 u64 s64 f32 f64 c32 c64
_ITEM_BYTES = (1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 8, 16)
_MOST_DEPTH = 16


def read_pmt(data: bytes, place: int = 0) -> tuple[object, int]:
    """(the value at ``place``, where the next one starts).

    Numbers, strings, None, booleans and tuples (also of pairs and vectors) are Python's; a uniform
    vector is its bytes; a dict is one, where its keys are strings.

    Raises:
        ValueError: it is none, or cut short.
    """
    try:
        return _read(data, place, 0)
    except struct.error as error:
        raise ValueError("a PMT that is cut short") from error


def _read(data: bytes, place: int, depth: int) -> tuple[object, int]:
    if depth > _MOST_DEPTH or place >= len(data):
        raise ValueError("a PMT that is cut short, or nested too deep")
    kind, place = data[place], place + 1
    if kind in _PLAIN:
        layout, make = _PLAIN[kind]
        return _plain(data, place, layout, make)
    if kind == _SYMBOL:
        length, place = struct.unpack_from(">H", data, place)[0], place + 2
        return _taken(data, place, length).decode("utf-8", "replace"), place + length
    if kind == _PAIR:
        first, place = _read(data, place, depth + 1)
        second, place = _read(data, place, depth + 1)
        return (first, second), place
    if kind == _DICT:
        return _read_dict(data, place, depth)
    if kind in (_VECTOR, _TUPLE):
        count, place = struct.unpack_from(">I", data, place)[0], place + 4
        items = []
        for _ in range(min(count, len(data))):
            item, place = _read(data, place, depth + 1)
            items.append(item)
        return tuple(items), place
    if kind == _UNIFORM:
        return _read_uniform(data, place)
    raise ValueError(f"a PMT of kind {kind}")


def _plain(data: bytes, place: int, layout: str, make: Callable) -> tuple[object, int]:
    values = struct.unpack_from(">" + layout, data, place)
    return make(*values), place + struct.calcsize(">" + layout)


def _read_dict(data: bytes, place: int, depth: int) -> tuple[dict, int]:
    """Pairs, each after the kind of a dict, and a null behind the last; of a key that comes twice
    the first counts."""
    items: dict = {}
    while True:
        pair, place = _read(data, place, depth + 1)
        if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise ValueError("a PMT dict whose keys are no symbols")
        items.setdefault(*pair)
        kind = _taken(data, place, 1)[0]
        place += 1
        if kind == _NULL:
            return items, place
        if kind != _DICT:
            raise ValueError("a PMT dict without an end")


def _read_uniform(data: bytes, place: int) -> tuple[bytes, int]:
    """Kind of items, their number, a number of bytes of padding, padding, items."""
    kind, count, padding = struct.unpack_from(">BIB", data, place)
    if kind >= len(_ITEM_BYTES):
        raise ValueError(f"a PMT vector of kind {kind}")
    place += 6 + padding
    length = count * _ITEM_BYTES[kind]
    return _taken(data, place, length), place + length


def _taken(data: bytes, place: int, length: int) -> bytes:
    if place + length > len(data):
        raise ValueError("a PMT that is cut short")
    return data[place : place + length]
