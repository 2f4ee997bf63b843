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

import re
import threading
from functools import lru_cache

import numpy as np
import pmt

from radiofm_core.errors import UsageError

from .. import radiofm_python

# Reasons that become symbols in one process: so many as they are, then as many without numbers
MOST_REASONS = 64
OTHER_REASON = "another reason than those told before in this process; start it anew to see it"

_reasons: set[str] = set()
_reasons_lock = threading.Lock()


@lru_cache(maxsize=512)
def symbol(text: str):
    """The interned PMT symbol of ``text`` (cached: the words are few and used all the time)."""
    return pmt.intern(text)


def bounded_reason(text: str) -> str:
    """``text``, which can be anything, as one of a bounded number of texts.

    PMT keeps each symbol for ever: what a model or a foreign message makes up must not become
    symbols without end. After MOST_REASONS different ones numbers are left out, and after as many
    again all are OTHER_REASON.
    """
    with _reasons_lock:
        for told, most in ((text, MOST_REASONS), (_without_numbers(text), 2 * MOST_REASONS)):
            if told in _reasons or len(_reasons) < most:
                _reasons.add(told)
                return told
    return OTHER_REASON


def _without_numbers(text: str) -> str:
    return re.sub(r"[0-9][0-9a-fx]*", "#", text)


def to_pmt(value):
    """The PMT of a Python value, by the table above.

    Raises:
        UsageError: a value, or one inside it, whose type has no PMT in the table; a whole number
            beyond 64 bits; values nested more than 64 deep.
    """
    return radiofm_python.to_pmt(value)


def extend_dict(base, values: dict):
    """The PMT dict ``base`` with the entries of ``values`` added or replaced."""
    return radiofm_python.extend_dict(base, values)


def from_pmt(message):
    """The Python value of a PMT, the inverse of :func:`to_pmt`; a PDU needs :func:`split_pdu`.

    Raises:
        UsageError: a PMT that is not in the table above, or nested more than 64 deep.
    """
    return radiofm_python.from_pmt(message)


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
        raise UsageError(f"expected a PDU (a dict and a uniform vector), got {describe(message)}")
    return from_pmt(pmt.car(message)), from_pmt(pmt.cdr(message))


def read_message(message):
    """A message in Python: a dict, or (dict, flat array) when it is a PDU.

    Raises:
        UsageError: neither.
    """
    if pmt.is_pair(message) and pmt.is_uniform_vector(pmt.cdr(message)):
        return split_pdu(message)
    value = from_pmt(message)
    if not isinstance(value, dict):
        raise UsageError(f"expected a dict or a PDU, got {describe(message)}")
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
