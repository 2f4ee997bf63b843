# SPDX-License-Identifier: GPL-3.0-or-later
"""What the targets of recordings share: a file that is opened and read to its end."""

from __future__ import annotations

import math

import numpy as np

from radiofm_core.errors import InputError
from radiofm_core.spectrum.recordings import Recording, open_recording, read_samples

from .harness import may_refuse, written

# Of the shared tests' samples, few
SAMPLES = np.random.default_rng(1).integers(-100, 100, (60, 2)) @ (1, 1j) / 128


def read(data: bytes, name: str) -> None:
    """Open a file of this name and ask for what flowgraphs and training ask for."""
    with may_refuse(InputError):
        check(open_recording(written(name, data)))


def check(recording: Recording) -> None:
    """What holds of each recording; may raise InputError, where samples are not finite."""
    count = recording.num_samples
    assert count >= 1 and 0 < recording.sample_rate < math.inf
    starts = [c.sample_start for c in recording.captures]
    assert starts == sorted(set(starts)) and starts[0] == 0 and starts[-1] < count
    for capture in recording.captures:
        # what the recording source's C++ types hold
        assert 0 <= capture.time_s < 2**64 and 0 <= capture.time_frac < 1
        assert math.isfinite(capture.center_frequency) and 0 <= capture.header_bytes < 2**63
    for line in (*recording.inferred, *recording.warnings):
        assert line and len(line) < 1000, line
    end = recording.start_byte + sum(c.header_bytes for c in recording.captures)
    assert end + count * recording.sample_bytes <= recording.data_path.stat().st_size
    assert read_samples(recording, 0, count).shape == (count,)
