# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sensor sends: frames, which a server judges, or the emissions that it finds itself."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from radiofm_core import keys
from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.tasks import SEGMENTATION
from radiofm_net import protocol
from radiofm_net.frame_code import FrameEncoder

from ..blocks import import_with_blocks, make_segmenter
from ..console import StopRequest

if TYPE_CHECKING:
    from radiofm_net.sensor_link import SensorLink

# Events that wait at most
EVENT_BUFFER = 10_000


class FrameSender:
    """Sends frames; what they are like the server tells first.

    Args:
        options: of the command.
        live: the source, a ``LiveSource``.
    """

    # until the spec is known there are no frames
    capacity = 1

    def __init__(self, options: argparse.Namespace, live):
        self._options = options
        self._live = live
        self._spec: SpectrogramSpec | None = None

    def describe(self) -> dict:
        """Of the ``hello``."""
        return {
            protocol.SENDS: protocol.FRAME,
            protocol.SOURCE: self._options.source,
            keys.SAMPLE_RATE: self._live.sample_rate,
            keys.CENTER_FREQUENCY: self._live.center_frequency,
            protocol.FINGERPRINT: self._spec.fingerprint if self._spec else "",
        }

    def check(self, welcome: dict) -> None:
        """Take the server's spec; raises RadiofmError for a server whose spec has changed, or does
        not fit the source."""
        check_version(welcome, self._options.server)
        spec = SpectrogramSpec.from_dict(welcome.get(protocol.SPEC))
        if self._spec is not None and spec != self._spec:
            raise UsageError(
                f"the model of {self._options.server} takes frames of the spectrogram spec "
                f"{spec.fingerprint} now, not {self._spec.fingerprint}; start the sensor again"
            )
        spec.check_sample_rate(self._live.sample_rate)
        self._spec = spec

    def flowgraph(self, link: SensorLink):
        """From the source into the link; to be made once the server has answered."""
        options = self._options
        encoder = FrameEncoder(self._spec, options.byte_rate)

        def take(fields: dict, vector) -> None:
            captured = time.time()
            told, parts = encoder.encode(fields, vector)
            link.put(protocol.FRAME, told | {protocol.CAPTURED: captured}, parts)

        made = import_with_blocks("gnuradio.radiofm.sensor_flowgraph")
        flowgraph = made.SensorFlowgraph(
            self._live, self._spec, take, link.buffer.skip, options.frame_duration
        )
        frame = flowgraph.framer.frame_samples() / self._live.sample_rate
        link.buffer.set_capacity(max(1, round(options.buffer / frame)))
        return flowgraph

    def state(self) -> dict:
        """What the server is told with each ping."""
        return {}

    def words(self) -> str:
        """What is to be told beside the link's counts."""
        return ""


class EventSender:
    """Runs a model itself and sends what it finds.

    Args:
        options: of the command.
        live: the source, a ``LiveSource``.
        stop: a stop waits until the model is loaded.
    """

    capacity = EVENT_BUFFER

    def __init__(self, options: argparse.Namespace, live, stop: StopRequest):
        self._options = options
        self._live = live
        self._info = read_bundle_info(options.model, SEGMENTATION.name)
        self._segmenter = make_segmenter(self._info, options, "drop", stop)

    def describe(self) -> dict:
        """Of the ``hello``."""
        return {
            protocol.SENDS: protocol.EVENT,
            protocol.SOURCE: self._options.source,
            protocol.MODEL: self._info.name,
            keys.SAMPLE_RATE: self._live.sample_rate,
            keys.CENTER_FREQUENCY: self._live.center_frequency,
        }

    def check(self, welcome: dict) -> None:
        """Any server of this version takes events."""
        check_version(welcome, self._options.server)

    def flowgraph(self, link: SensorLink):
        """From the source through the model into the link."""

        def take(port: str, fields: dict, data) -> None:
            if port == keys.PORT_EMISSIONS:
                link.put(protocol.EVENT, fields | {protocol.CAPTURED: time.time()}, [])

        made = import_with_blocks("gnuradio.radiofm.flowgraphs")
        return made.WatchFlowgraph(
            self._live, self._segmenter, take, frame_duration=self._options.frame_duration
        )

    def state(self) -> dict:
        """What the server is told with each ping."""
        return {protocol.TOO_SLOW: self._segmenter.status()[keys.DROPPED]}

    def words(self) -> str:
        """What is to be told beside the link's counts."""
        status = self._segmenter.status()
        return f"; {status[keys.FRAMES]} frames segmented here, {status[keys.DROPPED]} dropped"


def check_version(welcome: dict, address: str) -> None:
    """Raise UsageError for a server of another version."""
    version = welcome.get(protocol.PROTOCOL)
    if version != protocol.VERSION:
        raise UsageError(
            f"{address} speaks version {str(version)[:20]} of the protocol, this sensor version "
            f"{protocol.VERSION}; install the same release on both"
        )
