# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rate and frequency a framer works with: its parameters, a stream's tags, what is set."""

import threading
import time

import pmt
import pytest
from event_brokers import until
from framer_flow import SPEC, Frame, Halting, collect, noise, sizes, tag
from gnuradio import blocks, gr, radiofm
from hostile_messages import foreign

from radiofm_core.errors import UsageError

RATE = 1.92e6
FRAME = sizes(RATE)[2]
# The first is what GNU Radio Companion sets in a new flowgraph
OUTSIDE = (32000, 1.0, 0.95e6, 200e6)


def frames_of(framer, samples, tags=()) -> list[Frame]:
    return collect(blocks.vector_source_c(samples, False, 1, list(tags)), framer)


@pytest.mark.parametrize("rate", OUTSIDE)
def test_the_tag_tells_the_rate_where_the_parameter_cannot(rate, capfd):
    framer = radiofm.spectrogram_framer(rate, spec=SPEC)
    frames = frames_of(framer, noise(2 * FRAME), [tag(0, "rx_rate", RATE)])
    assert [f.info["sample_rate"] for f in frames] == [RATE, RATE]
    assert [f.info["rx_time"] for f in frames] == [(0, 0.0), (0, pytest.approx(FRAME / RATE))]
    assert framer.cut_samples() == framer.ignored_samples() == 0
    assert "error" not in capfd.readouterr().out


@pytest.mark.parametrize("rate", OUTSIDE)
def test_without_a_tag_an_endless_flowgraph_ends_with_one_line(rate, capfd):
    framer = radiofm.spectrogram_framer(rate, spec=SPEC)
    sink = blocks.null_sink(gr.sizeof_float * SPEC.frame_floats)
    top = gr.top_block()
    top.connect(blocks.null_source(gr.sizeof_gr_complex), framer, sink)
    top.run()  # a source that never ends
    assert framer.frames() == 0
    out, err = capfd.readouterr()
    (line,) = [line for line in (out + err).splitlines() if "error" in line]
    for part in (f"{rate / 1e6:g} MS/s", "0.96 to 122.88 MS/s", "rx_rate", "set the rate"):
        assert part in line


def test_a_tag_after_the_first_sample_is_too_late(capfd):
    framer = radiofm.spectrogram_framer(32000, spec=SPEC)
    assert frames_of(framer, noise(FRAME), [tag(1, "rx_rate", RATE)]) == []
    assert "rx_rate" in "".join(capfd.readouterr())


def test_a_tag_of_a_rate_outside_the_range_is_told_even_if_it_is_the_parameters(capfd):
    framer = radiofm.spectrogram_framer(32000, spec=SPEC)
    tags = [tag(0, "rx_rate", 32000.0), tag(FRAME, "rx_rate", RATE)]
    frames = frames_of(framer, noise(2 * FRAME), tags)
    assert [f.info["sample_offset"] for f in frames] == [FRAME]
    assert framer.ignored_samples() == FRAME
    assert "its samples are ignored" in "".join(capfd.readouterr())


def test_a_rate_that_is_set_counts_from_there_until_the_next_tag():
    other = 3.84e6
    framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
    framer.set_sample_rate(other)
    at = sizes(other)[2] + 100
    frames = frames_of(framer, noise(at + FRAME), [tag(at, "rx_rate", RATE)])
    assert [f.info["sample_rate"] for f in frames] == [other, RATE]
    assert [f.info["sample_offset"] for f in frames] == [0, at]
    assert framer.sample_rate() == RATE


def test_a_rate_that_is_set_helps_a_stream_without_tags():
    framer = radiofm.spectrogram_framer(32000, spec=SPEC)
    framer.set_sample_rate(RATE)
    assert [f.info["sample_rate"] for f in frames_of(framer, noise(FRAME))] == [RATE]


def test_the_tag_of_the_first_sample_wins_over_what_was_set_before():
    framer = radiofm.spectrogram_framer(RATE, 1e9, spec=SPEC)
    framer.set_sample_rate(3.84e6)
    framer.set_center_frequency(2e9)
    tags = [tag(0, "rx_rate", RATE), tag(0, "rx_freq", 3e9)]
    (frame,) = frames_of(framer, noise(FRAME), tags)
    assert (frame.info["sample_rate"], frame.info["center_frequency"]) == (RATE, 3e9)


def test_what_is_set_while_samples_flow_wins_over_the_tags_before():
    framer = radiofm.spectrogram_framer(RATE, 1e9, spec=SPEC)
    sink = blocks.vector_sink_f(SPEC.frame_floats)
    tags = [tag(0, "rx_rate", RATE), tag(0, "rx_freq", 2e9)]
    are_set = threading.Event()
    source = Halting(noise(40 * FRAME), tags, {10 * FRAME}, are_set.is_set, 60.0)
    top = gr.top_block()
    top.connect(source, framer, sink)
    top.start()
    until(lambda: framer.frames() >= 3, "frames", 60)
    framer.set_sample_rate(3.84e6)
    framer.set_center_frequency(3e9)
    are_set.set()
    top.wait()
    assert (framer.sample_rate(), framer.center_frequency()) == (3.84e6, 3e9)
    infos = [gr.tag_to_python(t).value for t in sink.tags()]
    settings = [(info["sample_rate"], info["center_frequency"]) for info in infos]
    assert settings[0] == (RATE, 2e9) and settings[-1] == (3.84e6, 3e9)
    taken = sum(info["rows"] * info["row_samples"] for info in infos)
    assert taken + framer.cut_samples() == 40 * FRAME


@pytest.mark.parametrize("rate", [*OUTSIDE, 0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_outside_the_range_cannot_be_set(rate):
    framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
    with pytest.raises(UsageError, match=r"outside the model's range 0\.96 to 122\.88 MS/s"):
        framer.set_sample_rate(rate)


def commanded(*messages) -> radiofm.radiofm_python.spectrogram_framer:
    """A framer, first at 1 GHz, that got these commands while it ran."""
    framer = radiofm.spectrogram_framer(RATE, 1e9, spec=SPEC)
    top = gr.top_block()
    top.connect(blocks.null_source(gr.sizeof_gr_complex), framer)
    top.start()
    for message in messages:
        framer.to_basic_block()._post(pmt.intern("command"), message)
    end = time.monotonic() + 60
    while framer.center_frequency() == 1e9 and time.monotonic() < end:
        time.sleep(0.01)
    top.stop()
    top.wait()
    return framer


def test_a_command_to_the_receiver_tells_the_frequency():
    # as the Live View and GNU Radio's own widgets tell it
    as_dict = pmt.to_pmt({"freq": 2.4e9, "gain": 30.0})
    assert commanded(as_dict).center_frequency() == 2.4e9
    as_pair = pmt.cons(pmt.intern("freq"), pmt.from_long(1_800_000_000))
    assert commanded(as_pair).center_frequency() == 1.8e9


def test_other_commands_are_ignored_and_end_nothing(capfd):
    no_number = pmt.to_pmt({"freq": "fast"})
    framer = commanded(*foreign(), no_number, pmt.to_pmt({"freq": 2e9}))
    assert framer.center_frequency() == 2e9
    assert "freq: expected a number of Hz" in "".join(capfd.readouterr())


@pytest.mark.parametrize("frequency", [float("nan"), float("inf")])
def test_a_frequency_that_is_no_number_cannot_be_set(frequency):
    with pytest.raises(UsageError, match="center frequency: expected a finite number of Hz"):
        radiofm.spectrogram_framer(RATE, spec=SPEC).set_center_frequency(frequency)
