# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of recordings, and of sample formats."""

import math

from fuzz.harness import may_refuse
from radiofm_core.errors import InputError
from radiofm_core.spectrum.datatypes import DATATYPES, datatype_of
from radiofm_core.spectrum.recordings import is_recording_name
from radiofm_core.spectrum.recordings.names import facts_of_name

MOST_BYTES = 255
_NAMES = (
    "SDRSharp_20160101_231914Z_12345000Hz_IQ.wav",
    "gqrx_20160101_231914_97700000_1920000_fc.raw",
    "baseband_433920000Hz_12-34-56_01-02-2023.wav",
    "g001_433.92M_250k.cu8",
    "RTL-SDR-20190101_120000-433_92MHz-1MSps-1MHz.complex16u",
    "2022-05-22_19-13-39-123_6000000SPS_1707000000Hz.cs16",
    "19-Jan-2020 175024.012 162.550MHz.wav.zst",
    "ci16_be",
)


def seeds() -> dict[str, bytes]:
    """Of programs."""
    return {str(index): name.encode() for index, name in enumerate(_NAMES)}


def run(data: bytes) -> None:
    """Ask a name for all that it tells."""
    name = data.decode("utf-8", "replace").replace("/", "_").replace("\0", "_")
    facts = facts_of_name(name)
    assert facts.datatype is None or facts.datatype in DATATYPES
    for number in (facts.sample_rate, facts.center_frequency):
        assert number is None or (math.isfinite(number) and number >= 0)
    assert facts.time is None or 0 <= facts.time < 2**40
    facts.words()
    is_recording_name(name)
    with may_refuse(InputError):
        assert datatype_of(name) in DATATYPES
