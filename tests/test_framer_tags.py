# SPDX-License-Identifier: GPL-3.0-or-later
"""Where frames are cut, and what their tags say about frequency, rate and time."""

import math
import threading
from fractions import Fraction

import numpy as np
import pmt
import pytest
import torch
from event_brokers import until
from framer_flow import SPEC, Halting, collect, end_tag, frames_of, noise, sizes, tag, time_value
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm import radiofm_python

from radiofm_core import keys
from radiofm_core.errors import UsageError
from radiofm_core.spectrum.spectrogram import spectrogram_db

RATE = 7.68e6
HOPS, ROW, FRAME = sizes(RATE)


def offsets(frames):
    return [(f.info[keys.SAMPLE_OFFSET], f.info[keys.ROWS]) for f in frames]


def test_a_frame_tells_all_about_itself():
    frames, framer = frames_of(noise(2 * FRAME), RATE, center_frequency=1.8e9)
    assert framer.frames() == 2
    assert frames[1].info == {
        keys.ROWS: 256,
        keys.COLS: 256,
        keys.CHANNELS: 1,
        keys.FRAME_INDEX: 1,
        keys.SAMPLE_OFFSET: FRAME,
        keys.SAMPLE_RATE: RATE,
        keys.CENTER_FREQUENCY: 1.8e9,
        keys.RX_TIME: (0, pytest.approx(FRAME / RATE, abs=1e-15)),
        keys.ROW_DURATION: ROW / RATE,
        keys.ROW_SAMPLES: ROW,
        keys.SPEC: SPEC.fingerprint,
        keys.LAST: False,
    }


def test_a_retune_cuts_the_frame_and_the_next_starts_there():
    cut = 100 * ROW + 17
    x = noise(cut + FRAME)
    tags = [tag(0, "rx_freq", 1e9), tag(cut, "rx_freq", 2e9)]
    frames, framer = frames_of(x, RATE, tags)
    assert offsets(frames) == [(0, 100), (cut, 256)]
    assert [f.info["center_frequency"] for f in frames] == [1e9, 2e9]
    assert [f.info["frame_index"] for f in frames] == [0, 1]
    assert framer.cut_samples() == 17
    # Nothing of one frequency leaks into the other's frame
    expected = spectrogram_db(torch.from_numpy(x[cut:]), SPEC, HOPS).numpy()
    assert np.abs(frames[1].pixels - expected).max() < 0.01


def test_a_repeated_frequency_cuts_nothing():
    tags = [tag(n, "rx_freq", 1e9) for n in (0, 1000, FRAME // 2)]
    tags += [tag(n, "rx_rate", RATE) for n in (0, 5000)]
    frames, _ = frames_of(noise(FRAME), RATE, tags)
    assert offsets(frames) == [(0, 256)]


def test_a_rate_change_cuts_and_changes_the_rows():
    other = 15.36e6
    cut = 40 * ROW
    frames, framer = frames_of(noise(cut + sizes(other)[2]), RATE, [tag(cut, "rx_rate", other)])
    assert offsets(frames) == [(0, 40), (cut, 256)]
    assert [f.info["sample_rate"] for f in frames] == [RATE, other]
    assert [f.info["row_samples"] for f in frames] == [ROW, sizes(other)[1]]
    assert frames[1].info["rx_time"] == (0, pytest.approx(cut / RATE, abs=1e-12))
    assert framer.sample_rate() == other


@pytest.mark.parametrize(("error_samples", "is_gap"), [(0.4, False), (-0.4, False), (0.6, True)])
def test_a_time_that_jumps_by_more_than_half_a_sample_is_a_gap(error_samples, is_gap):
    at = 20 * ROW
    tags = [
        tag(0, "rx_time", time_value(100, 0.25)),
        tag(at, "rx_time", time_value(100, 0.25 + (at + error_samples) / RATE)),
    ]
    frames, _ = frames_of(noise(at + FRAME), RATE, tags)
    assert offsets(frames)[0] == ((0, 20) if is_gap else (0, 256))


def test_after_a_gap_time_comes_from_the_tag():
    tags = [tag(0, "rx_time", time_value(7, 0.5)), tag(ROW, "rx_time", time_value(9, 0.75))]
    frames, _ = frames_of(noise(ROW + 2 * FRAME), RATE, tags)
    assert [f.info["rx_time"][0] for f in frames] == [7, 9, 9]
    assert frames[2].info["rx_time"][1] == pytest.approx(0.75 + FRAME / RATE, abs=1e-15)


@pytest.mark.parametrize("rate", [1.92e6, 122.88e6, 61.44e6 / 3, 33.3333e6 / 7])
def test_frames_have_the_exact_time_of_their_first_sample(rate):
    frame_samples = sizes(rate)[2]
    start = 999_999_999_999_999 / 10**15
    tags = [tag(0, "rx_time", time_value(86400, start))]
    frames, _ = frames_of(np.zeros(3 * frame_samples, np.complex64), rate, tags)
    assert len(frames) == 3
    for index, frame in enumerate(frames):
        exact = 86400 + Fraction(start) + index * frame_samples / Fraction(rate)
        seconds, fraction = frame.info["rx_time"]
        assert 0 <= fraction < 1
        assert abs(seconds + Fraction(fraction) - exact) < Fraction(1, 10**12)


@pytest.mark.parametrize("rate", [1.92e6, 122.88e6, 61.44e6 / 3, 33.3333e6 / 7])
def test_time_is_exact_to_a_fraction_of_a_sample_after_a_year(rate):
    for days in (0, 1, 365):
        samples = int(days * 86400 * rate) + 12345
        seconds, fraction = radiofm_python.time_after(samples, rate, 1_700_000_000, 0.875)
        exact = 1_700_000_000 + Fraction(0.875) + samples / Fraction(rate)
        assert 0 <= fraction < 1
        assert abs(seconds + Fraction(fraction) - exact) * Fraction(rate) < Fraction(1, 1000)


def test_the_end_tag_emits_the_partial_frame_and_marks_it_last():
    end = FRAME + 30 * ROW + 5
    x = np.concatenate([noise(end), np.zeros(3 * FRAME, np.complex64)])
    frames, framer = frames_of(x, RATE, [end_tag(end)])
    assert offsets(frames) == [(0, 256), (FRAME, 30)]
    assert [f.info["last"] for f in frames] == [False, True]
    assert framer.cut_samples() == 5
    assert framer.ignored_samples() == 0


@pytest.mark.parametrize("chunk", [None, 512, ROW])
def test_an_end_on_the_frames_edge_marks_the_full_frame(chunk):
    x = np.concatenate([noise(FRAME), np.zeros(1, np.complex64)])
    # whatever else a block tells at that sample
    frames, _ = frames_of(x, RATE, [tag(FRAME, "other", 1.0), end_tag(FRAME)], chunk=chunk)
    assert [(f.info["rows"], f.info["last"]) for f in frames] == [(256, True)]


# samples after the last whole frame: none, or too few for a row
@pytest.mark.parametrize("tail", [0, 1, ROW - 1])
@pytest.mark.parametrize("retune", [False, True])
def test_the_last_frame_is_marked_however_calls_are_cut(tail, retune):
    end = 2 * FRAME + tail
    x = np.concatenate([noise(end), np.zeros(1, np.complex64)])
    tags = [end_tag(end), *([tag(FRAME, "rx_freq", 1e9)] if retune else [])]
    framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
    # as a scheduler would that takes all samples before it sees the end
    source = Halting(x, tags, (2 * FRAME, end), lambda: framer.frames() == 2)
    frames = collect(source, framer)
    assert [f.info["last"] for f in frames] == [False, True]
    assert [f.info["rows"] for f in frames] == [256, 256]
    assert (framer.frames(), framer.cut_samples()) == (2, tail)


def test_a_cut_frame_is_the_last_if_no_whole_row_follows():
    cut, end = 30 * ROW, 31 * ROW - 1
    x = np.concatenate([noise(end), np.zeros(1, np.complex64)])
    frames, framer = frames_of(x, RATE, [tag(cut, "rx_freq", 1e9), end_tag(end)], chunk=512)
    assert [(f.info["rows"], f.info["last"]) for f in frames] == [(30, True)]
    assert frames[0].info["center_frequency"] == 0.0
    assert framer.cut_samples() == ROW - 1


def test_a_live_frame_waits_for_one_row_more():
    framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
    seen = []

    def go_on():
        seen.append(framer.frames())
        return seen[-1] == 1

    x = noise(FRAME + ROW + 1)
    frames = collect(Halting(x, [], [FRAME + ROW], go_on, most_s=20.0), framer)
    assert seen[-1] == 1
    assert [f.info["last"] for f in frames] == [False]


def test_a_framer_runs_again_as_the_first_time():
    framer, sink = (
        radiofm.spectrogram_framer(RATE, spec=SPEC),
        blocks.vector_sink_f(SPEC.frame_floats),
    )
    x = np.concatenate([noise(FRAME), np.zeros(1, np.complex64)])
    source = blocks.vector_source_c(x, False, 1, [tag(9, "rx_time", time_value(7, 0.5))])
    ended = blocks.vector_source_c(x, False, 1, [end_tag(FRAME)])
    infos = []
    for each in (source, ended, ended):
        top = gr.top_block()
        top.connect(each, framer, sink)
        top.run()
        top.disconnect_all()
        infos.append([pmt.to_python(t.value) for t in sink.tags()])
        sink.reset()
        each.rewind()
    shown = [[(i["sample_offset"], i["rx_time"], i["last"]) for i in each] for each in infos]
    assert shown[1:] == [[(0, (0, 0.0), True)]] * 2


def test_after_an_end_the_next_rx_tag_begins_anew():
    end, again = 10 * ROW, 12 * ROW + 1
    tags = [end_tag(end), tag(again, "rx_freq", 3e9)]
    frames, _ = frames_of(noise(again + FRAME), RATE, tags)
    assert offsets(frames) == [(0, 10), (again, 256)]


@pytest.mark.parametrize("samples", [1, 255, ROW - 1])
def test_less_than_a_row_is_counted_and_not_emitted(samples):
    frames, framer = frames_of(noise(samples + 1), RATE, [end_tag(samples)])
    assert frames == []
    assert framer.cut_samples() == samples


def test_many_cuts_at_once_lose_no_sample():
    rng = np.random.default_rng(5)
    x = noise(3 * FRAME)
    cuts = np.unique(rng.integers(0, len(x), 60))
    tags = [tag(int(n), "rx_freq", 1e9 + i * 1e6) for i, n in enumerate(cuts)]
    frames, framer = frames_of(x, RATE, tags)
    starts = [0, *(int(c) for c in cuts)]
    assert len(frames) > len(cuts) / 2
    for frame in frames:
        begin = frame.info["sample_offset"]
        segment = max(s for s in starts if s <= begin)
        assert (begin - segment) % FRAME == 0
    in_frames = sum(f.info["rows"] * f.info["row_samples"] for f in frames)
    assert in_frames + framer.cut_samples() == len(x)
    assert [f.info["frame_index"] for f in frames] == list(range(len(frames)))


def test_an_unserved_rate_is_ignored_and_counted_until_a_served_one():
    bad, good = 5 * ROW, 9 * ROW
    tags = [tag(bad, "rx_rate", 250e6), tag(good, "rx_rate", RATE)]
    frames, framer = frames_of(noise(good + FRAME), RATE, tags)
    assert offsets(frames) == [(0, 5), (good, 256)]
    assert framer.ignored_samples() == good - bad


def test_tags_that_are_no_numbers_are_ignored():
    tags = [
        tag(1000, "rx_freq", pmt.intern("2.4e9")),
        tag(1001, "rx_rate", pmt.PMT_NIL),
        tag(1002, "rx_time", pmt.from_double(3.0)),
        tag(1003, "rx_time", time_value(3, 1.5)),
        tag(1004, "rx_freq", float("nan")),
        tag(1005, "something", pmt.PMT_T),
    ]
    frames, _ = frames_of(noise(FRAME), RATE, tags)
    assert offsets(frames) == [(0, 256)]
    assert frames[0].info["center_frequency"] == 0.0


def test_a_tuple_of_another_integer_type_is_a_time_too():
    value = pmt.make_tuple(pmt.from_long(12), pmt.from_double(0.5))
    frames, _ = frames_of(noise(FRAME), RATE, [tag(0, "rx_time", value)])
    assert frames[0].info["rx_time"] == (12, 0.5)


def test_whole_numbers_are_rates_and_frequencies_too():
    # GNU Radio's own conversion to a double throws for these
    tags = [tag(0, "rx_freq", pmt.from_uint64(2**33)), tag(0, "rx_rate", pmt.from_uint64(3840000))]
    tags.append(tag(0, "rx_time", pmt.make_tuple(pmt.from_uint64(12), pmt.from_uint64(0))))
    frames, _ = frames_of(noise(FRAME), RATE, tags)
    assert frames[0].info["center_frequency"] == 2**33
    assert frames[0].info["sample_rate"] == 3.84e6
    assert frames[0].info["rx_time"] == (12, 0.0)


def test_setting_the_frequency_cuts_and_shows():
    framer = radiofm.spectrogram_framer(RATE, 1e9, spec=SPEC)
    framer.set_center_frequency(2e9)
    frames = collect(blocks.vector_source_c(noise(FRAME), False), framer)
    assert frames[0].info["center_frequency"] == 2e9
    assert framer.center_frequency() == 2e9


# Frames of two hops a row, and of four
SHORT_ROW, LONG_ROW = 2 * SPEC.hop, 4 * SPEC.hop
SHORT_S, LONG_S = (SPEC.rows * row / RATE for row in (SHORT_ROW, LONG_ROW))


def test_setting_the_frame_duration_counts_from_the_next_frame_on():
    framer = radiofm.spectrogram_framer(RATE, frame_duration=SHORT_S, spec=SPEC)
    framer.set_frame_duration(LONG_S)
    frames = collect(blocks.vector_source_c(noise(2 * SPEC.rows * LONG_ROW), False), framer)
    assert [f.info["sample_offset"] for f in frames] == [0, SPEC.rows * LONG_ROW]
    assert {f.info["row_samples"] for f in frames} == {LONG_ROW}
    assert framer.frame_samples() == SPEC.rows * LONG_ROW


def test_the_frame_duration_may_change_while_samples_flow():
    samples, is_set = 100 * SPEC.rows * LONG_ROW, threading.Event()
    framer = radiofm.spectrogram_framer(RATE, frame_duration=SHORT_S, spec=SPEC)
    # in the middle of a frame
    source = Halting(noise(samples), [], {samples // 4 + 1000}, is_set.is_set, 60.0)
    sink = blocks.vector_sink_f(SPEC.frame_floats)
    top = gr.top_block()
    top.connect(source, framer, sink)
    top.start()
    until(lambda: framer.frames() >= 20, "frames", 60)
    framer.set_frame_duration(LONG_S)
    is_set.set()
    top.wait()
    infos = [pmt.to_python(tag.value) for tag in sink.tags()]
    rows = [info["row_samples"] for info in infos]
    assert rows == sorted(rows) and set(rows) == {SHORT_ROW, LONG_ROW}
    # frames follow each other without a gap; what is left at the end fills none
    taken = sum(info["rows"] * info["row_samples"] for info in infos)
    assert taken + framer.cut_samples() == samples


@pytest.mark.parametrize("duration", [0.0, -1.0, math.nan])
def test_a_wrong_frame_duration_is_refused(duration):
    with pytest.raises(UsageError, match="frame duration"):
        radiofm.spectrogram_framer(RATE).set_frame_duration(duration)


def test_the_message_port_carries_the_valid_rows():
    rows = 33
    framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
    debug = blocks.message_debug()
    x = noise(FRAME + rows * ROW + 1)
    source = blocks.vector_source_c(x, False, 1, [end_tag(FRAME + rows * ROW)])
    top = gr.top_block()
    top.connect(source, framer)  # the stream output stays unconnected
    top.msg_connect(framer, keys.PORT_FRAMES, debug, "store")
    top.run()
    assert debug.num_messages() == 2
    info = pmt.to_python(pmt.car(debug.get_message(1)))
    pixels = radiofm.vector_view(pmt.cdr(debug.get_message(1)))
    assert (info["rows"], info["last"], info["frame_index"]) == (rows, True, 1)
    expected = spectrogram_db(torch.from_numpy(x[FRAME : FRAME + rows * ROW]), SPEC, HOPS)
    assert np.abs(pixels.reshape(1, rows, 256) - expected.numpy()).max() < 0.01
