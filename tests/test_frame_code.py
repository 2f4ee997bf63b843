# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames in a few bits a pixel: as exact as they say, within their bytes, and checked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sensor_frames import frame_fields, frame_vector

from radiofm_core import keys
from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_net.frame_code import (
    EVIDENCE_STEPS,
    LEAST_STEP_DB,
    POWER_STEP,
    FrameEncoder,
    decode_frame,
    encode_frame,
)

LAGS = SpectrogramSpec(evidence_lags=(66.7e-6, 3.2e-6))
SPECS = (SpectrogramSpec(), SpectrogramSpec(channels=("mean", "peak")), LAGS)


def round_trip(spec, rows=None, seed=1):
    """(the frame's power and evidence, those that come back, step)."""
    fields, vector = frame_fields(spec, 0, rows), frame_vector(spec, seed, rows)
    told, parts = encode_frame(fields, vector, spec)
    decoded = decode_frame(told, parts, spec)
    shape = (len(spec.channels), fields[keys.ROWS], spec.cols)
    power = vector[: math.prod(shape)].reshape(shape)
    found = decoded[: spec.power_floats].reshape(len(spec.channels), spec.rows, spec.cols)
    return power, vector[power.size :], found, decoded[spec.power_floats :], told[POWER_STEP]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("rows", [1, 17, 256])
def test_power_comes_back_within_half_a_step_and_filler_is_at_the_floor(spec, rows):
    power, _, found, _, step = round_trip(spec, rows)
    assert np.abs(found[:, :rows] - power).max() <= step / 2 + 1e-4
    assert (found[:, rows:] == spec.floor_db).all()


def test_evidence_comes_back_by_its_roots_and_none_stays_none():
    _, evidence, _, found, _ = round_trip(LAGS, 256)
    assert (np.isnan(found) == np.isnan(evidence)).all()
    known = ~np.isnan(evidence)
    roots = [np.sign(x) * np.sqrt(np.abs(x)) for x in (evidence[known], found[known])]
    assert np.abs(roots[0] - roots[1]).max() <= 0.5 / EVIDENCE_STEPS + 1e-6


def test_evidence_of_rows_that_are_not_there_is_none():
    _, evidence, _, found, _ = round_trip(LAGS, 17)
    planes = found.reshape(2, 2, 16, 32)
    assert np.isnan(planes[:, :, 2:]).all()
    own = planes[:, :, :2]
    assert (np.isnan(own) == np.isnan(evidence.reshape(own.shape))).all()


def test_the_floor_and_levels_that_are_none_stay_below_all_others():
    spec = SPECS[0]
    vector = frame_vector(spec, 3)
    vector[5], vector[6], vector[7] = spec.floor_db, -math.inf, math.nan
    told, parts = encode_frame(frame_fields(spec, 0), vector, spec)
    assert (decode_frame(told, parts, spec)[5:8] == spec.floor_db).all()


def test_levels_far_apart_have_wider_steps():
    spec = SPECS[0]
    vector = frame_vector(spec, 3)
    vector[:256] = -190.0
    told, parts = encode_frame(frame_fields(spec, 0), vector, spec)
    found = decode_frame(told, parts, spec)
    assert told[POWER_STEP] > LEAST_STEP_DB
    assert np.abs(found - vector).max() <= told[POWER_STEP] / 2 + 1e-4


@pytest.mark.parametrize("most", [20e6, 2e6, 1.2e6])
def test_frames_take_no_more_bytes_than_they_may(most):
    spec = LAGS
    encoder = FrameEncoder(spec, most)
    frame = spec.rows * frame_fields(spec, 0)[keys.ROW_DURATION]
    sizes, steps = [], []
    for index in range(6):
        vector = frame_vector(spec, index)
        told, parts = encoder.encode(frame_fields(spec, index), vector)
        sizes.append(sum(map(len, parts)))
        steps.append(told[POWER_STEP])
        power = decode_frame(told, parts, spec)[: spec.power_floats]
        assert np.abs(power - vector[: spec.power_floats]).max() <= told[POWER_STEP] / 2 + 1e-4
    assert max(sizes) <= most * frame
    # not coarser by much than it must be
    assert min(sizes) > 0.5 * most * frame or max(steps) == LEAST_STEP_DB


@pytest.mark.parametrize("most", [0, -1.0, math.nan, "many"])
def test_a_wrong_byte_rate_is_refused(most):
    with pytest.raises(UsageError, match="most_rate"):
        FrameEncoder(LAGS, most)


def _coded():
    return encode_frame(frame_fields(LAGS, 0), frame_vector(LAGS, 1), LAGS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f, p: f.pop("power_top"), "power_top"),
        (lambda f, p: f.update(power_step=math.inf), "power_step"),
        (lambda f, p: f.update(rows=0), "rows"),
        (lambda f, p: f.update(rows=257), "rows"),
        (lambda f, p: f.update(rows="all"), "rows"),
        (lambda f, p: f.update(rows=100), "power"),
        (lambda f, p: p.pop(), "parts"),
        (lambda f, p: p.append(b""), "parts"),
        (lambda f, p: p.__setitem__(0, b""), "power"),
        (lambda f, p: p.__setitem__(0, p[0][:-9]), "power"),
        (lambda f, p: p.__setitem__(0, b"\xff" * 100), "power"),
        (lambda f, p: p.__setitem__(1, p[0]), "evidence"),
    ],
)
def test_what_is_no_frame_is_refused(change, told):
    fields, parts = _coded()
    change(fields, parts)
    with pytest.raises(InputError, match=told):
        decode_frame(fields, parts, LAGS)


def test_the_models_masks_stay_as_they_are_but_for_pixels_at_edges():
    from sensor_agreement import agreement

    from radiofm_core.demo_files import demo_recording
    from radiofm_core.inference import load_bundle

    found = agreement(demo_recording(), load_bundle())
    assert found.frames == 2
    assert found.same > 0.995 * found.pixels
    assert found.same_judged > 0.995 * found.pixels
    assert len(found.exact) == len(found.coded) == found.common == 3
    assert found.bytes <= 2e6 * found.seconds
