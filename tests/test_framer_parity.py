# SPDX-License-Identifier: GPL-3.0-or-later
"""The framer in a flowgraph gives the spectrogram that the PyTorch reference defines."""

import numpy as np
import pytest
import torch
from framer_flow import PEAK_SPEC, SPEC, end_tag, frames_of, noise, sizes
from gnuradio.radiofm import radiofm_python
from gnuradio.radiofm.blocks.spectrogram_framer import native_spec

from radiofm_core.spectrum.spectrogram import spectrogram_db

RATES_MSPS = (0.96, 1.92, 3.84, 7.68, 10, 15.36, 19.2, 20, 23.04, 30.72, 56, 61.44, 122.88)
MAX_ERROR_DB = 0.01
# Rounding to 32 bits differs between FFTs; it is 145 dB below a row's strongest pixel
ROUNDING_FREE_DB = 80.0


def assert_equal(pixels, expected):
    """Pixels (channels, rows, cols) in dB are those of the reference."""
    compared = expected > expected.max(axis=-1, keepdims=True) - ROUNDING_FREE_DB
    assert compared.mean() > 0.98
    assert np.abs(pixels - expected)[compared].max() <= MAX_ERROR_DB


def signal(samples, seed=3):
    """Noise, a tone 50 dB over it in its bin, and for a while all 60 dB stronger."""
    x = noise(samples, seed, power_db=-60.0)
    n = np.arange(samples)
    x += 0.02 * np.exp(2j * np.pi * 0.1234567 * n).astype(np.complex64)
    x[samples // 3 : samples // 2] *= 1000.0
    return x


@pytest.mark.parametrize("rate", [r * 1e6 for r in RATES_MSPS], ids=lambda r: f"{r / 1e6:g}MSps")
def test_frames_equal_the_reference_at_every_rate(rate):
    hops, _, frame_samples = sizes(rate)
    x = signal(2 * frame_samples)
    frames, _ = frames_of(x, rate)
    assert len(frames) == 2
    for index, frame in enumerate(frames):
        part = torch.from_numpy(x[index * frame_samples : (index + 1) * frame_samples])
        assert_equal(frame.pixels, spectrogram_db(part, SPEC, hops).numpy())


@pytest.mark.parametrize("duration", [2e-3, 5e-3, 40e-3])
def test_frame_durations_equal_the_reference(duration):
    rate = 15.36e6
    hops, _, frame_samples = sizes(rate, duration)
    x = signal(frame_samples)
    frames, framer = frames_of(x, rate, frame_duration=duration)
    assert framer.frame_samples() == frame_samples
    assert_equal(frames[0].pixels, spectrogram_db(torch.from_numpy(x), SPEC, hops).numpy())


def test_peak_channel_equals_the_reference():
    hops, _, frame_samples = sizes(7.68e6)
    x = signal(frame_samples)
    frames, _ = frames_of(x, 7.68e6, spec=PEAK_SPEC)
    assert frames[0].pixels.shape == (2, 256, 256)
    assert_equal(frames[0].pixels, spectrogram_db(torch.from_numpy(x), PEAK_SPEC, hops).numpy())


@pytest.mark.parametrize("rate", [1.92e6, 30.72e6])
@pytest.mark.parametrize("chunk", [1, 3, 100, 255, 256, 257, 1000])
def test_the_size_of_the_pieces_changes_nothing(rate, chunk):
    frame_samples = sizes(rate)[2]
    x = noise(frame_samples)
    whole = frames_of(x, rate)[0]
    pieces = frames_of(x, rate, chunk=chunk)[0]
    # to the last digit: results may not depend on how a scheduler cuts the stream
    assert np.array_equal(pieces[0].pixels, whole[0].pixels)


# From one row to a frame, cut before, at and after the places where FFTs and rows end
@pytest.mark.parametrize("rows", [1, 2, 7, 255])
@pytest.mark.parametrize("extra", [0, 1, 63, 64, 65, 127, 128, 300])
def test_a_partial_frame_equals_the_reference_of_its_samples(rows, extra):
    rate = 7.68e6
    hops, row_samples, _ = sizes(rate)
    samples = rows * row_samples + extra
    x = np.concatenate([signal(samples), np.zeros(1, np.complex64)])
    frames, framer = frames_of(x, rate, [end_tag(samples)])
    assert len(frames) == 1
    assert frames[0].info["rows"] == rows
    expected = spectrogram_db(torch.from_numpy(x[:samples]), SPEC, hops).numpy()
    assert_equal(frames[0].pixels[:, :rows], expected)
    assert (frames[0].pixels[:, rows:] == SPEC.floor_db).all()
    assert framer.cut_samples() == extra


def test_a_tone_lands_in_its_bin_at_its_power():
    rate = 30.72e6
    frame_samples = sizes(rate)[2]
    for column in (0, 1, 127, 128, 129, 200, 255):
        frequency = (column - 128) / 256
        x = 0.5 * np.exp(2j * np.pi * frequency * np.arange(frame_samples))
        pixels = frames_of(x.astype(np.complex64), rate)[0][0].pixels[0]
        assert (pixels.argmax(axis=1) == column).all()
        assert pixels[:, column] == pytest.approx(20 * np.log10(0.5), abs=0.01)


def test_a_burst_lands_in_its_rows():
    rate = 19.2e6
    _, row_samples, frame_samples = sizes(rate)
    x = noise(frame_samples, power_db=-80.0)
    x[100 * row_samples : 110 * row_samples] += noise(10 * row_samples, seed=2, power_db=-10.0)
    power = frames_of(x, rate)[0][0].pixels[0].mean(axis=1)
    # An FFT reaches half a hop beyond its row: 64 samples of 1536
    assert (power[100:110] > -40.0).all()
    assert (power[:99] < -90.0).all() and (power[111:] < -90.0).all()


def test_silence_is_at_the_floor():
    frame_samples = sizes(1.92e6)[2]
    frames, _ = frames_of(np.zeros(frame_samples, np.complex64), 1.92e6)
    assert (frames[0].pixels == SPEC.floor_db).all()


def test_the_native_spec_is_the_python_spec():
    native, default = native_spec(SPEC), radiofm_python.spectrogram_spec()
    fields = ("fft_size", "hop", "rows", "peak", "floor_db", "sample_rate_min")
    fields += ("sample_rate_max", "row_duration_min", "row_duration_max")
    assert [getattr(native, f) for f in fields] == [getattr(default, f) for f in fields]
    assert native.frame_floats() == SPEC.frame_floats
    assert native_spec(PEAK_SPEC).frame_floats() == PEAK_SPEC.frame_floats
    for rate in np.concatenate([np.linspace(0.96e6, 122.88e6, 997), [r * 1e6 for r in RATES_MSPS]]):
        for duration in (1e-3, 5e-3, 10e-3, 20e-3, 40e-3):
            assert native.hops_per_row(rate, duration) == SPEC.hops_per_row(rate, duration)
