# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with CSI, written as JSON: ``{"pmt": KIND, ...}`` stands for what JSON has not."""

import json

import csi_samples
import pmt
from gnuradio.radiofm.pmts.csi_messages import csi_packet
from gnuradio.radiofm.pmts.messages import read_message

from fuzz import json_tree
from fuzz.harness import may_refuse
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiFramer
from radiofm_core.errors import InputError, UsageError

mutate = json_tree.mutate
_TUPLE_MOST = 10
_VECTORS = {
    "u8": (pmt.make_u8vector, pmt.u8vector_set, lambda x: int(x) % 256),
    "s16": (pmt.make_s16vector, pmt.s16vector_set, lambda x: int(x) % 2**15),
    "f32": (pmt.make_f32vector, pmt.f32vector_set, float),
    "f64": (pmt.make_f64vector, pmt.f64vector_set, float),
    "c32": (pmt.make_c32vector, pmt.c32vector_set, complex),
}


def seeds() -> dict[str, bytes]:
    """Our own dict, a PDU, and what gr-ieee802-11 sends."""
    values = [round(0.01 * i - 1, 2) for i in range(1, 53)]
    time = {"pmt": "tuple", "of": [1700000000, 0.25]}
    own = {
        "csi": {"pmt": "c32", "of": values},
        "rows": 2,
        "cols": 26,
        "subcarriers": {"pmt": "f32", "of": list(range(-13, 13))},
        "subcarrier_spacing": 312500.0,
        "rx_time": time,
        "mac": "00:11:22:aa:bb:cc",
        "rssi": -50,
        "sequence": 7,
    }
    pair = {"pmt": "pair", "car": {"cols": 52}, "cdr": {"pmt": "f32", "of": values}}
    frame = {"pmt": "u8", "of": list(bytes.fromhex("08010000aabbccddeeff0203040506071112"))}
    foreign = {"csi": {"pmt": "c32", "of": values}, "snr": 3.5, "frequency offset": -0.1}
    pdu = {"pmt": "pair", "car": foreign, "cdr": frame}
    return {n: json.dumps(v).encode() for n, v in (("own", own), ("pair", pair), ("pdu", pdu))}


def run(data: bytes) -> None:
    """Read the message, and push its packet."""
    try:
        message = _pmt(json.loads(data))
    # some JSON has no PMT
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return
    with may_refuse(InputError, UsageError):
        packet = csi_packet(message, 17)
        csi_samples.check([packet])
        CsiFramer(CsiSpec()).push(packet)
    with may_refuse(UsageError):
        read_message(message)


def _pmt(value):
    """The PMT that stands for a JSON value."""
    if isinstance(value, dict) and isinstance(value.get("pmt"), str):
        return _special(value)
    if value is None:
        return pmt.PMT_NIL
    if isinstance(value, bool):
        return pmt.from_bool(value)
    if isinstance(value, int):
        return pmt.from_uint64(value) if value >= 0 else pmt.from_long(value)
    if isinstance(value, float):
        return pmt.from_double(value)
    if isinstance(value, str):
        return pmt.intern(value)
    if isinstance(value, list):
        made = pmt.make_vector(len(value), pmt.PMT_NIL)
        for index, item in enumerate(value):
            pmt.vector_set(made, index, _pmt(item))
        return made
    made = pmt.make_dict()
    for key, item in value.items():
        made = pmt.dict_add(made, pmt.intern(key), _pmt(item))
    return made


def _special(value: dict):
    kind = value["pmt"]
    if kind == "pair":
        return pmt.cons(_pmt(value["car"]), _pmt(value["cdr"]))
    if kind == "complex":
        return pmt.from_complex(complex(value["of"]))
    if kind == "tuple":
        return pmt.make_tuple(*(_pmt(item) for item in value["of"][:_TUPLE_MOST]))
    make, put, number = _VECTORS[kind]
    made = make(len(value["of"]), number(0))
    for index, item in enumerate(value["of"]):
        put(made, index, number(item))
    return made
