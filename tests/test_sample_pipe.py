# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipe between two flowgraphs: every sample, in order, with the marks where they belong."""

import time

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr
from gnuradio.radiofm import radiofm_python as native
from gnuradio.radiofm.blocks.native_options import filled

RATE = 1e6


def numbered(count: int, begin: int = 1) -> np.ndarray:
    return np.arange(begin, begin + count).astype(np.complex64)


def make_sink(pipe, **options):
    given = {"sample_rate": RATE, "center_frequency": 1e9, "host_time": False, **options}
    return native.pipe_sink(pipe, filled(native.pipe_sink_options, given))


def tag(offset: int, key: str, value):
    made = gr.tag_t()
    made.offset, made.key, made.value = offset, pmt.intern(key), pmt.to_pmt(value)
    return made


def write(pipe, samples, tags=(), **options):
    """One connection: all samples, to their end."""
    sink = make_sink(pipe, **options)
    top = gr.top_block()
    top.connect(blocks.vector_source_c(samples.tolist(), False, 1, list(tags)), sink)
    top.run()
    sink.finish()
    return sink


def read(pipe) -> tuple[np.ndarray, dict[int, dict]]:
    """What comes out of a pipe that is closed: samples, and tags by their offsets."""
    top, out = gr.top_block(), blocks.vector_sink_c()
    top.connect(native.pipe_source(pipe), out)
    top.run()
    found: dict[int, dict] = {}
    for each in out.tags():
        found.setdefault(each.offset, {})[pmt.to_python(each.key)] = pmt.to_python(each.value)
    return np.array(out.data(), np.complex64), found


def test_connections_follow_each_other_with_an_end_after_each():
    pipe = native.sample_pipe(100_000)
    write(pipe, numbered(20_000))
    write(pipe, numbered(5_000), center_frequency=2e9)
    pipe.close()
    samples, tags = read(pipe)
    expected = [numbered(20_000), [0], numbered(5_000), [0]]
    np.testing.assert_array_equal(samples, np.concatenate(expected).astype(np.complex64))
    assert sorted(tags) == [0, 20_000, 20_001, 25_001]
    assert tags[0]["rx_freq"] == 1e9 and tags[20_001]["rx_freq"] == 2e9
    assert tags[0]["rx_rate"] == RATE and tags[20_000] == {"radiofm_end": True}


def test_tags_are_followed_and_what_says_nothing_new_is_none():
    pipe = native.sample_pipe(100_000)
    tags = [
        tag(0, "rx_time", (1_700_000_000, 0.5)),
        tag(1000, "rx_time", (1_700_000_000, 0.501)),
        tag(2000, "rx_time", (1_700_000_003, 0.0)),
        tag(3000, "rx_freq", 1.5e9),
        tag(4000, "rx_rate", 2e6),
        tag(5000, "rx_freq", "nonsense"),
    ]
    write(pipe, numbered(6000), tags, frequency_scale=1.00001)
    pipe.close()
    _, found = read(pipe)
    assert sorted(found) == [0, 2000, 3000, 4000, 6000]
    assert found[0]["rx_time"] == (1_700_000_000, 0.5)
    assert found[2000]["rx_time"] == (1_700_000_003, 0.0)
    assert found[3000]["rx_freq"] == 1.5e9 * 1.00001
    assert found[4000]["rx_rate"] == 2e6
    assert sum(found[4000]["rx_time"]) == pytest.approx(1_700_000_003.002, abs=1e-6)


def test_a_full_pipe_drops_the_newest_counts_them_and_marks_where_it_goes_on():
    pipe = native.sample_pipe(10_000)
    sink = write(pipe, numbered(50_000))
    assert sink.received() == 50_000 and sink.dropped() == 50_000 - 9_999
    pipe.close()
    samples, tags = read(pipe)
    np.testing.assert_array_equal(samples[:-1], numbered(9_999))
    assert sorted(tags) == [0, 9_999]


def test_a_burst_is_as_long_as_asked_for_and_what_settles_is_skipped():
    pipe = native.sample_pipe(100_000)
    sink = make_sink(pipe, gate_open=False)
    top = gr.top_block()
    source = blocks.vector_source_c(numbered(1000).tolist(), True)
    top.connect(source, blocks.throttle(8, RATE), sink)
    top.start()
    for number, frequency in enumerate((1e9, 2e9), 1):
        sink.begin_burst(frequency, 20_000, 5_000)
        end = time.monotonic() + 120.0
        while sink.in_burst():
            assert time.monotonic() < end
            time.sleep(0.01)
        assert pipe.pushed() == number * 5_001
    top.stop()
    top.wait()
    sink.finish()
    pipe.close()
    samples, tags = read(pipe)
    assert len(samples) == 10_002
    assert sorted(tags) == [0, 5_000, 5_001, 10_001]
    assert [tags[at]["rx_freq"] for at in (0, 5_001)] == [1e9, 2e9]
    assert sum(tags[5_001]["rx_time"]) - sum(tags[0]["rx_time"]) >= 25_000 / RATE
    # in each burst the samples follow each other
    for part in (samples[:5_000], samples[5_001:10_001]):
        assert set(np.diff(part.real)) <= {1.0, -999.0}


class Stalling(gr.sync_block):
    """A receiver that loses ``lost`` seconds of samples after half a second, without a word."""

    def __init__(self, lost: float):
        gr.sync_block.__init__(self, "stalling", None, [np.complex64])
        self._lost, self._began = lost, time.monotonic()
        self._sent = 0

    def work(self, input_items, output_items):
        passed = time.monotonic() - self._began
        if passed > 0.5:
            passed = max(0.5, passed - self._lost)
        count = min(len(output_items[0]), int(passed * RATE) - self._sent)
        if count <= 0:
            time.sleep(0.005)
            return 0
        output_items[0][:count] = 1
        self._sent += count
        return count


def test_the_date_is_the_hosts_and_is_set_anew_where_samples_were_lost():
    pipe = native.sample_pipe(8_000_000)
    sink = make_sink(pipe, host_time=True, date_span=0.5)
    # GNU Radio keeps only the C++ half of a Python block alive
    top, source = gr.top_block(), Stalling(2.0)
    top.connect(source, sink)
    began = time.time()
    top.start()
    time.sleep(5.0)
    top.stop()
    top.wait()
    sink.finish()
    pipe.close()
    samples, tags = read(pipe)
    begins = {at: sum(each["rx_time"]) for at, each in tags.items() if "rx_time" in each}
    assert abs(begins[0] - began) < 2.0
    # all that was lost is made up for, in however many steps
    (last, moment), lost = max(begins.items()), 2.0
    assert moment - begins[0] - last / RATE == pytest.approx(lost, abs=0.6)
    assert len(samples) > 1e6


def test_a_connection_begins_no_earlier_than_the_one_before_ended():
    pipe = native.sample_pipe(1_000_000)
    # faster than they would be received, so that the next one comes too early
    write(pipe, numbered(300_000), host_time=True)
    write(pipe, numbered(1_000), host_time=True)
    pipe.close()
    _, tags = read(pipe)
    begins = {at: sum(each["rx_time"]) for at, each in tags.items() if "rx_time" in each}
    assert sorted(begins) == [0, 300_001]
    assert begins[300_001] - begins[0] == pytest.approx(0.3, abs=1e-6)


def test_a_pipe_has_room_for_a_sample_and_its_end():
    with pytest.raises(ValueError, match="2 samples or more, got 1"):
        native.sample_pipe(1)
    pipe = native.sample_pipe(2)
    write(pipe, numbered(3))
    pipe.close()
    assert len(read(pipe)[0]) == 2
