# SPDX-License-Identifier: GPL-3.0-or-later
"""Python values as PMTs and back."""

import numpy as np
import pmt
import pytest
from gnuradio.radiofm.pmts.messages import extend_dict, from_pmt, make_pdu, split_pdu, to_pmt

from radiofm_core.errors import UsageError

VALUES = (
    True,
    False,
    0,
    7,
    2**63,
    2**64 - 1,
    -1,
    -(2**63),
    0.25,
    float("inf"),
    "",
    "text",
    "naïve \N{BLACK STAR} text " * 10,
    (5, 0.5),
    (),
    tuple(range(10)),
    [],
    [1, "two", [3.0, (4, 0.5)]],
    {},
    {"a": 1, "b": {"c": [True, {"d": "e"}]}, "": 2.5},
)


@pytest.mark.parametrize("value", VALUES, ids=lambda v: repr(v)[:20])
def test_a_value_comes_back_as_it_was(value):
    back = from_pmt(to_pmt(value))
    assert back == value
    assert type(back) is type(value)


def test_kinds_of_pmt_are_those_of_the_table():
    assert pmt.is_uint64(to_pmt(3)) and pmt.is_integer(to_pmt(-3)) and pmt.is_real(to_pmt(3.0))
    assert pmt.is_bool(to_pmt(True)) and pmt.is_symbol(to_pmt("x"))
    assert pmt.is_tuple(to_pmt((1, 2))) and pmt.is_vector(to_pmt([1, 2]))
    assert pmt.is_null(to_pmt({})) and pmt.is_pair(to_pmt({"a": 1}))
    assert pmt.equal(pmt.dict_ref(to_pmt({"a": 1}), pmt.intern("a"), pmt.PMT_NIL), to_pmt(1))


@pytest.mark.parametrize(
    "value, kind",
    [(np.uint8(3), int), (np.float32(0.5), float), (np.bool_(True), bool), (np.str_("s"), str)],
)
def test_numbers_of_numpy_are_those_of_python(value, kind):
    back = from_pmt(to_pmt([value]))[0]
    assert back == value and type(back) is kind


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.complex64])
def test_arrays_come_back_flat_and_read_only(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    # every other column: not contiguous
    back = from_pmt(to_pmt({"x": array[:, ::2]}))["x"]
    assert back.dtype == dtype and not back.flags.writeable
    assert np.array_equal(back, array[:, ::2].ravel())


def test_a_pdu_comes_back_with_its_fields():
    fields, array = split_pdu(make_pdu({"rows": 2}, np.ones(4, np.uint8)))
    assert fields == {"rows": 2} and array.tolist() == [1, 1, 1, 1]


def test_the_first_of_two_equal_keys_counts_as_for_dict_ref():
    first, second = (pmt.cons(pmt.intern("a"), pmt.from_long(i)) for i in (1, 2))
    message = pmt.dcons(first, pmt.dcons(second, pmt.PMT_NIL))
    assert from_pmt(message) == {"a": 1}
    assert pmt.to_long(pmt.dict_ref(message, pmt.intern("a"), pmt.PMT_NIL)) == 1


def test_extending_replaces_what_is_there_and_leaves_the_first_dict():
    base = to_pmt({"a": 1, "b": 2})
    assert from_pmt(extend_dict(base, {"b": 3, "c": "d"})) == {"a": 1, "b": 3, "c": "d"}
    assert from_pmt(base) == {"a": 1, "b": 2}


def deep(levels: int):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def itself():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value, said",
    [
        (object(), "object .* of type object cannot be put into a message; use bool, int"),
        (None, "None of type NoneType cannot be put"),
        ({1: 2}, "a message's key: expected text, got 1"),
        (2**64, "an integer beyond 64 bits"),
        (-(2**63) - 1, "an integer beyond 64 bits"),
        (tuple(range(11)), "a tuple of 11 values cannot be put into a message, only up to 10"),
        (np.zeros(2, np.int16), "takes uint8, float32 or complex64, not int16"),
        (deep(100), "nested more than 64 deep"),
        (itself(), "nested more than 64 deep"),
    ],
    ids=lambda v: repr(v)[:20],
)
def test_what_has_no_pmt_is_refused_in_one_line(value, said):
    with pytest.raises(UsageError, match=said) as caught:
        to_pmt({"key": value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "message, said",
    [
        (pmt.from_complex(1j), "is of a PMT type that"),
        (pmt.init_s16vector(1, [1]), "vector"),
        (pmt.cons(pmt.PMT_T, pmt.PMT_T), "a pair is of a PMT type that"),
        (pmt.list1(pmt.PMT_T), "a pair is of a PMT type that"),
        (
            pmt.dict_add(pmt.make_dict(), pmt.PMT_T, pmt.PMT_T),
            "expected a pair of a symbol and a value, got a pair",
        ),
    ],
    ids=["complex", "s16", "pair", "list", "entry"],
)
def test_what_is_no_message_is_refused(message, said):
    with pytest.raises(UsageError, match=said):
        from_pmt(message)


def test_a_vector_that_holds_itself_is_refused():
    vector = pmt.make_vector(1, pmt.PMT_NIL)
    pmt.vector_set(vector, 0, vector)
    with pytest.raises(UsageError, match="nested more than 64 deep"):
        from_pmt(vector)
    pmt.vector_set(vector, 0, pmt.PMT_NIL)  # or it would never be freed
