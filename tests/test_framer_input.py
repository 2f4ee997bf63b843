# SPDX-License-Identifier: GPL-3.0-or-later
"""The framer with samples and parameters that nobody wants, and how it stops."""

import time

import numpy as np
import pytest
from event_brokers import until
from framer_flow import SPEC, RateLimited, frames_of, noise, sizes
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm import radiofm_python
from gnuradio.radiofm.blocks.native_options import filled
from gnuradio.radiofm.blocks.spectrogram_framer import native_spec

from radiofm_core.errors import BundleError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec

RATE = 7.68e6
HOPS, ROW, FRAME = sizes(RATE)


def native(**options):
    """The native block, without what the Python function checks first."""
    options = filled(radiofm_python.spectrogram_framer_options, {"sample_rate": RATE, **options})
    return radiofm_python.spectrogram_framer(options)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30], ids=str)
def test_bad_samples_poison_no_other_row(bad):
    x = noise(2 * FRAME)
    expected = [f.pixels for f in frames_of(x, RATE)[0]]
    at = 50 * ROW + ROW // 2
    x[at : at + 3] = bad
    x[at + 10] = complex(0.0, bad)
    frames, framer = frames_of(x, RATE)
    assert framer.nonfinite_samples() == 4
    assert np.isfinite(frames[0].pixels).all()
    untouched = np.arange(256) != 50
    assert np.abs(frames[0].pixels[0, untouched] - expected[0][0, untouched]).max() < 1e-4
    assert np.abs(frames[1].pixels - expected[1]).max() < 1e-4
    # Four samples of a row's 640 taken as zero
    assert np.abs(frames[0].pixels[0, 50].mean() - expected[0][0, 50].mean()) < 1.0


def test_nothing_but_nan_is_silence():
    frames, framer = frames_of(np.full(FRAME, np.nan, np.complex64), RATE)
    assert (frames[0].pixels == SPEC.floor_db).all()
    assert framer.nonfinite_samples() == FRAME


def test_the_greatest_and_smallest_powers_are_right():
    for scale, power_db in ((1e14, 280.0), (1e-9, -180.0)):
        tone = np.full(FRAME, scale, np.complex64)
        pixels = frames_of(tone, RATE)[0][0].pixels[0]
        assert pixels[:, 128] == pytest.approx(power_db, abs=0.01)


@pytest.mark.parametrize("rate", [0.0, -1e6, 0.5, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_refused(rate):
    with pytest.raises(UsageError, match=r"sample_rate: expected 1 S/s or more"):
        radiofm.spectrogram_framer(rate, spec=SPEC)
    with pytest.raises(ValueError, match=r"sample rate .*: expected 1 S/s or more"):
        native(sample_rate=rate)


@pytest.mark.parametrize("duration", [0.0, -1.0, float("nan")])
def test_a_frame_duration_of_nothing_is_refused(duration):
    with pytest.raises(UsageError, match=r"frame_duration: expected more than 0 s"):
        radiofm.spectrogram_framer(RATE, frame_duration=duration)
    with pytest.raises(ValueError, match=r"frame duration .* must be above zero"):
        native(frame_duration=duration)


def test_a_model_that_is_none_is_refused(tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        radiofm.spectrogram_framer(RATE, model=str(tmp_path / "nowhere.pt"))
    with pytest.raises(UsageError, match="give one of them"):
        radiofm.spectrogram_framer(RATE, model="default", spec=SPEC)


def test_specs_that_no_frame_can_have_are_refused():
    for field, value in (("hop", 0), ("hop", 3), ("fft_size", 100), ("rows", 1)):
        spec = native_spec(SPEC)
        setattr(spec, field, value)
        with pytest.raises(ValueError, match=str(value)):
            native(spec=spec)


@pytest.mark.parametrize(("fft_size", "hop"), [(64, 32), (128, 128), (1024, 512), (256, 64)])
def test_other_ffts_put_the_tone_in_its_bin(fft_size, hop):
    spec = SpectrogramSpec(fft_size=fft_size, hop=hop, rows=64)
    samples = spec.frame_samples(spec.hops_per_row(RATE, 5e-3))
    column = fft_size // 2 + 5
    x = np.exp(2j * np.pi * 5 / fft_size * np.arange(samples)).astype(np.complex64)
    frames, _ = frames_of(x, RATE, spec=spec, frame_duration=5e-3)
    assert frames[0].pixels.shape == (1, 64, fft_size)
    assert (frames[0].pixels[0].argmax(axis=1) == column).all()
    assert frames[0].pixels[0, :, column] == pytest.approx(0.0, abs=0.01)


def test_samples_without_an_end_tag_are_counted_at_the_end():
    frames, framer = frames_of(noise(FRAME + 999), RATE)
    assert len(frames) == 1
    assert framer.cut_samples() == 999


def test_a_running_flowgraph_stops_at_once():
    top = gr.top_block()
    framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
    sink = blocks.null_sink(4 * SPEC.frame_floats)
    source = RateLimited()  # GNU Radio does not keep Python blocks alive
    top.connect(source, framer, sink)
    top.start()
    until(lambda: framer.frames() >= 3, "frames", 60)
    begin = time.monotonic()
    top.stop()
    top.wait()
    # on a busy machine, too; one that does not stop goes on for ever
    assert time.monotonic() - begin < 5.0


def test_a_slow_taker_holds_the_samples_back_and_loses_none():
    class Slow(gr.sync_block):
        def __init__(self):
            super().__init__("slow", [(np.float32, SPEC.frame_floats)], None)
            self.taken = 0

        def work(self, input_items, output_items):
            time.sleep(0.002)
            self.taken += 1
            return 1

    count = 40
    top = gr.top_block()
    slow = Slow()
    framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
    source = blocks.vector_source_c(noise(FRAME), True)
    head = blocks.head(gr.sizeof_gr_complex, count * FRAME)
    top.connect(source, head, framer, slow)
    top.run()
    assert (slow.taken, framer.frames()) == (count, count)


@pytest.mark.parametrize("rate", [1.92e6, 61.44e6])
def test_the_block_before_can_hand_over_a_millisecond_at_once(rate):
    """In the usual 64 kB, 61.44 MS/s would be 15,000 wakings a second on each side."""

    class Source(gr.sync_block):
        def __init__(self):
            super().__init__("source", None, [np.complex64])
            self.most = 0

        def work(self, input_items, output_items):
            if self.most:
                return -1
            self.most = len(output_items[0])
            output_items[0][:] = 0
            return self.most

    top = gr.top_block()
    source, framer = Source(), radiofm.spectrogram_framer(rate, spec=SPEC)
    top.connect(source, framer, blocks.null_sink(4 * SPEC.frame_floats))
    top.run()
    assert source.most >= rate * 1e-3


def test_a_framer_without_an_output_connected_ends_with_its_stream():
    top = gr.top_block()
    framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
    top.connect(blocks.vector_source_c(noise(FRAME + 7)), framer)
    top.run()
    assert (framer.frames(), framer.cut_samples()) == (1, 7)


def test_framers_in_parallel_plan_and_run_together():
    top = gr.top_block()
    framers = []
    x = noise(8 * FRAME)
    for _ in range(4):
        framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
        top.connect(blocks.vector_source_c(x, False), framer)
        top.connect(framer, blocks.null_sink(4 * SPEC.frame_floats))
        framers.append(framer)
    top.run()
    assert [f.frames() for f in framers] == [8] * 4
