# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that no block here sends: other types, missing keys, absurd values, nested junk."""

from __future__ import annotations

import numpy as np
import pmt
from gnuradio.radiofm.pmts.messages import make_pdu, to_pmt

HUGE_FLOATS = 2_000_000


def nested(depth: int):
    """Vectors within vectors."""
    value = pmt.PMT_NIL
    for _ in range(depth):
        value = pmt.make_vector(1, value)
    return value


def _dict_of(key, value):
    return pmt.dict_add(pmt.make_dict(), key, value)


def foreign() -> list:
    """Messages of every PMT type, alone, as pairs and as PDUs."""
    word = pmt.intern("detections")
    return [
        pmt.PMT_NIL,
        pmt.PMT_T,
        pmt.PMT_EOF,
        pmt.from_long(-3),
        pmt.from_uint64(2**64 - 1),
        pmt.from_double(float("nan")),
        pmt.from_complex(1j),
        pmt.intern("text " * 10_000),
        pmt.make_tuple(pmt.PMT_NIL),
        nested(20_000),
        pmt.init_s16vector(2, [1, 2]),
        pmt.make_f32vector(HUGE_FLOATS, 0.5),
        pmt.cons(pmt.PMT_T, pmt.PMT_T),
        pmt.cons(nested(20_000), nested(20_000)),
        # a list that ends in something else, and one whose entries are no pairs
        pmt.cons(pmt.cons(word, pmt.PMT_T), pmt.from_long(1)),
        pmt.list2(word, word),
        _dict_of(pmt.from_long(1), pmt.from_long(2)),
        _dict_of(word, nested(20_000)),
        _dict_of(word, pmt.make_f32vector(HUGE_FLOATS, 0.5)),
        *(
            pmt.cons(meta, vector)
            for meta in (pmt.make_dict(), _dict_of(word, nested(2000)), pmt.intern("no dict"))
            for vector in (
                pmt.init_u8vector(0, []),
                pmt.make_f32vector(HUGE_FLOATS, float("nan")),
                pmt.make_c32vector(7, complex("inf")),
                pmt.init_s16vector(2, [1, 2]),
            )
        ),
    ]


ABSURD = (
    None,
    True,
    -1,
    0,
    2**64 - 1,
    float("nan"),
    float("inf"),
    -1e300,
    1e300,
    "",
    "text",
    {},
    [],
    [[[]]] * 3,
    {"a": {"b": [1.0]}},
    (),
    (-5, float("nan")),
    (2**64 - 1, 1e300),
    np.zeros(0, np.float32),
    np.full(3, np.nan, np.float32),
)


def spoilt(fields: dict, keep=()) -> list[dict]:
    """``fields`` with one after the other left out, or replaced by each of ABSURD.

    What is named in ``keep`` stays; a replacement that is equal is none.
    """
    made = []
    for key in fields:
        if key in keep:
            continue
        made.append({name: value for name, value in fields.items() if name != key})
        made += [{**fields, key: value} for value in ABSURD if value is not None]
    return made


def as_messages(dicts: list[dict], array: np.ndarray | None = None) -> list:
    """PMTs of dicts, or PDUs with ``array``."""
    return [to_pmt(fields) if array is None else make_pdu(fields, array) for fields in dicts]
