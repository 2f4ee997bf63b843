# SPDX-License-Identifier: GPL-3.0-or-later
"""A receiver that can be unplugged, in place of SoapySDR's hardware and UHD's."""

from __future__ import annotations

import sys
import threading
import time
import types

import numpy as np
import pmt
from gnuradio import gr


class Radio:
    """The device: what is heard at each centre frequency (Hz; None: at any other), whether it is
    plugged in, and how a program notices that it is not: its block ``ends``, ``raises``, is
    ``silent`` or ``hangs``. ``told``: all settings in their order."""

    def __init__(self, heard: dict[float | None, np.ndarray], way: str = "ends"):
        self.heard, self.way = heard, way
        self.is_plugged = True
        self.told: list[tuple] = []
        self.openings = 0
        self.freed = threading.Event()
        # samples after a retune that still come from the frequency before (s)
        self.stale = 0.0
        self.most = float("inf")
        self.tags: tuple[tuple[str, object], ...] = ()

    def install(self, monkeypatch) -> None:
        """Make ``gnuradio.soapy.source`` and ``gnuradio.uhd.usrp_source`` this device's."""
        import gnuradio

        radio = self
        for name, kind in (("soapy", _SoapySource), ("uhd", _UsrpSource)):
            module = types.ModuleType(f"gnuradio.{name}")
            block = type(kind.__name__, (kind,), {"radio": radio})
            setattr(module, "source" if name == "soapy" else "usrp_source", block)
            module.stream_args = lambda **options: options
            module.time_spec = float
            monkeypatch.setitem(sys.modules, module.__name__, module)
            monkeypatch.setattr(gnuradio, name, module, raising=False)


class _Source(gr.sync_block):
    """Sends what is heard at its frequency, as fast as it would be received."""

    radio: Radio

    def __init__(self):
        if not self.radio.is_plugged:
            raise RuntimeError("SoapySDR::Device::make() no match")
        gr.sync_block.__init__(self, "pretend_radio", None, [np.complex64])
        self.radio.openings += 1
        self._rate = 1.0
        self._at = self._earlier = 0.0
        self._retuned = self._began = self._sent = 0.0

    def _tell(self, *words) -> None:
        self.radio.told.append(words)

    def _tune(self, frequency: float) -> None:
        if frequency > self.radio.most:
            raise RuntimeError("out of range")
        self._earlier, self._at = self._at, frequency
        self._retuned = time.monotonic()

    def work(self, input_items, output_items):
        """What a receiver has heard since it began."""
        radio, out = self.radio, output_items[0]
        if not radio.is_plugged:
            if radio.way == "raises":
                raise RuntimeError("the device is gone")
            if radio.way == "hangs":
                radio.freed.wait()
            time.sleep(0.01)
            return -1 if radio.way == "ends" else 0
        if not self._began:
            self._began = time.monotonic()
            for key, value in radio.tags:
                self.add_item_tag(0, self.nitems_written(0), pmt.intern(key), pmt.to_pmt(value))
        count = int((time.monotonic() - self._began) * self._rate - self._sent)
        if count <= 0:
            time.sleep(0.002)
            return 0
        is_stale = time.monotonic() < self._retuned + radio.stale
        at = self._earlier if is_stale else self._at
        heard = radio.heard.get(at, radio.heard.get(None))
        count = min(count, len(out))
        begin = int(self._sent) % len(heard)
        part = heard[begin : begin + count]
        out[: len(part)] = part
        self._sent += len(part)
        return len(part)


class _SoapySource(_Source):
    """As much of ``gnuradio.soapy.source`` as is used of it."""

    def __init__(self, device, kind, channels, *_arguments):
        _Source.__init__(self)
        self._tell("device", device)

    def set_sample_rate(self, channel, rate):
        self._rate = rate
        self._tell("rate", rate)

    def set_frequency(self, channel, frequency):
        self._tune(frequency)
        self._tell("frequency", frequency)

    def set_gain(self, channel, *words):
        self._tell("gain", *words)

    def set_antenna(self, channel, name):
        if name != "RX2":
            raise ValueError(f"Antenna {name} at channel 0 is not supported")
        self._tell("antenna", name)

    def set_bandwidth(self, channel, bandwidth):
        self._tell("bandwidth", bandwidth)

    def set_frequency_correction(self, channel, ppm):
        self._tell("ppm", ppm)

    def has_frequency_correction(self, channel):
        return True

    def has_gain_mode(self, channel):
        return True

    def set_gain_mode(self, channel, automatic):
        self._tell("automatic", automatic)

    def set_clock_source(self, name):
        self._tell("clock", name)

    def set_time_source(self, name):
        self._tell("time", name)


class _UsrpSource(_Source):
    """As much of ``gnuradio.uhd.usrp_source`` as is used of it."""

    def __init__(self, device, stream):
        _Source.__init__(self)
        self._tell("device", device)

    def set_samp_rate(self, rate):
        self._rate = rate
        self._tell("rate", rate)

    def get_samp_rate(self):
        return self._rate

    def set_center_freq(self, frequency, channel):
        self._tune(round(frequency))
        self._tell("frequency", frequency)

    def set_gain(self, *words):
        self._tell("gain", *words[:-1])

    def set_rx_agc(self, automatic, channel):
        raise RuntimeError("this daughterboard has no AGC")

    def set_normalized_gain(self, value, channel):
        self._tell("normalized gain", value)

    def set_antenna(self, name, channel):
        self._tell("antenna", name)

    def set_bandwidth(self, bandwidth, channel):
        self._tell("bandwidth", bandwidth)

    def set_clock_source(self, name, board):
        self._tell("clock", name)

    def set_time_source(self, name, board):
        self._tell("time", name)

    def set_time_now(self, moment, board):
        self._tell("now", moment)
