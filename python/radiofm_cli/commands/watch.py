# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm watch``: a live source in, emissions as lines out."""

from __future__ import annotations

import argparse
import math
import queue
import sys
import time
from collections.abc import Callable

from radiofm_core import keys
from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import RadiofmError
from radiofm_core.outputs.emission_lines import emission_line
from radiofm_core.outputs.event_words import (
    STATUS_INTERVAL_S,
    counts_words,
    event_words,
    summary_words,
)
from radiofm_core.outputs.terminal import use_color
from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S, SpectrogramSpec
from radiofm_core.tasks import SEGMENTATION

from ..blocks import import_flowgraphs, make_segmenter
from ..console import (
    EXIT_DONE,
    add_model_options,
    hertz,
    rate,
    seconds,
    stop_on_signal,
)
from ..http_view import PLAIN_PORTS, add_http_options, open_http_view

HELP = "segment a live source"
DESCRIPTION = (
    "Segment a live source and print emissions as they start, continue and end. Frames are dropped "
    "and counted when the model is too slow. Runs until the source ends or Ctrl-C."
)
POLL_S = 0.1
STOP_GRACE_S = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "--source",
        required=True,
        help="'soapy=driver=rtlsdr' (any SoapySDR device arguments), 'zmq=tcp://host:5555' "
        "(complex64 samples from a GNU Radio ZMQ PUB sink) or 'file=recording.sigmf-meta' "
        "(played in real time)",
    )
    parser.add_argument("--sample-rate", type=rate, metavar="HZ", help="in Hz, such as 1.92M")
    parser.add_argument("--center-frequency", type=hertz, metavar="HZ", help="in Hz, such as 796M")
    parser.add_argument(
        "--gain", type=float, metavar="DB", help="receiver gain (default: automatic)"
    )
    parser.add_argument("--duration", type=seconds, metavar="S", help="stop after this time")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print each event as one line of JSON on standard output",
    )
    parser.add_argument(
        "--frame-duration",
        type=seconds,
        metavar="S",
        help="duration of a frame (default: 20ms, and twice that where the model is too slow)",
    )
    add_http_options(parser)
    add_model_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run until the source ends, --duration is over, or Ctrl-C: each is a clean end."""
    with stop_on_signal() as stop, open_http_view(options, stop) as view:
        info = read_bundle_info(options.model, SEGMENTATION.name)
        messages: queue.SimpleQueue = queue.SimpleQueue()

        def take(port, fields, data) -> None:
            view.take(port, fields, data)
            if port in PLAIN_PORTS:
                messages.put((port, fields))

        segmenter = make_segmenter(info, options, "drop", stop)
        flowgraph = import_flowgraphs().WatchFlowgraph(
            options.source,
            segmenter,
            take,
            options.sample_rate,
            options.center_frequency,
            options.gain,
            options.frame_duration or DEFAULT_FRAME_DURATION_S,
            ports=view.ports,
        )
        colors = {c.name: c.color for c in info.classes}
        relief = _Relief(info.spec, flowgraph, options.frame_duration)
        printer = _Printer(options.json, colors, relief.give)
        _tell(
            f"watching {options.source} at {flowgraph.center_frequency / 1e6:.6g} MHz, "
            f"{flowgraph.sample_rate / 1e6:g} MS/s, with {info.name}; Ctrl-C ends"
        )
        stop.armed = True
        _watch(flowgraph, messages, printer, stop, options.duration)
        return EXIT_DONE


def _watch(flowgraph, messages, printer, stop, duration) -> None:
    flowgraph.launch()
    end = math.inf if duration is None else time.monotonic() + duration

    def take_all() -> None:
        while not messages.empty():
            printer.take(*messages.get())

    try:
        while not flowgraph.ended(POLL_S):
            take_all()
            if stop.requested or time.monotonic() >= end:
                break
    finally:
        # whatever comes out of here, such as a pipe that nobody reads: a process must not end
        # while GNU Radio's threads run
        flowgraph.halt(STOP_GRACE_S)
    take_all()
    printer.summary()
    if printer.error:
        raise RadiofmError(printer.error)


class _Relief:
    """What is done, or can be done, where the model is too slow: frames of twice the duration are
    half as many. ``wanted``: the user's frame duration (s), which is not changed, or None."""

    def __init__(self, spec: SpectrogramSpec, flowgraph, wanted: float | None):
        self._longest = spec.rows * spec.row_duration_max
        self._flowgraph = flowgraph
        self._is_wanted = wanted is not None
        self._duration = wanted or DEFAULT_FRAME_DURATION_S

    def give(self) -> str:
        """Do it, if there is something; what to tell of it."""
        longer = 2 * self._duration
        if longer > self._longest:
            return ""
        if self._is_wanted:
            return f"; --frame-duration {longer:g} halves the number of frames"
        self._duration = longer
        self._flowgraph.set_frame_duration(longer)
        return f"; frames last {longer * 1e3:g} ms from now on"


class _Printer:
    """Prints events on standard output and the state of affairs on standard error.

    ``relief``: is called where the model is too slow; its answer follows the line that says so.
    """

    def __init__(self, as_json: bool, colors: dict[str, str], relief: Callable[[], str]):
        self._as_json = as_json
        self._relief = relief
        self._colors = colors if use_color(sys.stdout) else {}
        self._status: dict = {}
        self._next_status = time.monotonic() + STATUS_INTERVAL_S
        self.error = ""

    def take(self, port: str, fields: dict) -> None:
        """One message of the flowgraph."""
        if port == keys.PORT_STATUS:
            self._take_status(fields)
        elif self._as_json:
            print(emission_line(fields), flush=True)
        elif fields[keys.EVENT] != keys.EVENT_UPDATE:
            print(event_words(fields, self._colors), flush=True)

    def _take_status(self, fields: dict) -> None:
        news = fields[keys.DROPPED] - self._status.get(keys.DROPPED, 0)
        self._status = fields
        if keys.ERROR in fields:
            failed, reason = fields[keys.FAILED], fields[keys.ERROR]
            self.error = f"{failed} frames without a result, last: {reason}"
        if news and time.monotonic() >= self._next_status:
            self._next_status = time.monotonic() + STATUS_INTERVAL_S
            _tell(
                f"the model is too slow for this rate: {counts_words(self._status)}{self._relief()}"
            )

    def summary(self) -> None:
        """The last line."""
        if self._status:
            _tell(summary_words(self._status))


def _tell(text: str) -> None:
    print(f"radiofm: {text}", file=sys.stderr, flush=True)
