# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sources by one string: a Soapy receiver, samples over ZeroMQ, a file at its own pace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gnuradio import gr

from radiofm_core.errors import InputError, UsageError, reason_of
from radiofm_core.spectrum.recordings import open_recording

from .blocks.recording_source import recording_source
from .console_errors import no_receiver

EXAMPLES = "'soapy=driver=rtlsdr', 'zmq=tcp://host:5555' or 'file=recording.sigmf-meta'"


@dataclass(frozen=True)
class LiveSource:
    """A source block of complex samples; ``tune``: sets a receiver's centre frequency in Hz."""

    block: object
    sample_rate: float
    center_frequency: float
    tune: Callable[[float], object] | None = None


def open_live_source(
    source: str,
    sample_rate: float | None = None,
    center_frequency: float | None = None,
    gain: float | None = None,
) -> LiveSource:
    """Open ``soapy=<device arguments>``, ``zmq=<address>`` or ``file=<recording>``.

    Args:
        source: the kind, ``=`` and what to open.
        sample_rate: S/s; may be None for a file that tells its own.
        center_frequency: Hz; may be None for a file, is 0 then for ZeroMQ.
        gain: dB, for Soapy; None for automatic gain where there is one.

    Raises:
        UsageError: an unknown kind of source, a missing sample rate or centre frequency.
        InputError: what is named cannot be opened.
    """
    kind, _, what = source.partition("=")
    if kind not in ("soapy", "zmq", "file") or not what:
        raise UsageError(f"--source: expected {EXAMPLES}, got {source!r}")
    if kind == "file":
        recording = open_recording(what, sample_rate, center_frequency)
        center = recording.captures[0].center_frequency
        block = recording_source(recording, real_time=True)
        return LiveSource(block, recording.sample_rate, center)
    if sample_rate is None:
        raise UsageError(f"source {source!r} needs --sample-rate in Hz")
    if kind == "zmq":
        return LiveSource(_zmq(what), sample_rate, center_frequency or 0.0)
    if center_frequency is None:
        raise UsageError(f"source {source!r} needs --center-frequency in Hz")
    block = _soapy(what, sample_rate, center_frequency, gain)
    return LiveSource(block, sample_rate, center_frequency, partial(block.set_frequency, 0))


def _zmq(address: str):
    try:
        from gnuradio import zeromq
    except ImportError as error:
        raise InputError(f"zmq={address}: GNU Radio has no ZeroMQ blocks here ({error})") from error
    try:
        return zeromq.sub_source(gr.sizeof_gr_complex, 1, address, 100, False)
    except RuntimeError as error:
        reason = reason_of(error)
        raise InputError(f"zmq={address}: cannot connect ({reason}); check the address") from error


def _soapy(arguments: str, sample_rate: float, center_frequency: float, gain: float | None):
    try:
        from gnuradio import soapy
    except ImportError as error:
        raise InputError(
            f"soapy={arguments}: GNU Radio has no Soapy blocks here ({error}); install gr-soapy"
        ) from error
    try:
        block = soapy.source(arguments, "fc32", 1, "", "", [""], [""])
        block.set_sample_rate(0, sample_rate)
        block.set_frequency(0, center_frequency)
        if gain is not None:
            block.set_gain_mode(0, False)
            block.set_gain(0, gain)
        elif block.has_gain_mode(0):
            block.set_gain_mode(0, True)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"soapy={arguments}: {no_receiver(error)}") from error
    return block
