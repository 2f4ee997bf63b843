# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm watch``: a live source in, emissions as lines and events out."""

from __future__ import annotations

import argparse
from dataclasses import replace

from radiofm_core import keys
from radiofm_core.bundle import BundleInfo, read_bundle_info
from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S
from radiofm_core.tasks import SEGMENTATION

from ..blocks import import_flowgraphs, make_segmenter
from ..burst_options import add_burst_options, burst_plan, plan_words
from ..config_file import add_config_options
from ..console import EXIT_DONE, StopRequest, add_model_options, seconds, stop_on_signal
from ..event_outputs import add_event_options, open_event_outputs, prints_events
from ..http_view import PLAIN_PORTS, add_http_options, open_http_view
from ..printing import printing_apart, tell
from ..source_options import add_patience_options, add_source_options, open_source
from ..watching.inbox import Inbox
from ..watching.loop import WatchLoop
from ..watching.printer import Printer
from ..watching.relief import Relief
from ..watching.rounds import Rounds
from ..watching.source_log import SourceLog

HELP = "segment a live source"
DESCRIPTION = (
    "Segment a live source and print emissions as they start, continue and end. Frames are dropped "
    "and counted when the model is too slow. Receivers and ZeroMQ publishers that go away are "
    "waited for. Runs until a file ends or Ctrl-C."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_source_options(parser, required=True)
    add_patience_options(parser)
    add_burst_options(parser)
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
    add_event_options(parser)
    add_http_options(parser)
    add_model_options(parser)
    add_config_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run until the source ends, --duration is over, or Ctrl-C: each is a clean end."""
    with stop_on_signal() as stop, printing_apart():
        info = read_bundle_info(options.model, SEGMENTATION.name)
        with (
            open_http_view(options, stop) as view,
            open_event_outputs(options, stop, options.source, info.name, view.listeners) as outputs,
        ):
            _watch(options, info, stop, view, outputs)
    return EXIT_DONE


def _watch(options: argparse.Namespace, info: BundleInfo, stop: StopRequest, view, outputs) -> None:
    messages = Inbox()
    log = SourceLog(options.source, outputs, messages)
    source, live = open_source(options, stop, log, burst_plan(options))
    for line in live.notes:
        tell(line)
    own_ports = {*PLAIN_PORTS, *((keys.PORT_DETECTIONS,) if options.sweep else ())}

    def take(port, fields, data) -> None:
        if port in view.ports:
            view.take(port, fields, data)
        if port in own_ports:
            messages.put(port, fields)

    is_lossless = source is not None and source.is_lossless
    segmenter = make_segmenter(info, options, "wait" if is_lossless else "drop", stop)
    flowgraph = import_flowgraphs().WatchFlowgraph(
        live,
        segmenter,
        take,
        frame_duration=options.frame_duration or DEFAULT_FRAME_DURATION_S,
        ports=tuple(own_ports.union(view.ports)),
    )
    outputs.set_receiver(
        replace(
            outputs.maker.receiver,
            center_frequency=flowgraph.center_frequency,
            sample_rate=flowgraph.sample_rate,
        )
    )
    colors = {c.name: c.color for c in info.classes}
    loop = WatchLoop(
        flowgraph,
        source,
        messages,
        Printer(options.json, colors, prints_events(options)),
        Relief(info.spec, flowgraph, options.frame_duration),
        outputs,
        log,
        Rounds() if options.sweep else None,
        stop,
    )
    tell(
        f"watching {options.source} at {flowgraph.center_frequency / 1e6:.6g} MHz, "
        f"{flowgraph.sample_rate / 1e6:g} MS/s{plan_words(options)}, with {info.name}; Ctrl-C ends"
    )
    stop.armed = True
    loop.run(options.duration)
