# SPDX-License-Identifier: GPL-3.0-or-later
"""Receivers behind SoapySDR and UHD, opened and set up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from radiofm_core.errors import InputError, UsageError
from radiofm_core.installation import how_to_install

from .console_errors import no_receiver


@dataclass(frozen=True)
class ReceiverSettings:
    """What a receiver is told beside rate and frequency; None leaves it as it is.

    Args:
        gain: dB; of its stages by their names (``{"LNA": 16, "VGA": 20}``); None for automatic
            gain where the receiver has it.
        antenna: the name of its socket.
        bandwidth: of its filter, Hz.
        ppm: how much too fast its oscillator is, in millionths; corrected.
        clock_source, time_source: UHD's and SoapySDR's names, such as ``external``, ``gpsdo``.
    """

    gain: float | Mapping[str, float] | None = None
    antenna: str | None = None
    bandwidth: float | None = None
    ppm: float | None = None
    clock_source: str | None = None
    time_source: str | None = None

    def refuse(self, source: str) -> None:
        """Raise UsageError if anything is set: ``source`` is no receiver."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                raise UsageError(
                    f"{field.name} {value!r} is for receivers (soapy=, uhd=), and {source!r} is "
                    "none; leave it out"
                )


@dataclass(frozen=True)
class Receiver:
    """A receiver's source block.

    ``tune``: sets its centre frequency in Hz; ``frequency_scale``: by which what its ``rx_freq``
    tags say is to be multiplied.
    """

    block: object
    tune: Callable[[float], object]
    frequency_scale: float = 1.0


def open_soapy(
    arguments: str, sample_rate: float, center_frequency: float, settings: ReceiverSettings
) -> Receiver:
    """A SoapySDR receiver by its device arguments; raises InputError."""
    name = f"soapy={arguments}"
    try:
        from gnuradio import soapy
    except ImportError as error:
        raise InputError(
            f"{name}: GNU Radio has no Soapy blocks here ({error}); "
            f"{how_to_install('gnuradio.soapy')}"
        ) from error
    try:
        block = soapy.source(arguments, "fc32", 1, "", "", [""], [""])
        scale = _set_up_soapy(block, sample_rate, settings)
        receiver = Receiver(block, lambda hertz: block.set_frequency(0, hertz / scale), scale)
        receiver.tune(center_frequency)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{name}: {no_receiver(error)}") from error
    return receiver


def _set_up_soapy(block, sample_rate: float, settings: ReceiverSettings) -> float:
    """All but the frequency; returns what frequencies are to be divided by."""
    block.set_sample_rate(0, sample_rate)
    for setter, value in (
        ("set_clock_source", settings.clock_source),
        ("set_time_source", settings.time_source),
    ):
        if value is not None:
            getattr(block, setter)(value)
    if settings.antenna is not None:
        block.set_antenna(0, settings.antenna)
    if settings.bandwidth is not None:
        block.set_bandwidth(0, settings.bandwidth)
    if isinstance(settings.gain, Mapping):
        for stage, value in settings.gain.items():
            block.set_gain(0, stage, value)
    elif settings.gain is not None:
        if block.has_gain_mode(0):
            block.set_gain_mode(0, False)
        block.set_gain(0, settings.gain)
    elif block.has_gain_mode(0):
        block.set_gain_mode(0, True)
    if not settings.ppm:
        return 1.0
    if block.has_frequency_correction(0):
        block.set_frequency_correction(0, settings.ppm)
        return 1.0
    return _scale_of(settings.ppm)


def open_uhd(
    arguments: str, sample_rate: float, center_frequency: float, settings: ReceiverSettings
) -> Receiver:
    """A USRP by its device arguments (``type=b200``); raises InputError."""
    name = f"uhd={arguments}"
    try:
        from gnuradio import uhd
    except ImportError as error:
        raise InputError(
            f"{name}: GNU Radio has no UHD blocks here ({error}); {how_to_install('gnuradio.uhd')}"
        ) from error
    try:
        stream = uhd.stream_args(cpu_format="fc32", channels=[0])
        block = uhd.usrp_source(arguments, stream)
        _set_up_uhd(uhd, block, sample_rate, settings)
        scale = _scale_of(settings.ppm or 0.0)
        receiver = Receiver(block, lambda hertz: block.set_center_freq(hertz / scale, 0), scale)
        receiver.tune(center_frequency)
    except (RuntimeError, ValueError, LookupError) as error:
        raise InputError(f"{name}: {no_receiver(error)}") from error
    told = block.get_samp_rate()
    if not math.isclose(told, sample_rate, rel_tol=1e-6):
        raise InputError(
            f"{name}: it has no sample rate of {sample_rate:g} S/s; the nearest is {told:g}"
        )
    return receiver


def _set_up_uhd(uhd, block, sample_rate: float, settings: ReceiverSettings) -> None:
    if settings.clock_source is not None:
        block.set_clock_source(settings.clock_source, 0)
    if settings.time_source is not None:
        block.set_time_source(settings.time_source, 0)
    block.set_samp_rate(sample_rate)
    if settings.antenna is not None:
        block.set_antenna(settings.antenna, 0)
    if settings.bandwidth is not None:
        block.set_bandwidth(settings.bandwidth, 0)
    if isinstance(settings.gain, Mapping):
        for stage, value in settings.gain.items():
            block.set_gain(value, stage, 0)
    elif settings.gain is not None:
        block.set_gain(settings.gain, 0)
    else:
        _use_automatic_gain(block)
    if settings.time_source in (None, "internal", "none"):
        block.set_time_now(uhd.time_spec(time.time()), 0)
    else:
        # at the next pulse a second: the host's clock must be right to half a second
        time.sleep(max(0.0, math.ceil(time.time()) - time.time() + 0.1))
        block.set_time_next_pps(uhd.time_spec(math.floor(time.time()) + 1.0))
        time.sleep(1.1)


def _use_automatic_gain(block) -> None:
    """Where the USRP has it; the middle of its range where it does not."""
    try:
        block.set_rx_agc(True, 0)
    except (RuntimeError, NotImplementedError):
        block.set_normalized_gain(0.5, 0)


def _scale_of(ppm: float) -> float:
    """An oscillator that is so much too fast tunes so much too high."""
    return 1.0 + ppm * 1e-6
