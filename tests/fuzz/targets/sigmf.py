# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF descriptions beside samples that stay the same."""

import json
import math
from random import Random

import numpy as np

from fuzz import json_tree
from fuzz.harness import may_refuse, written
from radiofm_core.errors import InputError
from radiofm_core.spectrum.recordings import Recording, open_recording
from radiofm_core.spectrum.sample_data import read_iq

mutate = json_tree.mutate
SAMPLES = np.random.default_rng(1).standard_normal(2048, np.float32).tobytes()

META = {
    "global": {
        "core:datatype": "cf32_le",
        "core:sample_rate": 1.92e6,
        "core:version": "1.2.5",
        "core:num_channels": 1,
        "core:offset": 0,
    },
    "captures": [
        {"core:sample_start": 0, "core:frequency": 796e6, "core:datetime": "2024-05-01T12:00:00Z"},
        {"core:sample_start": 99, "core:header_bytes": 0},
    ],
    "annotations": [
        {
            "core:sample_start": 7,
            "core:sample_count": 900,
            "core:freq_lower_edge": 795.6e6,
            "core:freq_upper_edge": 796.2e6,
            "core:label": "lte",
        },
        {"core:sample_start": 100, "core:label": "noise"},
    ],
}
_OTHER = {
    "core:datatype": "ci16_be",
    "core:trailing_bytes": 4,
    "core:sha512": "0" * 128,
    "core:dataset": "y.bin",
    "core:offset": 5,
    "core:metadata_only": True,
}


def seeds() -> dict[str, bytes]:
    """A common one, and one with the rarer fields."""
    other = {**META, "global": META["global"] | _OTHER}
    return {"common": json.dumps(META).encode(), "rare": json.dumps(other).encode()}


def opened(data: bytes) -> Recording:
    """The recording of a description; raises InputError."""
    written("x.sigmf-data", SAMPLES)
    return open_recording(written("x.sigmf-meta", data))


def run(data: bytes) -> None:
    """Open it, and ask for what flowgraphs and training ask for."""
    with may_refuse(InputError):
        recording = opened(data)
        assert 1 <= recording.num_samples <= len(SAMPLES)
        assert 0 < recording.sample_rate < math.inf
        assert recording.suitable_frame_duration > 0 and recording.duration > 0
        starts = [c.sample_start for c in recording.captures]
        assert starts == sorted(set(starts)) and starts[0] == 0
        assert starts[-1] < recording.num_samples == recording.capture_stops[-1]
        for capture in recording.captures:
            # what the recording source's C++ types hold
            assert 0 <= capture.time_s < 2**64 and 0 <= capture.time_frac < 1
            assert math.isfinite(capture.center_frequency)
        path, start = recording.data_path, recording.start_byte
        read_iq(path, recording.datatype, start, 0, recording.num_samples)


def mutate_annotations(data: bytes, most: int, rng: Random, blind) -> bytes:
    """Mostly the annotations change."""
    try:
        meta = json.loads(data)
        part = json.dumps(meta["annotations"]).encode()
        meta["annotations"] = json.loads(json_tree.mutate(part, most, rng, lambda text, _: text))
    except (ValueError, KeyError, TypeError, RecursionError):
        return json_tree.mutate(data, most, rng, blind)
    return json.dumps(meta).encode()
