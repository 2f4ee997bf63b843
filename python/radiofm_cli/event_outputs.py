# SPDX-License-Identifier: GPL-3.0-or-later
"""``--output``: events of a command that watches, to files, brokers and data bases."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from radiofm_core.errors import RadiofmError
from radiofm_core.events.maker import EventMaker, Receiver
from radiofm_sinks.jsonl import StandardOutputSink
from radiofm_sinks.opening import open_outputs
from radiofm_sinks.outputs import EventOutputs

from .console import StopRequest
from .printing import tell


def add_event_options(parser: argparse.ArgumentParser) -> None:
    """The options of a command that can send its events somewhere."""
    group = parser.add_argument_group("events (docs/events.md)")
    group.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="KIND=TARGET[,OPTION=VALUE...]",
        help="send events to jsonl=FOLDER (or jsonl=-: standard output), zmq=PORT, mqtt=HOST, "
        "influx=HOST, prometheus=PORT; can be given several times. With options, such as "
        "'mqtt=broker:1883,user=radio,password-file=FILE,homeassistant=yes'",
    )
    group.add_argument(
        "--receiver", metavar="NAME", help="what events call the receiver (default: the source)"
    )


def prints_events(options: argparse.Namespace) -> bool:
    """Whether an output has standard output for itself."""
    return any(text.split(",")[0] == "jsonl=-" for text in options.output)


@contextlib.contextmanager
def open_event_outputs(
    options: argparse.Namespace,
    stop: StopRequest,
    source: str,
    model: str,
    listeners: Sequence[Callable[[Mapping], None]] = (),
) -> Iterator[EventOutputs]:
    """The outputs that the options ask for, until the end of the block, where the run ends for
    them, too; without any, events go nowhere.

    Args:
        options: those of :func:`add_event_options`.
        stop: a stop request ends the run as "stopped".
        source: names the receiver where --receiver does not.
        model: the model's name.
        listeners: see :class:`.EventOutputs`.

    Raises:
        UsageError: an output that cannot be opened as it is named.
        BrokenPipeError: at the end, where nobody read the events on standard output any more.
    """
    with stop.held():
        sinks = open_outputs(options.output, options.receiver or source)
    maker = EventMaker(Receiver(options.receiver or source), model)
    outputs = EventOutputs(maker, sinks, tell, listeners)
    reason = ""
    try:
        if sinks:
            tell(f"events go to {', '.join(sink.name for sink in sinks)}")
        outputs.start()
        yield outputs
        reason = "" if stop.requested else "ended"
    except RadiofmError as error:
        reason = str(error)
        raise
    finally:
        outputs.close(reason or ("stopped" if stop.requested else "failed"))
        for line in outputs.summary():
            tell(line)
        if any(isinstance(sink, StandardOutputSink) and sink.lost_reader for sink in sinks):
            raise BrokenPipeError
