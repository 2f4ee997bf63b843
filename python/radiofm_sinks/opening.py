# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs as the user names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from radiofm_core.errors import UsageError, reason_of
from radiofm_core.installation import how_to_install

from .options import Options, parse_output
from .sink import EventSink

# By kind: the module and its function. What an output needs is imported once it is wanted
_KINDS = {
    "jsonl": ("jsonl", "open_jsonl"),
    "zmq": ("zmq_publisher", "open_zmq"),
    "mqtt": ("mqtt", "open_mqtt"),
    "mqtts": ("mqtt", "open_mqtt"),
    "influx": ("influx", "open_influx"),
    "influxs": ("influx", "open_influx"),
    "prometheus": ("prometheus", "open_prometheus"),
}
KINDS = tuple(_KINDS)


def open_outputs(texts: Sequence[str], program: str) -> list[EventSink]:
    """An output for each text, in order, not started.

    Args:
        texts: as the user wrote them.
        program: tells this one from others on this machine, such as its receiver's name.

    Raises:
        UsageError: one that cannot be opened as it is named; those before it are closed.
    """
    sinks: list[EventSink] = []
    try:
        for text in texts:
            sink = open_output(text, program)
            sinks.append(sink)
            if sink.name in [each.name for each in sinks[:-1]]:
                raise UsageError(f"--output {sink.name} is given twice")
    except BaseException:
        close_unused(sinks)
        raise
    return sinks


def open_output(text: str, program: str) -> EventSink:
    """The output that ``KIND=TARGET,option=value,...`` names; raises UsageError."""
    options = parse_output(text, KINDS, program)
    return _opener(options)(options)


def close_unused(sinks: Sequence[EventSink]) -> None:
    """Let go of what outputs hold that were never started."""
    for sink in sinks:
        sink.release()


def _opener(options: Options) -> Callable[[Options], EventSink]:
    module, function = _KINDS[options.kind]
    try:
        return getattr(import_module(f".{module}", __package__), function)
    except ImportError as error:
        raise options.error(
            f"needs a package that cannot be imported ({reason_of(error)}); "
            f"{how_to_install(error.name or options.kind)}"
        ) from error
