# SPDX-License-Identifier: GPL-3.0-or-later
"""Specs as JSON: what passes can be computed with, in C++ as well."""

import json
import math

from gnuradio.radiofm.blocks.spectrogram_framer import native_spec

from fuzz import json_tree
from fuzz.harness import may_refuse
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import BundleError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec

mutate = json_tree.mutate
# Bytes of one frame or window; more is a mistake
_MOST_BYTES = 1 << 31


def seeds() -> dict[str, bytes]:
    """The default ones."""
    return {
        "spectrogram": json.dumps(SpectrogramSpec(channels=("mean", "peak")).to_dict()).encode(),
        "evidence": json.dumps(
            SpectrogramSpec(rows=32, evidence_lags=(1 / 15e3, 10e-3)).to_dict()
        ).encode(),
        "csi": json.dumps(CsiSpec().to_dict()).encode(),
    }


def run(data: bytes) -> None:
    """Make each of the fields, and use it."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return
    with may_refuse(BundleError, UsageError):
        spec = CsiSpec.from_dict(fields)
        assert CsiSpec.from_dict(spec.to_dict()).fingerprint == spec.fingerprint
        assert len(spec.frequencies_hz) == spec.subcarriers and spec.hop_rows >= 1
        assert 4 * spec.rows * spec.subcarriers < _MOST_BYTES
    with may_refuse(BundleError, UsageError):
        spec = SpectrogramSpec.from_dict(fields)
        assert SpectrogramSpec.from_dict(spec.to_dict()).fingerprint == spec.fingerprint
        assert 4 * spec.frame_floats < _MOST_BYTES
        native = native_spec(spec)
        native.check()
        assert native.frame_floats() == spec.frame_floats
        for rate in (spec.sample_rate_min, spec.sample_rate_max, 19.2e6):
            for duration in (1e-9, 20e-3, 1e12):
                with may_refuse(UsageError):
                    hops = spec.hops_per_row(rate, duration)
                    assert hops == native.hops_per_row(rate, duration)
                    assert all(0 < r < math.inf for r in spec.resolution(rate, hops))
