# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm sensor``: a live source in, frames or events out to a server."""

from __future__ import annotations

import argparse
from pathlib import Path

from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S

from ..config_file import add_config_options
from ..console import EXIT_DONE, add_model_options, rate, seconds, stop_on_signal
from ..network import import_network
from ..printing import printing_apart, tell
from ..sensing.loop import SensorLoop
from ..sensing.senders import EventSender, FrameSender
from ..sensing.source_state import SourceState
from ..source_options import add_patience_options, add_source_options, open_source
from ..watching.inbox import Inbox
from ..watching.source_log import SourceLog

HELP = "send a live source's spectrogram to a server"
DESCRIPTION = (
    "Send what a receiver hears to `radiofm serve` on another host: spectrogram frames (no model "
    "runs here), or, with --send events, only the emissions that a model on this host finds. What "
    "cannot be sent waits; what finds no place or no time is dropped and counted by its cause. "
    "Runs until a file ends or Ctrl-C."
)
DEFAULT_BUFFER_S = 30.0
DEFAULT_BYTE_RATE = 2e6
FRAMES, EVENTS = "frames", "events"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    group = parser.add_argument_group("server (docs/sensors.md)")
    group.add_argument(
        "--server", required=True, metavar="tcp://HOST:PORT", help="where `radiofm serve` listens"
    )
    group.add_argument(
        "--keys",
        required=True,
        type=Path,
        metavar="FILE",
        help="NAME.key_secret that `radiofm keys new DIR NAME` made on the server's host",
    )
    group.add_argument(
        "--send",
        choices=(FRAMES, EVENTS),
        default=FRAMES,
        help="spectrogram frames, or the emissions that a model on this host finds (default: "
        "frames)",
    )
    group.add_argument(
        "--buffer",
        type=seconds,
        default=DEFAULT_BUFFER_S,
        metavar="S",
        help="how much is kept while the server cannot be reached (default: 30s)",
    )
    group.add_argument(
        "--byte-rate",
        type=rate,
        default=DEFAULT_BYTE_RATE,
        metavar="B",
        help="bytes a second of the frames at most; where they are more, power is told in coarser "
        "steps than 0.5 dB (default: 2M)",
    )
    parser.add_argument(
        "--frame-duration",
        type=seconds,
        default=DEFAULT_FRAME_DURATION_S,
        metavar="S",
        help="duration of a frame (default: 20ms)",
    )
    parser.add_argument("--duration", type=seconds, metavar="S", help="stop after this time")
    parser.add_argument(
        "--json", action="store_true", help="print a line of JSON with the status every 5 s"
    )
    add_source_options(parser, required=True)
    add_patience_options(parser)
    add_model_options(parser)
    add_config_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run until the source ends, --duration is over, or Ctrl-C: each is a clean end."""
    with stop_on_signal() as stop, printing_apart():
        with stop.held():
            network = import_network("radiofm_net.sensor_link")
            own = import_network("radiofm_net.curve_keys").read_sensor_keys(options.keys)
        state = SourceState()
        log = SourceLog(options.source, state, Inbox())
        source, live = open_source(options, stop, log)
        for line in live.notes:
            tell(line)
        if options.send == FRAMES:
            sender = FrameSender(options, live)
        else:
            sender = EventSender(options, live, stop)
        link = network.SensorLink(
            options.server,
            own,
            sender.describe,
            sender.capacity,
            tell,
            sender.check,
            more_state=lambda: state.fields() | sender.state(),
        )
        loop = SensorLoop(link, sender, source, options.server, options.json, stop)
        loop.run(options.duration)
        return EXIT_DONE
