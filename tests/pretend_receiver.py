# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program with a receiver that plays a file instead of Soapy's hardware.

``python pretend_receiver.py SAMPLES PROGRAM ARGUMENTS...``: ``gnuradio.soapy.source`` becomes a
block that sends the complex64 file SAMPLES at its sample rate and then ends, as if unplugged; a
SAMPLES that starts with ``forever:`` is repeated. Its settings are printed as they are made.
"""

from __future__ import annotations

import runpy
import sys
import time
import types

import numpy as np
import pmt
from gnuradio import gr


def _tell(setting: str) -> None:
    # in one write: where output is not buffered, other threads' lines come between two
    sys.stdout.write(f"receiver {setting}\n")


class source(gr.sync_block):
    """As much of ``gnuradio.soapy.source`` as an RTL-SDR needs."""

    samples = np.zeros(0, np.complex64)
    repeat = False

    def __init__(self, device, kind, channels, *_arguments):
        assert (kind, channels) == ("fc32", 1)
        gr.sync_block.__init__(self, "soapy_source", None, [np.complex64])
        _tell(device)
        self._rate = 1.0
        self._gain = None
        self._automatic = False
        self.frequency = None
        self._sent = 0
        self._began = None

    def set_sample_rate(self, channel, rate):
        """Settings tell the test that they arrived."""
        self._rate = rate
        _tell(f"sample rate {rate:g}")

    def set_frequency(self, channel, frequency):
        """See set_sample_rate; ``frequency`` is the last that it was told."""
        _tell(f"frequency {frequency:g}")
        self.frequency = frequency

    def set_gain(self, channel, *name_and_gain):
        """Of the one element that an RTL-SDR has, named or not, as versions of GRC do; some set it
        twice."""
        told = f"gain TUNER {name_and_gain[-1]:g}"
        assert name_and_gain[:-1] in ((), ("TUNER",))
        if told != self._gain:
            self._gain = told
            _tell(told)

    def has_gain_mode(self, channel):
        """As an RTL-SDR."""
        return True

    def set_gain_mode(self, channel, automatic):
        """Accepted."""
        self._automatic = automatic

    def get_gain_mode(self, channel):
        """What was set."""
        return self._automatic

    def get_setting_info(self):
        """No settings of the driver's own."""
        return []

    def set_frequency_correction(self, channel, ppm):
        """Accepted."""

    def work(self, input_items, output_items):
        """What a receiver has heard since it began."""
        if self._began is None:
            self._began = time.monotonic()
            self._tag("rx_rate", pmt.from_double(self._rate))
            self._tag("rx_freq", pmt.from_double(self.frequency))
        if not self.repeat and self._sent >= len(self.samples):
            return -1
        heard = int((time.monotonic() - self._began) * self._rate) - self._sent
        if heard <= 0:
            time.sleep(0.001)
            return 0
        count = min(heard, len(output_items[0]))
        at = self._sent % len(self.samples)
        part = self.samples[at : at + count]
        output_items[0][: len(part)] = part
        self._sent += len(part)
        return len(part)

    def _tag(self, key, value):
        self.add_item_tag(0, self.nitems_written(0), pmt.intern(key), value)


if __name__ == "__main__":
    path, program, *rest = sys.argv[1:]
    source.repeat = path.startswith("forever:")
    source.samples = np.fromfile(path.removeprefix("forever:"), np.complex64)
    soapy = types.ModuleType("gnuradio.soapy")
    soapy.source = source
    sys.modules["gnuradio.soapy"] = soapy
    import gnuradio

    gnuradio.soapy = soapy
    sys.argv = [program, *rest]
    runpy.run_path(program, run_name="__main__")
