# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files of samples; the first byte tells their datatype."""

import numpy as np

from fuzz.harness import may_refuse, written
from radiofm_core.errors import InputError
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.sample_data import DATATYPES, read_iq


def seeds() -> dict[str, bytes]:
    """Noise of some datatypes."""
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(64)
    return {
        "cf32": b"\x00" + noise.astype("<f4").tobytes(),
        "cf64": b"\x01" + noise.astype("<f8").tobytes(),
        "bytes": b"\x0d" + rng.bytes(64),
    }


def run(data: bytes) -> None:
    """Open and read all of it."""
    datatype = list(DATATYPES)[(data[:1] or b"\0")[0] % len(DATATYPES)]
    with may_refuse(InputError):
        recording = open_recording(written("x.raw", data[1:]), 1e6, 0.0, datatype)
        count = recording.num_samples
        iq = read_iq(recording.data_path, datatype, 0, 0, count)
        assert iq.shape == (count,) and iq.dtype == np.complex64 and np.isfinite(iq).all()
