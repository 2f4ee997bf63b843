# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of sensors: what a server takes of them is bounded and whole, or refused."""

import math
import random

import numpy as np
from gnuradio.radiofm.runtime.frame_batch import check_frame

from fuzz import json_tree
from fuzz.harness import may_refuse
from radiofm_core import keys
from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_net import protocol
from radiofm_net.frame_code import decode_frame, encode_frame
from radiofm_net.session import Session

SPEC = SpectrogramSpec(fft_size=64, hop=32, rows=16, row_multiple=8, evidence_lags=(66.7e-6,))
# Between the parts of a message
_BETWEEN = b"\n----\n"


def seeds() -> dict[str, bytes]:
    """A message of each kind."""
    rng = np.random.default_rng(1)
    vector = rng.normal(-60.0, 5.0, SPEC.frame_floats).astype(np.float32)
    vector[SPEC.power_floats :] = rng.normal(0.0, 0.1, SPEC.evidence_floats)
    told, parts = encode_frame(_fields(), vector, SPEC)
    hello = {
        protocol.PROTOCOL: protocol.VERSION,
        protocol.SESSION: "a",
        protocol.HOST: "b",
        protocol.SENDS: protocol.FRAME,
        protocol.FINGERPRINT: SPEC.fingerprint,
        keys.SAMPLE_RATE: 1.92e6,
        keys.CENTER_FREQUENCY: 1e9,
    }
    ping = {protocol.SENT: 1.0, protocol.MADE: 5, protocol.NETWORK: 2, protocol.OFFSET: 0.1}
    frame = told | {protocol.SEQUENCE: 3, protocol.CAPTURED: 1.0}
    return {
        "hello": _BETWEEN.join(protocol.pack(protocol.HELLO, hello)),
        "ping": _BETWEEN.join(protocol.pack(protocol.PING, ping)),
        "frame": _BETWEEN.join(protocol.pack(protocol.FRAME, frame, parts)),
    }


def mutate(data: bytes, most: int, rng: random.Random, blind) -> bytes:
    """Another value in the fields, or another byte in a part."""
    parts = data.split(_BETWEEN)
    place = rng.randrange(len(parts)) if rng.random() < 0.4 else min(1, len(parts) - 1)
    if place == 1:
        parts[1] = json_tree.mutate(parts[1], most, rng, blind)
    else:
        parts[place] = blind(parts[place], most)
    return _BETWEEN.join(parts)[:most]


def run(data: bytes) -> None:
    """As a server takes it: a session, its state, a frame."""
    session = Session("name", b"id", "address", {})
    with may_refuse(InputError):
        message = protocol.unpack(data.split(_BETWEEN))
        with may_refuse(UsageError):
            Session("name", b"id", "address", message.fields).check(SPEC)
        with may_refuse(InputError):
            session.take_state(message.fields)
        assert math.isfinite(session.clock_offset) and session.made >= 0
        with may_refuse(InputError):
            assert session.is_next(message.fields, len(data)) == (session.received == 1)
        latency = session.latency(message.fields.get(protocol.CAPTURED))
        assert latency is None or 0.0 <= latency < math.inf
        moment = message.fields.get(keys.RX_TIME)
        if isinstance(moment, list):
            message.fields[keys.RX_TIME] = tuple(moment)
        check_frame(message.fields, SPEC)
        vector = decode_frame(message.fields, message.parts, SPEC)
        assert vector.shape == (SPEC.frame_floats,) and vector.dtype == np.float32
        power = vector[: SPEC.power_floats]
        assert np.isfinite(power).all() and power.min() >= SPEC.floor_db
        known = vector[SPEC.power_floats :]
        assert (np.abs(known[~np.isnan(known)]) <= 1.02).all()


def _fields() -> dict:
    return {
        keys.ROWS: SPEC.rows,
        keys.COLS: SPEC.cols,
        keys.CHANNELS: 1,
        keys.FRAME_INDEX: 3,
        keys.SAMPLE_OFFSET: 3 * SPEC.frame_samples(1),
        keys.SAMPLE_RATE: 1.92e6,
        keys.CENTER_FREQUENCY: 1e9,
        keys.RX_TIME: [12, 0.5],
        keys.ROW_DURATION: SPEC.row_samples(1) / 1.92e6,
        keys.ROW_SAMPLES: SPEC.row_samples(1),
        keys.SPEC: SPEC.fingerprint,
        keys.LAST: False,
    }
