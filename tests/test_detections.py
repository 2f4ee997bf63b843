# SPDX-License-Identifier: GPL-3.0-or-later
"""Detections: edges within a fraction of a bin, times within a row, power and SNR as sent."""

import numpy as np
import pytest
import torch
from gnuradio.radiofm.radiofm_python import find_groups
from gnuradio.radiofm.runtime.emission_judge import EmissionJudge
from gnuradio.radiofm.runtime.frame_groups import find_frame_groups
from scipy import ndimage

from radiofm_core.spectrum.detections import Detection, FrameGeometry
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

SPEC = SpectrogramSpec()
NAMES = ("noise", "lte", "nr", "other")
RATE = 19.2e6
CENTER = 1.8e9
HOPS = SPEC.hops_per_row(RATE)
ROW = SPEC.row_samples(HOPS)
BIN = RATE / 256
OFFSET = 3 * SPEC.frame_samples(HOPS)
GEOMETRY = FrameGeometry(OFFSET, RATE, CENTER, (1_700_000_000, 0.75), ROW)


def frame_with(low: float, high: float, rows: slice, level_db: float, noise_db: float):
    """(mask, power) of a frame with one band of noise between two offsets from the centre."""
    rng = np.random.default_rng(7)
    count = SPEC.frame_samples(HOPS)
    frequency = np.fft.fftfreq(count, 1 / RATE)
    inside = (frequency >= low) & (frequency < high)
    spectrum = np.where(inside, rng.standard_normal((count, 2)) @ (1, 1j), 0)
    signal = np.fft.ifft(spectrum)
    signal *= 10 ** (level_db / 20) / np.sqrt(np.mean(np.abs(signal) ** 2))
    on = np.zeros(count)
    on[rows.start * ROW : rows.stop * ROW] = 1
    noise = rng.standard_normal((count, 2)) @ (1, 1j) * np.sqrt(0.5) * 10 ** (noise_db / 20)
    iq = torch.from_numpy((signal * on + noise).astype(np.complex64))
    power = spectrogram_db(iq, SPEC, HOPS)[0].numpy()
    bins = (np.arange(256) - 128) * BIN
    mask = np.zeros((256, 256), np.uint8)
    mask[rows, (bins >= low) & (bins < high)] = 1
    return mask, power


def noise_frame(rate: float, seed: int):
    """(power, geometry) of a frame of white noise."""
    hops = SPEC.hops_per_row(rate)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((SPEC.frame_samples(hops), 2)) @ (1, 1j) * 0.01
    power = spectrogram_db(torch.from_numpy(noise.astype(np.complex64)), SPEC, hops)[0].numpy()
    return power, FrameGeometry(0, rate, 0.0, (0, 0.0), SPEC.row_samples(hops))


def find_detections(mask, confidence, power, geometry, min_confidence=0.5):
    """Those of a frame by itself."""
    found = find_frame_groups(mask, confidence, power, geometry, NAMES)
    return EmissionJudge(NAMES).decide(found, min_confidence)[1]


def detect(mask, power, confidence=0.9, **options):
    sure = np.full(mask.shape, confidence, np.float32)
    return find_detections(mask, sure, power, GEOMETRY, **options)


@pytest.mark.parametrize("low, high", [(-4.5e6, -0.03e6), (1.01e6, 4.77e6), (2.123e6, 6.5e6)])
def test_carrier_edges_are_finer_than_a_bin(low, high):
    (found,) = detect(*frame_with(low, high, slice(50, 200), -20, -60))
    assert abs(found.low - CENTER - low) < 0.2 * BIN
    assert abs(found.high - CENTER - high) < 0.2 * BIN


def test_times_and_offsets_are_those_of_the_rows():
    (found,) = detect(*frame_with(-2e6, 2e6, slice(50, 200), -20, -60))
    assert (found.start_offset, found.end_offset) == (OFFSET + 50 * ROW, OFFSET + 200 * ROW)
    assert found.start_time == pytest.approx(1_700_000_000.75 + 50 * ROW / RATE, abs=1e-6)
    assert found.duration == pytest.approx(150 * ROW / RATE)


def test_power_and_snr_are_those_that_were_sent():
    (found,) = detect(*frame_with(-2e6, 2e6, slice(20, 220), -20, -50))
    noise_in_band = -50 + 10 * np.log10(4e6 / RATE)
    assert found.pwr_db == pytest.approx(-20, abs=0.3)
    assert found.snr_db == pytest.approx(-20 - noise_in_band, abs=0.5)


def test_a_carrier_that_fills_the_span_ends_at_its_edges():
    mask = np.ones((256, 256), np.uint8)
    (found,) = detect(mask, np.full((256, 256), -40, np.float32))
    assert found.low == CENTER - RATE / 2 and found.high == CENTER + RATE / 2


@pytest.mark.parametrize("columns", [1, 2, 3, 5, 8])
def test_a_narrow_component_on_a_slope_does_not_shrink_away(columns):
    slope = np.minimum(np.abs(np.arange(256) - 128), 12) * -4.0 - 20
    power = np.full((256, 256), -68, np.float32)
    power[20:60] = slope
    for first in range(118, 138):
        mask = np.zeros((256, 256), np.uint8)
        mask[20:60, first : first + columns] = 2
        (found,) = detect(mask, power)
        assert found.bandwidth >= columns * BIN / 3 - 1


@pytest.mark.parametrize("rows", [slice(0, 256), slice(60, 160)])
def test_noise_is_that_of_the_emissions_own_part_of_the_span(rows):
    """A receiver's filter lowers the noise by 40 dB in a third of the span; what stands 15 dB above
    it there lies far below the noise of the rest."""
    rng = np.random.default_rng(5)
    floor = np.where(np.arange(256) < 80, -90.0, -50.0)
    power = floor + 10 * np.log10(rng.gamma(8, 1 / 8, (256, 256)))
    mask = np.zeros((256, 256), np.uint8)
    mask[rows, 20:50] = 1
    power[rows, 20:50] += 10 * np.log10(1 + 10**1.5)
    (found,) = detect(mask, power.astype(np.float32))
    assert found.snr_db == pytest.approx(15, abs=0.5)
    # and what the mask makes of the stronger noise is still nothing
    mask[:] = 0
    mask[rows, 120:180] = 1
    plain = floor + 10 * np.log10(rng.gamma(8, 1 / 8, (256, 256)))
    assert detect(mask, plain.astype(np.float32)) == []


def test_small_gaps_do_not_split_and_ragged_fringes_do_not_widen():
    mask, power = frame_with(-2e6, 2e6, slice(50, 200), -20, -60)
    whole = detect(mask, power)[0]
    mask[100:102] = 0
    mask[:, 127:129] = 0
    mask[60:62, 110:180] = 1
    (found,) = detect(mask, power)
    assert found.bandwidth == pytest.approx(whole.bandwidth, abs=BIN)
    assert found.duration == whole.duration


def test_two_carriers_of_different_classes_are_two():
    mask = np.zeros((256, 256), np.uint8)
    mask[:, 20:100] = 1
    mask[40:90, 100:160] = 2
    power = np.where(mask > 0, -30, -70).astype(np.float32)
    assert [d.label for d in detect(mask, power)] == ["lte", "nr"]


def test_bursts_of_one_carrier_are_several():
    mask = np.zeros((256, 256), np.uint8)
    for row in range(0, 256, 64):
        mask[row : row + 40, 10:246] = 1
    found = detect(mask, np.where(mask > 0, -30, -70).astype(np.float32))
    assert len(found) == 4
    assert [d.start_offset for d in found] == sorted(d.start_offset for d in found)


def test_specks_are_left_out():
    mask = np.zeros((256, 256), np.uint8)
    mask[10:13, 10:14] = 1
    assert detect(mask, np.where(mask > 0, -30, -50).astype(np.float32)) == []


def test_what_the_model_is_not_sure_of_is_unknown():
    mask = np.zeros((256, 256), np.uint8)
    mask[50:90, 50:90] = 3
    power = np.where(mask > 0, -30, -50).astype(np.float32)
    assert [d.label for d in detect(mask, power, confidence=0.4)] == ["unknown"]
    assert [d.label for d in detect(mask, power, confidence=0.4, min_confidence=0.3)] == ["other"]


@pytest.mark.parametrize("rate", [0.96e6, 19.2e6, 122.88e6])
def test_an_empty_band_yields_nothing_whatever_the_mask_says(rate):
    power, geometry = noise_frame(rate, 3)
    mask = np.zeros((256, 256), np.uint8)
    mask[20:200, 30:90], mask[10:50, 120:140], mask[:, 200:] = 1, 2, 3
    sure = np.full(mask.shape, 0.99, np.float32)
    assert find_detections(mask, sure, power, geometry) == []
    # 3 dB above the noise is something
    power[mask == 2] += 3
    assert [d.label for d in find_detections(mask, sure, power, geometry)] == ["nr"]


@pytest.mark.parametrize("rate", [0.96e6, 1.92e6, 19.2e6])
def test_a_mask_of_the_noises_brighter_pixels_yields_nothing(rate):
    power, geometry = noise_frame(rate, 4)
    around = ndimage.uniform_filter(10 ** (power / 10), 5)
    mask = (around > np.quantile(around, 0.95)).astype(np.uint8)
    sure = np.full(mask.shape, 0.9, np.float32)
    assert find_detections(mask, sure, power, geometry) == []


def test_a_carrier_below_the_noise_is_found():
    mask, power = frame_with(-2e6, 2e6, slice(20, 220), -66, -50)
    (found,) = detect(mask, power)
    assert found.snr_db == pytest.approx(-66 - (-50 + 10 * np.log10(4e6 / RATE)), abs=1)


def test_a_short_frame_and_no_noise_at_all_are_no_trouble():
    mask = np.full((3, 256), 2, np.uint8)
    (found,) = detect(mask, np.full((3, 256), -200, np.float32))
    assert np.isfinite([found.snr_db, found.pwr_db]).all()
    assert detect(np.zeros((16, 256), np.uint8), np.full((16, 256), -200, np.float32)) == []


def test_gaps_of_two_are_closed_and_larger_ones_are_not():
    mask = np.zeros((256, 256), np.uint8)
    for column in (50, 53, 57):
        mask[:, column] = 1
    found = detect(mask, np.where(mask > 0, -30, -50).astype(np.float32))
    columns = [(d.low - CENTER) / BIN + 128 for d in found]
    assert columns == pytest.approx([50, 57], abs=1)


def test_arrays_that_do_not_fit_are_refused():
    mask, other = np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.float32)
    for arrays in ((mask, other, other), (mask[0], other[0], other[0]), (mask, mask, other)):
        with pytest.raises(ValueError, match="the same two axes"):
            find_groups(*arrays, 4, 1.0, 16)


@pytest.mark.parametrize("power", [np.nan, np.inf, -np.inf, 1e30])
def test_powers_that_are_no_numbers_are_no_trouble(power):
    mask = np.zeros((64, 256), np.uint8)
    mask[10:40, 50:90] = 1
    levels = np.where(mask > 0, -30, -50).astype(np.float32)
    levels[20, 60] = levels[50, 100] = power
    detections = detect(mask, levels)
    assert detections
    for found in detections:
        assert np.isfinite([found.snr_db, found.pwr_db, found.low, found.high]).all()


def test_message_round_trip():
    (found,) = detect(*frame_with(-2e6, 2e6, slice(50, 200), -20, -60))
    fields = found.to_dict()
    assert Detection.from_dict({**fields, "more": 1}) == found
    assert all(type(v) in (float, int, str) for v in fields.values())
