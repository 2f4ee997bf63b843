# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sources by one string: a receiver, samples over ZeroMQ, a file at its own pace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gnuradio import gr

from radiofm_core.errors import InputError, UsageError, reason_of
from radiofm_core.installation import how_to_install
from radiofm_core.spectrum.recordings import is_pipe, open_recording, open_stream

from .blocks.recording_source import recording_source
from .receivers import ReceiverSettings, open_soapy, open_uhd

EXAMPLES = (
    "'soapy=driver=rtlsdr', 'uhd=type=b200', 'zmq=tcp://host:5555' or 'file=recording.sigmf-meta'"
)
RECEIVERS = {"soapy": open_soapy, "uhd": open_uhd}


@dataclass(frozen=True)
class LiveSource:
    """A source block of complex samples.

    Args:
        block: GNU Radio's.
        sample_rate: S/s.
        center_frequency: Hz.
        tune: sets a receiver's centre frequency in Hz; None where nothing can be tuned.
        frequency_scale: by which what ``rx_freq`` tags say is to be multiplied.
        has_date: whether its ``rx_time`` tags tell the time of day, or nobody knows it.
        listens: whether samples begin to come by themselves when the other end is there again.
        ends: whether its end is no loss.
        tags_retunes: whether its ``rx_freq`` tags tell of each retune.
        notes: lines for the user: what was taken from a file's name, what is wrong with it.
    """

    block: object
    sample_rate: float
    center_frequency: float
    tune: Callable[[float], object] | None = None
    frequency_scale: float = 1.0
    has_date: bool = False
    listens: bool = False
    ends: bool = False
    tags_retunes: bool = False
    notes: tuple[str, ...] = ()


def open_live_source(
    source: str,
    sample_rate: float | None = None,
    center_frequency: float | None = None,
    gain: float | None = None,
    settings: ReceiverSettings | None = None,
    datatype: str | None = None,
) -> LiveSource:
    """Open ``soapy=<device arguments>``, ``uhd=<device arguments>``, ``zmq=<address>`` or
    ``file=<recording>``, of which ``file=-`` is standard input.

    Args:
        source: the kind, ``=`` and what to open.
        sample_rate: S/s; may be None for a file that tells its own.
        center_frequency: Hz; may be None for a file, is 0 then for ZeroMQ.
        gain: dB, for receivers; None for automatic gain where there is one.
        settings: more of a receiver's, with its gain.
        datatype: of a file or a pipe that does not tell its own.

    Raises:
        UsageError: an unknown kind of source, a missing sample rate or centre frequency, a
            receiver's setting for something else.
        InputError: what is named cannot be opened.
    """
    kind, what = check_source(source, sample_rate, center_frequency)
    settings = settings or ReceiverSettings(gain)
    if kind not in RECEIVERS:
        settings.refuse(source)
    if kind == "file":
        return _file(what, sample_rate, center_frequency, datatype)
    if kind == "zmq":
        return LiveSource(_zmq(what), sample_rate, center_frequency or 0.0, listens=True)
    receiver = RECEIVERS[kind](what, sample_rate, center_frequency, settings)
    return LiveSource(
        receiver.block, sample_rate, center_frequency, receiver.tune, receiver.frequency_scale
    )


def check_source(
    source: str, sample_rate: float | None, center_frequency: float | None
) -> tuple[str, str]:
    """(kind, what to open); raises UsageError for what can be seen without opening it."""
    kind, _, what = source.partition("=")
    if kind not in (*RECEIVERS, "zmq", "file") or not what:
        raise UsageError(f"--source: expected {EXAMPLES}, got {source!r}")
    if kind != "file" and sample_rate is None:
        raise UsageError(f"source {source!r} needs --sample-rate in Hz")
    if kind in RECEIVERS and center_frequency is None:
        raise UsageError(f"source {source!r} needs --center-frequency in Hz")
    return kind, what


def _file(path: str, *given) -> LiveSource:
    recording = open_stream(path, *given) if is_pipe(path) else open_recording(path, *given)
    return LiveSource(
        recording_source(recording, real_time=True),
        recording.sample_rate,
        recording.captures[0].center_frequency,
        has_date=True,
        ends=True,
        notes=(*recording.inferred, *recording.warnings),
    )


def _zmq(address: str):
    try:
        from gnuradio import zeromq
    except ImportError as error:
        raise InputError(
            f"zmq={address}: GNU Radio has no ZeroMQ blocks here ({error}); "
            f"{how_to_install('gnuradio.zeromq')}"
        ) from error
    try:
        return zeromq.sub_source(gr.sizeof_gr_complex, 1, address, 100, False)
    except RuntimeError as error:
        reason = reason_of(error)
        raise InputError(f"zmq={address}: cannot connect ({reason}); check the address") from error
