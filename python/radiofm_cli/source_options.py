# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the commands that take a live source: which one, how it is set up, how patiently."""

from __future__ import annotations

import argparse
import math

from .blocks import import_with_blocks
from .console import StopRequest, hertz, rate, seconds


def add_source_options(parser: argparse.ArgumentParser, required: bool) -> None:
    """``--source`` and what a receiver is told."""
    group = parser.add_argument_group("source (docs/headless.md)")
    group.add_argument(
        "--source",
        required=required,
        help="'soapy=driver=rtlsdr' (any SoapySDR device arguments), 'uhd=type=b200' (UHD's), "
        "'zmq=tcp://host:5555' (complex64 samples from a GNU Radio ZMQ PUB sink) or "
        "'file=recording.sigmf-meta' (any recording, played in real time), 'file=-' (samples from "
        "standard input, as they come)",
    )
    group.add_argument("--sample-rate", type=rate, metavar="HZ", help="in Hz, such as 1.92M")
    group.add_argument("--center-frequency", type=hertz, metavar="HZ", help="in Hz, such as 796M")
    group.add_argument(
        "--datatype", metavar="TYPE", help="of samples from a raw file or a pipe, such as cu8"
    )
    group.add_argument(
        "--gain",
        type=gain,
        metavar="DB",
        help="receiver gain, or that of its stages: 'LNA=16,VGA=20' (default: automatic)",
    )
    group.add_argument("--antenna", metavar="NAME", help="which socket of the receiver")
    group.add_argument(
        "--bandwidth", type=rate, metavar="HZ", help="of the receiver's filter (default: its own)"
    )
    group.add_argument(
        "--ppm",
        type=millionths,
        metavar="PPM",
        help="how much too fast the receiver's oscillator is, which is corrected",
    )
    group.add_argument(
        "--clock-source", metavar="NAME", help="such as internal, external, gpsdo (UHD, SoapySDR)"
    )
    group.add_argument("--time-source", metavar="NAME", help="the same of the pulse a second")


def add_patience_options(parser: argparse.ArgumentParser) -> None:
    """How long a source is waited for."""
    group = parser.add_argument_group("sources that come and go")
    group.add_argument(
        "--lost-after",
        type=seconds,
        default=5.0,
        metavar="S",
        help="without samples for so long, a source is lost and is opened again (default: 5s)",
    )
    group.add_argument(
        "--fail-after",
        type=time_limit,
        metavar="S",
        help="without samples for so long, give up with exit code 1; with this option, or with "
        "'never', a receiver that is missing at the start is waited for, too (default: one that "
        "is missing at the start is an error, one that is lost later is waited for)",
    )


def open_source(options: argparse.Namespace, stop: StopRequest, listener, plan=None):
    """Open what the options name; a stop waits until that is done.

    Args:
        options: those of the two functions above.
        stop: the user's request.
        listener: is told what becomes of the source, see ``Listener``.
        plan: a ``BurstPlan``, or None for all samples.

    Returns:
        (a ``ReconnectingSource``, or None for a file that is played; the ``LiveSource`` that a
        flowgraph takes).

    Raises:
        RadiofmError: see ``ReconnectingSource``; GNU Radio is missing.
    """
    with stop.held():
        receivers = import_with_blocks("gnuradio.radiofm.receivers")
        settings = receivers.ReceiverSettings(
            options.gain,
            options.antenna,
            options.bandwidth,
            options.ppm,
            options.clock_source,
            options.time_source,
        )
        given = (options.source, options.sample_rate, options.center_frequency)
        if plan is None and options.source.startswith("file="):
            sources = import_with_blocks("gnuradio.radiofm.live_sources")
            live = sources.open_live_source(*given, settings=settings, datatype=options.datatype)
            return None, live
        reconnecting = import_with_blocks("gnuradio.radiofm.reconnecting.source")
        patience = reconnecting.Patience(options.lost_after, options.fail_after)
        source = reconnecting.ReconnectingSource(
            *given, settings, patience, plan, listener, options.datatype
        )
        return source, source.stream


def gain(text: str) -> float | dict[str, float]:
    """A gain in dB, or ``STAGE=DB`` separated by commas."""
    try:
        if "=" not in text:
            return _finite(text)
        pairs = [part.split("=") for part in text.split(",")]
        return {stage.strip(): _finite(value) for stage, value in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a gain in dB, such as 30 or LNA=16,VGA=20, got {text!r}"
        ) from None


def millionths(text: str) -> float:
    """A number of ppm."""
    try:
        value = _finite(text.strip().removesuffix("ppm"))
    except ValueError:
        value = math.inf
    if abs(value) > 1000:
        raise argparse.ArgumentTypeError(f"expected a number from -1000 to 1000, got {text!r}")
    return value


def time_limit(text: str) -> float:
    """A time in seconds, or ``never``."""
    return math.inf if text.strip() == "never" else seconds(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
