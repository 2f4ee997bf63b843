# SPDX-License-Identifier: GPL-3.0-or-later
"""The spectrogram spec: row durations stay in range, wrong values are refused by name."""

import dataclasses

import pytest

from radiofm_core.errors import BundleError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec

SPEC = SpectrogramSpec()
RATES = (
    0.96e6,
    1e6,
    1.92e6,
    2.048e6,
    3.84e6,
    10e6,
    15.36e6,
    19.2e6,
    20e6,
    30.72e6,
    61.44e6,
    122.88e6,
)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("duration", (5e-3, 20e-3, 40e-3, 1.0))
def test_rows_last_20_to_160_microseconds(rate, duration):
    hops = SPEC.hops_per_row(rate, duration)
    row_s = SPEC.resolution(rate, hops)[1]
    assert hops >= 1
    assert row_s <= SPEC.row_duration_max
    assert row_s >= SPEC.row_duration_min


def test_default_frame_lasts_about_20_ms_at_19_2_msps():
    hops = SPEC.hops_per_row(19.2e6)
    assert SPEC.frame_samples(hops) / 19.2e6 == pytest.approx(20e-3, rel=0.05)


@pytest.mark.parametrize("rate", (0.9e6, 0.9599e6, 122.9e6, float("nan"), 0.0, -19.2e6))
def test_rates_outside_the_range_are_refused_with_both_values(rate):
    with pytest.raises(UsageError, match=r"0\.96 to 122\.88 MS/s"):
        SPEC.hops_per_row(rate)


@pytest.mark.parametrize("duration", (0.0, -1.0, float("nan"), float("inf")))
def test_frame_duration_must_be_positive(duration):
    with pytest.raises(UsageError, match="frame duration"):
        SPEC.hops_per_row(19.2e6, duration)


def test_fingerprint_changes_with_every_field():
    changed = {
        "fft_size": 512,
        "hop": 64,
        "rows": 128,
        "row_multiple": 32,
        "channels": ("mean", "peak"),
        "floor_db": -180.0,
        "sample_rate_min": 1e6,
        "sample_rate_max": 61.44e6,
        "row_duration_min": 10e-6,
        "row_duration_max": 200e-6,
    }
    prints = {dataclasses.replace(SPEC, **{k: v}).fingerprint for k, v in changed.items()}
    assert len(prints | {SPEC.fingerprint}) == len(changed) + 1


def test_dict_round_trip_keeps_the_fingerprint():
    assert SpectrogramSpec.from_dict(SPEC.to_dict()).fingerprint == SPEC.fingerprint


def test_unknown_and_missing_keys_are_named():
    with pytest.raises(BundleError, match="extra"):
        SpectrogramSpec.from_dict({**SPEC.to_dict(), "extra": 1})
    fields = SPEC.to_dict()
    del fields["hop"]
    with pytest.raises(BundleError, match="hop"):
        SpectrogramSpec.from_dict(fields)


@pytest.mark.parametrize(
    "wrong", ({"window": "kaiser"}, {"channels": ("max",)}, {"hop": 100}, {"rows": 250})
)
def test_inconsistent_specs_are_refused(wrong):
    with pytest.raises(UsageError):
        SpectrogramSpec(**wrong)
