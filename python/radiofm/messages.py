# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversion between Python values and the PMTs that travel on message ports and in tags.

A message is a PMT dict whose keys are the words of :mod:`radiofm_core.keys`. In Python it is a
plain dict of ``str`` to int, float, bool, str, tuple, list, dict or a NumPy array:

=============  ==========================================================
Python         PMT
=============  ==========================================================
bool           bool
int            uint64 (a negative one: long)
float          double
str            symbol
tuple          tuple (``rx_time`` = uint64 seconds, double fraction)
list           vector
dict           dict (an empty one is ``PMT_NIL``)
ndarray        uniform vector: uint8, float32 or complex64, flattened
=============  ==========================================================

Arrays come back as read-only views of the PMT's own memory: nothing is copied.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pmt

from radiofm_core.errors import UsageError

from .radiofm_python import make_vector, vector_view


@lru_cache(maxsize=512)
def symbol(text: str):
    """The interned PMT symbol of ``text`` (cached: the words are few and used all the time)."""
    return pmt.intern(text)


def to_pmt(value):
    """The PMT of a Python value, by the table above.

    Raises:
        UsageError: a value, or one inside it, whose type has no PMT in the table.
    """
    if isinstance(value, np.generic):
        value = value.item()
    # bool before int: True is an int in Python
    if isinstance(value, bool):
        return pmt.PMT_T if value else pmt.PMT_F
    if isinstance(value, int):
        return pmt.from_uint64(value) if value >= 0 else pmt.from_long(value)
    if isinstance(value, float):
        return pmt.from_double(value)
    if isinstance(value, str):
        return symbol(value) if len(value) < 64 else pmt.intern(value)
    if isinstance(value, dict):
        return extend_dict(pmt.make_dict(), value)
    if isinstance(value, tuple):
        return pmt.make_tuple(*(to_pmt(v) for v in value))
    if isinstance(value, list):
        return _vector([to_pmt(v) for v in value])
    if isinstance(value, np.ndarray):
        return make_vector(np.ascontiguousarray(value).reshape(-1))
    raise UsageError(
        f"{value!r} of type {type(value).__name__} cannot go into a message; use bool, int, float, "
        "str, tuple, list, dict or an array of uint8, float32 or complex64"
    )


def extend_dict(base, values: dict):
    """The PMT dict ``base`` with the entries of ``values`` added or replaced."""
    for key, value in values.items():
        base = pmt.dict_add(base, symbol(key), to_pmt(value))
    return base


def _vector(items: list):
    vector = pmt.make_vector(len(items), pmt.PMT_NIL)
    for index, item in enumerate(items):
        pmt.vector_set(vector, index, item)
    return vector


def from_pmt(message):
    """The Python value of a PMT, the inverse of :func:`to_pmt`; a PDU needs :func:`split_pdu`.

    Raises:
        UsageError: a PMT that is not in the table above.
    """
    if pmt.is_null(message):
        return {}
    if pmt.is_bool(message):
        return pmt.to_bool(message)
    if pmt.is_symbol(message):
        return pmt.symbol_to_string(message)
    if pmt.is_uint64(message):
        return pmt.to_uint64(message)
    if pmt.is_integer(message):
        return pmt.to_long(message)
    if pmt.is_real(message):
        return pmt.to_double(message)
    if pmt.is_uniform_vector(message):
        return _view(message)
    if pmt.is_tuple(message):
        return tuple(from_pmt(pmt.tuple_ref(message, i)) for i in range(pmt.length(message)))
    if pmt.is_vector(message):
        return [from_pmt(pmt.vector_ref(message, i)) for i in range(pmt.length(message))]
    if pmt.is_dict(message):
        return _from_dict(message)
    raise UsageError(f"{describe(message)} is no message of radiofm: this PMT type is not used")


def _view(vector) -> np.ndarray:
    try:
        return vector_view(vector)
    except TypeError as error:  # one of another element type
        raise UsageError(f"{error}") from error


def _from_dict(message) -> dict:
    values = {}
    rest = message
    while pmt.is_pair(rest):
        entry = pmt.car(rest)
        if not (pmt.is_pair(entry) and pmt.is_symbol(pmt.car(entry))):
            raise UsageError(f"{describe(entry)} in a message is no entry of a dict with names")
        # the first of two equal keys counts, as in pmt.dict_ref
        values.setdefault(pmt.symbol_to_string(pmt.car(entry)), from_pmt(pmt.cdr(entry)))
        rest = pmt.cdr(rest)
    if not pmt.is_null(rest):
        raise UsageError(f"{describe(message)} is no dict; split a PDU with split_pdu()")
    return values


def make_pdu(meta, array: np.ndarray):
    """A PDU: (dict . uniform vector).

    Args:
        meta: a dict, or a PMT dict that is ready.
        array: uint8, float32 or complex64; travels flattened, its shape stands in the dict.
    """
    return pmt.cons(to_pmt(meta) if isinstance(meta, dict) else meta, to_pmt(array))


def split_pdu(message) -> tuple[dict, np.ndarray]:
    """(dict, flat array) of a PDU; the array is a read-only view of the PMT.

    Raises:
        UsageError: not a pair of a dict and a uniform vector.
    """
    if not (pmt.is_pair(message) and pmt.is_uniform_vector(pmt.cdr(message))):
        raise UsageError(f"{describe(message)} is no PDU (a dict and a uniform vector)")
    return from_pmt(pmt.car(message)), _view(pmt.cdr(message))


def read_message(message):
    """A message in Python: a dict, or (dict, flat array) when it is a PDU.

    Raises:
        UsageError: neither.
    """
    if pmt.is_pair(message) and pmt.is_uniform_vector(pmt.cdr(message)):
        return split_pdu(message)
    value = from_pmt(message)
    if not isinstance(value, dict):
        raise UsageError(f"{describe(message)} is no message of radiofm: a dict or PDU is")
    return value


def describe(message) -> str:
    """A PMT in at most 80 characters of one line, however large it is."""
    if pmt.is_uniform_vector(message):
        return f"a uniform vector of {pmt.length(message)}"
    if pmt.is_tuple(message) or pmt.is_vector(message):
        return f"a {'tuple' if pmt.is_tuple(message) else 'vector'} of {pmt.length(message)}"
    if pmt.is_pair(message):
        return "a pair"
    return " ".join(str(message).split())[:80]
