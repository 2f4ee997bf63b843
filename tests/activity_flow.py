# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows, a model that obeys orders, and flowgraphs for the tests of the activity classifier."""

from __future__ import annotations

import threading
import time
from functools import cache
from pathlib import Path

import numpy as np
import pmt
import torch
from csi_dicts import SENDER
from csi_room import Receiver, Room
from gnuradio import gr, radiofm
from gnuradio.radiofm.pmts.messages import make_pdu
from motion_model import CLASSES, MotionClassifier
from segmenter_flow import Results, product_seconds  # also gives models an operator that waits
from torch import nn

from radiofm_core import keys
from radiofm_core.bundle import TASK_ACTIVITY
from radiofm_core.csi.message_fields import window_fields
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiWindow, frame_packets
from training.engine.bundle_file import export_bundle

SPEC = CsiSpec()
# The amplitude at (0, 0) of a window is an order to the model
ORDER_RAISE, ORDER_NAN, ORDER_NEGATIVE, ORDER_HALF, ORDER_LONG = 1e6, 2e6, 3e6, 4e6, 5e6


class ObedientClassifier(nn.Module):
    """MotionClassifier that obeys orders.

    Each call takes ``pause`` seconds; one with ORDER_LONG, ``work`` matrix products. ``extra``
    classes too many are answered.
    """

    def __init__(self, pause: float = 0.0, work: int = 0, extra: int = 0):
        super().__init__()
        self.motion = MotionClassifier()
        self.pause = pause
        self.work = work
        self.extra = extra
        self.weight = nn.Parameter(torch.eye(256))

    def forward(self, values: torch.Tensor, antennas: int) -> torch.Tensor:
        order = values[:, 0, 0, 0].float()
        if bool((order == 1e6).any()):
            raise RuntimeError("ordered to raise")
        load = self.weight
        if bool((order == 5e6).any()):
            for _ in range(self.work):
                load = load @ self.weight
        shares = self.motion(values, antennas) * load[0, 0].float()
        if self.pause > 0.0:
            shares = torch.ops.radiofm_test.pause(shares, self.pause)
        shares[order == 2e6, 0] = float("nan")
        shares[order == 3e6] = torch.tensor([-0.5, 1.5])
        shares[order == 4e6] = torch.tensor([0.25, 0.25])
        return torch.cat([shares, shares[:, : self.extra]], dim=1)


def make_bundle(path: Path, pause: float = 0.0, work_s: float = 0.0, extra: int = 0) -> str:
    """A bundle of ObedientClassifier; ORDER_LONG takes about ``work_s`` seconds of CPU time."""
    work = round(work_s / product_seconds()) if work_s else 0
    model = ObedientClassifier(pause, work, extra)
    return str(export_bundle(path, model, SPEC, "obedient", {}, "none", {}, TASK_ACTIVITY, CLASSES))


@cache
def room_windows(
    speed: float = 1.0, antennas: int = 1, seconds: float = 12.0
) -> tuple[CsiWindow, ...]:
    """Windows of a simulated room, one every half second."""
    packets = Receiver().packets(Room(speed=speed, antennas=antennas), seconds)
    return tuple(frame_packets(packets, SPEC))


def window_pdu(window: CsiWindow, order: float | None = None, values=None, **fields):
    """The PDU of a window; with an order to the model, other values or other fields (None: none).

    As the CSI framer's, a window has its ``lost_packets``: tests number windows with it.
    """
    values = window.values if values is None else values
    if order is not None:
        values = values.copy()
        values[0, 0, 0] = order
    own = {keys.SOURCE: SENDER, **fields}
    meta = {**window_fields(window, SPEC), **own}
    return make_pdu({key: value for key, value in meta.items() if value is not None}, values)


def numbered(count: int, **fields) -> list:
    """PDUs of ``count`` windows, half a second apart, numbered by ``lost_packets``."""
    window = room_windows()[0]
    return [
        window_pdu(
            window, **{keys.LOST_PACKETS: i, keys.RX_TIME: (100 + i // 2, i % 2 / 2), **fields}
        )
        for i in range(count)
    ]


class MessageSource(gr.basic_block):
    """Sends messages from a thread of its own, ``rate`` a second (0: at once), then is done; also
    once ``enough`` is set."""

    def __init__(self, messages, rate: float = 0.0, port: str = keys.PORT_WINDOWS):
        gr.basic_block.__init__(self, "messages", in_sig=None, out_sig=None)
        self.message_port_register_out(pmt.intern(port))
        self.message_port_register_in(pmt.intern("begin"))
        self.set_msg_handler(pmt.intern("begin"), self._send)
        self._rate, self._port = rate, pmt.intern(port)
        self.enough = threading.Event()
        self.set_messages(messages)

    def set_messages(self, messages) -> None:
        """What the next run sends."""
        self._messages = list(messages)

    def start(self) -> bool:
        self._post(pmt.intern("begin"), pmt.PMT_NIL)
        return True

    def _send(self, _) -> None:
        begin = time.monotonic()
        for index, message in enumerate(self._messages):
            if self.enough.is_set():
                break
            if self._rate:
                time.sleep(max(0.0, begin + index / self._rate - time.monotonic()))
            self.message_port_pub(self._port, message)
        self._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))


class ClassifierFlow(gr.top_block):
    """messages -> classifier -> result sink."""

    def __init__(self, messages, classifier, rate: float = 0.0):
        gr.top_block.__init__(self, "classifier flow")
        self.results = Results()
        # GNU Radio keeps only the C++ half of a Python block alive
        self.source, self.classifier = MessageSource(messages, rate), classifier
        ports = [keys.PORT_ACTIVITY, keys.PORT_STATUS]
        self.sink = radiofm.result_sink(self.results, ports)
        self.msg_connect((self.source, keys.PORT_WINDOWS), (classifier, keys.PORT_WINDOWS))
        for port in ports:
            self.msg_connect((classifier, port), (self.sink, port))

    @property
    def answers(self) -> list[dict]:
        return self.results.fields(keys.PORT_ACTIVITY)

    @property
    def numbers(self) -> list[int]:
        """Which of the numbered windows were answered, in order."""
        return [fields[keys.LOST_PACKETS] for fields in self.answers]

    @property
    def last_status(self) -> dict:
        return self.results.fields(keys.PORT_STATUS)[-1]


def run_windows(bundle, messages, rate: float = 0.0, **options) -> ClassifierFlow:
    """Run ``messages`` through a classifier to the end of the stream; returns the flowgraph."""
    flow = ClassifierFlow(messages, radiofm.activity_classifier(bundle, **options), rate)
    flow.run()
    return flow


def probabilities(fields: dict) -> np.ndarray:
    """Of an ``activity`` message, in the order of CLASSES."""
    return np.array([fields[keys.PROBABILITIES][c.name] for c in CLASSES])
