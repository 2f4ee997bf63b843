# SPDX-License-Identifier: GPL-3.0-or-later
"""The framer's evidence is that of the PyTorch reference, at every rate and wherever it is cut."""

import numpy as np
import pmt
import pytest
import torch
from framer_flow import end_tag, frames_of, noise, tag, time_value
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm import radiofm_python
from gnuradio.radiofm.blocks.spectrogram_framer import native_spec

from radiofm_core import keys
from radiofm_core.errors import UsageError
from radiofm_core.spectrum.evidence import evidence_planes
from radiofm_core.spectrum.evidence_grid import memory_samples
from radiofm_core.spectrum.spec import CELL_COLS, MAX_LAG_S, MAX_LAGS, SpectrogramSpec

SYMBOL, FRAME = 1 / 15e3, 10e-3
LAGS = (SYMBOL, SYMBOL / 2, SYMBOL / 3, 12.8e-6, 6.4e-6, 3.2e-6, 50e-6, 24e-6, FRAME, 9.7e-3, 20e-3)
SPEC = SpectrogramSpec(evidence_lags=LAGS)
# Cells of odd lengths, and frames that are no multiple of the compared transforms' stride
ODD_SPEC = SpectrogramSpec(
    fft_size=64, hop=32, rows=9, row_multiple=3, row_duration_min=0.0, evidence_lags=LAGS
)
RATES_MSPS = (1.92, 2.4, 3.84, 5, 9.6, 10.005, 15.36, 20.01, 30.72, 56.01, 61.44, 122.88)
MAX_ERROR = 2e-3
SHORT_S = 5e-3


def signal(samples: int, rate: float, seed: int = 3) -> np.ndarray:
    """Noise of which half repeats after an LTE frame, OFDM symbols with prefixes, and a tone."""
    x = noise(samples, seed)
    frame, symbol = round(FRAME * rate), round(SYMBOL * rate)
    x[frame:] += x[:-frame]
    prefix = symbol // 8
    for start in range(0, samples - symbol - prefix, symbol + prefix):
        x[start + symbol : start + symbol + prefix] = x[start : start + prefix]
    tone = 0.03 * np.exp(2j * np.pi * 0.1234567 * np.arange(samples))
    return (x + tone).astype(np.complex64)


def reference(x, begin, end, since, rate, spec=SPEC, duration=SHORT_S):
    """Of the frame x[begin:end] in a stream without a break from ``since`` on."""
    hops = spec.hops_per_row(rate, duration)
    # whole hops of either length, so that the transforms of before lie where the framer's do
    memory = -(-memory_samples(spec, rate) // 32) * 32
    before = torch.from_numpy(x[max(since, begin - memory) : begin])
    frame = torch.from_numpy(x[begin:end])
    return evidence_planes(frame, spec, rate, hops, before if len(before) else None).numpy()


def assert_equal(evidence, expected):
    assert evidence.shape == expected.shape
    assert (np.isnan(evidence) == np.isnan(expected)).all()
    judged = ~np.isnan(expected)
    assert judged.any() and np.abs(evidence - expected)[judged].max() <= MAX_ERROR


def frame_samples(rate, spec=SPEC, duration=SHORT_S):
    return spec.frame_samples(spec.hops_per_row(rate, duration))


@pytest.mark.parametrize("rate", [r * 1e6 for r in RATES_MSPS], ids=lambda r: f"{r / 1e6:g}MSps")
def test_evidence_equals_the_reference_at_every_rate(rate):
    # the third frame looks back 10 ms over the two before it
    size = frame_samples(rate)
    x = signal(3 * size, rate)
    frames, _ = frames_of(x, rate, spec=SPEC, frame_duration=SHORT_S)
    assert len(frames) == 3
    for index in (0, 1, 2):
        begin = index * size
        assert_equal(frames[index].evidence, reference(x, begin, begin + size, 0, rate))
    repeats = np.hypot(*np.nan_to_num(frames[2].evidence[8])).mean()
    assert repeats > 3 * np.hypot(*np.nan_to_num(frames[2].evidence[9])).mean()


@pytest.mark.parametrize("rate", (2e6, 10e6, 61.44e6))
def test_frames_of_odd_lengths_equal_the_reference(rate):
    size = frame_samples(rate, ODD_SPEC, 1e-5)
    count = round(25e-3 * rate / size)
    x = signal(count * size, rate)
    frames, _ = frames_of(x, rate, spec=ODD_SPEC, frame_duration=1e-5)
    assert len(frames) == count
    seen = 0
    for index in (0, 1, 2, 3, count // 2, count - 2, count - 1):
        begin = index * size
        expected = reference(x, begin, begin + size, 0, rate, ODD_SPEC, 1e-5)
        seen += np.isfinite(expected).sum()
        if np.isnan(expected).all():
            assert np.isnan(frames[index].evidence).all()
        else:
            assert_equal(frames[index].evidence, expected)
    assert seen > 0


@pytest.mark.parametrize("rate", (1.92e6, 15.36e6))
@pytest.mark.parametrize("chunk", (1, 31, 32, 33, 1000))
def test_the_size_of_the_pieces_changes_nothing(rate, chunk):
    x = signal(2 * frame_samples(rate), rate)
    whole, _ = frames_of(x, rate, spec=SPEC, frame_duration=SHORT_S)
    pieces, _ = frames_of(x, rate, spec=SPEC, frame_duration=SHORT_S, chunk=chunk)
    for a, b in zip(whole, pieces, strict=True):
        assert np.array_equal(a.evidence, b.evidence, equal_nan=True)


@pytest.mark.parametrize("rows", (1, 7, 8, 24, 255))
@pytest.mark.parametrize("extra", (0, 31, 64, 300))
def test_a_cut_frame_equals_the_reference_of_its_samples(rows, extra):
    rate = 30.72e6
    hops = SPEC.hops_per_row(rate, SHORT_S)
    samples = rows * SPEC.row_samples(hops) + extra
    x = np.concatenate([signal(2 * frame_samples(rate), rate)[:samples], np.zeros(1, np.complex64)])
    frames, _ = frames_of(x, rate, [end_tag(samples)], spec=SPEC, frame_duration=SHORT_S)
    expected = reference(x, 0, samples, 0, rate)
    assert frames[0].info["rows"] == rows
    # more than half of a cell is enough
    if rows > 8:
        assert_equal(frames[0].evidence, expected)
    else:
        judged = np.isfinite(expected)
        assert (judged == np.isfinite(frames[0].evidence)).all()
        assert rows == 8 or not judged.any()


@pytest.mark.parametrize(
    "key, value",
    [
        (keys.TAG_RX_FREQ, 2e9),
        (keys.TAG_RX_RATE, 3.84e6),
        (keys.TAG_RX_TIME, time_value(9, 0.5)),
    ],
)
@pytest.mark.parametrize("where", (1.0, 1.4))
def test_what_came_before_a_break_is_forgotten(key, value, where):
    rate = 1.92e6
    after = value if key == keys.TAG_RX_RATE else rate
    size, next_size = frame_samples(rate), frame_samples(after)
    at = round(where * size)
    x = signal(at + 3 * next_size, rate)
    frames, _ = frames_of(x, rate, [tag(at, key, value)], spec=SPEC, frame_duration=SHORT_S)
    cut = int(where != 1.0)
    assert len(frames) == 1 + cut + 3
    if cut:
        assert_equal(frames[1].evidence, reference(x, size, at, 0, rate))
    for index in range(3):
        begin = at + index * next_size
        expected = reference(x, begin, begin + next_size, at, after)
        assert_equal(frames[1 + cut + index].evidence, expected)
    # nothing is 10 ms ago
    assert np.isnan(frames[1 + cut].evidence[8:, :, 0]).all()


def test_a_tag_that_changes_nothing_breaks_nothing():
    rate = 1.92e6
    size = frame_samples(rate)
    x = signal(4 * size, rate)
    same = [tag(2 * size, keys.TAG_RX_RATE, rate), tag(2 * size + 7, keys.TAG_RX_FREQ, 0.0)]
    same += [tag(2 * size, keys.TAG_RX_TIME, time_value(0, 2 * size / rate))]
    frames, _ = frames_of(x, rate, same, spec=SPEC, frame_duration=SHORT_S)
    assert_equal(frames[3].evidence, reference(x, 3 * size, 4 * size, 0, rate))
    assert not np.isnan(frames[3].evidence[8]).any()


def test_samples_that_are_not_finite_count_as_zero():
    rate = 1.92e6
    x = signal(frame_samples(rate), rate)
    bad, zeroed = x.copy(), x.copy()
    bad[5000:5100:3] = np.nan
    zeroed[5000:5100:3] = 0
    frames, framer = frames_of(bad, rate, spec=SPEC, frame_duration=SHORT_S)
    assert framer.nonfinite_samples() == 34
    assert_equal(frames[0].evidence, reference(zeroed, 0, len(x), 0, rate))


def test_silence_is_not_judged():
    x = np.zeros(frame_samples(1.92e6), np.complex64)
    frames, _ = frames_of(x, 1.92e6, spec=SPEC, frame_duration=SHORT_S)
    assert np.isnan(frames[0].evidence).all()


def test_messages_carry_the_evidence_behind_the_power():
    rate, rows = 7.68e6, 33
    samples = rows * SPEC.row_samples(SPEC.hops_per_row(rate, SHORT_S))
    x = signal(2 * frame_samples(rate), rate)[: samples + 1]
    framer = radiofm.spectrogram_framer(rate, spec=SPEC, frame_duration=SHORT_S)
    debug, top = blocks.message_debug(), gr.top_block()
    top.connect(blocks.vector_source_c(x, False, 1, [end_tag(samples)]), framer)
    top.msg_connect(framer, keys.PORT_FRAMES, debug, "store")
    top.run()
    message = debug.get_message(0)
    info, values = pmt.to_python(pmt.car(message)), radiofm.vector_view(pmt.cdr(message))
    assert list(info[keys.EVIDENCE_LAGS]) == list(LAGS)
    cells = (info[keys.EVIDENCE_ROWS], info[keys.EVIDENCE_COLS])
    assert cells == (3, CELL_COLS)
    power = info[keys.CHANNELS] * rows * info[keys.COLS]
    planes = values[power:].reshape(len(LAGS), 2, *cells)
    assert_equal(planes, reference(x, 0, samples, 0, rate)[:, :, :3])
    assert np.isfinite(values[:power]).all()


def test_the_native_spec_has_the_lags_and_refuses_what_python_refuses():
    native = native_spec(SPEC)
    assert native.evidence_lags == list(LAGS) and native.row_multiple == 16
    assert native.frame_floats() == SPEC.frame_floats
    limits = {"evidence_lags": tuple(MAX_LAG_S * n / MAX_LAGS for n in range(1, MAX_LAGS + 1))}
    native_spec(SpectrogramSpec(**limits)).check()
    wrong = (
        {"evidence_lags": (0.0,)},
        {"evidence_lags": (float("nan"), 1e-3)},
        {"evidence_lags": (1.01 * MAX_LAG_S,)},
        {"evidence_lags": (1e-3, 1e-3)},
        {"evidence_lags": tuple(1e-4 * (n + 1) for n in range(MAX_LAGS + 1))},
        {"evidence_lags": (MAX_LAG_S,), "sample_rate_max": 1e9},
        {"evidence_lags": (1e-3,), "fft_size": 272, "hop": 136},
        {"row_multiple": 7},
    )
    for fields in wrong:
        with pytest.raises(UsageError):
            SpectrogramSpec(**fields)
        native = radiofm_python.spectrogram_spec()
        for name, value in fields.items():
            setattr(native, name, value)
        with pytest.raises(ValueError, match=r"evidence|multiple"):
            native.check()
