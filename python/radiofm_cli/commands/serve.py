# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm serve``: the frames of many sensors in, emissions of all of them out."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

from radiofm_core.bundle import read_bundle_info
from radiofm_core.inference import load_bundle
from radiofm_core.tasks import SEGMENTATION
from radiofm_net.protocol import WINDOW_FRAMES

from ..blocks import import_with_blocks
from ..config_file import add_config_options
from ..console import (
    EXIT_DONE,
    StopRequest,
    add_model_options,
    seconds,
    stop_on_signal,
    whole,
)
from ..event_outputs import add_event_options, open_event_outputs, prints_events
from ..printing import check_reader, printing_apart, tell
from ..watching.service import Service

HELP = "segment what sensors on other hosts send"
DESCRIPTION = (
    "Take spectrogram frames from `radiofm sensor` on any number of hosts, segment them with one "
    "model, and print the emissions of each receiver, or send them on (--output). Who may send is "
    "told by the keys in DIR/sensors. Runs until Ctrl-C."
)
DEFAULT_ADDRESS = "tcp://127.0.0.1:5600"
POLL_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "--listen",
        default=DEFAULT_ADDRESS,
        metavar="tcp://ADDRESS:PORT",
        help="where sensors connect: an address of this host, tcp://0.0.0.0:PORT for all of them "
        f"(default: {DEFAULT_ADDRESS}, this host alone)",
    )
    parser.add_argument(
        "--keys",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder that `radiofm keys new DIR` made",
    )
    parser.add_argument(
        "--window",
        type=whole,
        default=WINDOW_FRAMES,
        metavar="N",
        help="frames of a sensor that may be on their way or wait for the model; more for links "
        f"of a long delay (default: {WINDOW_FRAMES})",
    )
    parser.add_argument(
        "--max-batch",
        type=whole,
        default=8,
        metavar="N",
        help="most frames in one call of the model, of all receivers (default: 8)",
    )
    parser.add_argument(
        "--gone-after",
        type=seconds,
        default=60.0,
        metavar="S",
        help="when the emissions of a sensor that is lost end (default: 60s)",
    )
    parser.add_argument("--duration", type=seconds, metavar="S", help="stop after this time")
    add_event_options(parser)
    add_model_options(parser)
    add_config_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run until --duration is over or Ctrl-C: each is a clean end."""
    with stop_on_signal() as stop, printing_apart():
        info = read_bundle_info(options.model, SEGMENTATION.name)
        with stop.held():
            serving = import_with_blocks("radiofm_cli.serving.server")
        with open_event_outputs(options, stop, options.listen, info.name) as outputs:
            server = serving.SensorServer(
                info,
                outputs,
                not prints_events(options),
                options.listen,
                options.keys,
                options.gone_after,
                options.window,
            )
            try:
                with stop.held():
                    server.start(
                        _loaded(options), options.threads, options.max_batch, options.min_confidence
                    )
                tell(f"listening at {server.address} with {info.name}; Ctrl-C ends")
                stop.armed = True
                _serve(server, options.duration, stop)
            finally:
                server.stop()
        if server.failure is not None:
            raise server.failure
        return EXIT_DONE


def _loaded(options: argparse.Namespace):
    """The model that the options name, after its first calls, which are slow."""
    model = load_bundle(options.model, options.device, options.precision, SEGMENTATION.name)
    for _ in range(2):
        model.answer_empty()
    return model


def _serve(server, duration: float | None, stop: StopRequest) -> None:
    end = math.inf if duration is None else time.monotonic() + duration
    service = Service(server.is_well)
    service.ready()
    try:
        while not stop.requested and server.failure is None and time.monotonic() < end:
            check_reader()
            server.look()
            service.look(server.state)
            time.sleep(POLL_S)
    finally:
        service.stopping()
