# SPDX-License-Identifier: GPL-3.0-or-later
"""A live stream that is retuned, changes its rate and overflows all the time: no frame spans any of
it, times are right to the sample, and whoever is slow loses whole frames only."""

import itertools
import time
from fractions import Fraction

import numpy as np
import pytest
from framer_flow import SPEC, end_tag, frames_of, noise, sizes, tag, time_value
from gnuradio import blocks, gr, radiofm
from segmenter_flow import Results, make_bundle

from radiofm_core import keys

RATES = (1.92e6, 3.84e6, 7.68e6)
START_S = 1_700_000_000


class Stretch:
    """Samples between two cuts, and what is true of them; ``time`` in exact seconds."""

    def __init__(self, begin: int, length: int, rate: float, frequency: float, time_s: Fraction):
        self.begin, self.length = begin, length
        self.rate, self.frequency, self.time_s = rate, frequency, time_s

    def tags(self, before) -> list:
        """What a receiver tells at its start: what has changed, and the time if there is a gap."""
        made = []
        if before is None or self.rate != before.rate:
            made.append(tag(self.begin, keys.TAG_RX_RATE, self.rate))
        if before is None or self.frequency != before.frequency:
            made.append(tag(self.begin, keys.TAG_RX_FREQ, self.frequency))
        if before is None or self.time_s != before.end_s:
            whole = int(self.time_s)
            made.append(
                tag(self.begin, keys.TAG_RX_TIME, time_value(whole, float(self.time_s - whole)))
            )
        return made

    @property
    def end_s(self) -> Fraction:
        return self.time_s + Fraction(self.length) / Fraction(self.rate)


def stretches(seconds: float, cuts_per_s: int, seed: int) -> list[Stretch]:
    """A stream that is retuned, changes its rate or drops samples so often."""
    rng = np.random.default_rng(seed)
    found: list[Stretch] = []
    rate, frequency, time_s = RATES[0], 1e9, Fraction(START_S)
    begin = 0
    for _ in range(int(seconds * cuts_per_s)):
        length = int(rng.integers(1, 2 * rate / cuts_per_s))
        found.append(Stretch(begin, length, rate, frequency, time_s))
        begin, time_s = begin + length, found[-1].end_s
        change = rng.integers(3)
        if change == 0:
            frequency += 1e6
        elif change == 1:
            rate = float(rng.choice([other for other in RATES if other != rate]))
        else:
            # an overflow: samples are missing, two at least
            time_s += Fraction(int(rng.integers(2, 10**5))) / Fraction(rate)
    return found


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("cuts_per_s", [20, 100])
def test_no_frame_spans_a_cut_and_times_are_right_to_the_sample(cuts_per_s, seed):
    parts = stretches(1.0, cuts_per_s, seed)
    total = parts[-1].begin + parts[-1].length
    tags = [one for before, part in itertools.pairwise([None, *parts]) for one in part.tags(before)]
    # a vector source gives its tags in the order of their places
    frames, framer = frames_of(noise(total + 1), RATES[0], [*tags, end_tag(total)], chunk=50_000)
    used = 0
    for frame in frames:
        info = frame.info
        begin = info[keys.SAMPLE_OFFSET]
        (part,) = (p for p in parts if p.begin <= begin < p.begin + p.length)
        samples = info[keys.ROWS] * info[keys.ROW_SAMPLES]
        assert begin + samples <= part.begin + part.length
        assert info[keys.SAMPLE_RATE] == part.rate
        assert info[keys.CENTER_FREQUENCY] == part.frequency
        assert (begin - part.begin) % sizes(part.rate)[2] == 0
        exact = part.time_s + Fraction(begin - part.begin) / Fraction(part.rate)
        told = info[keys.RX_TIME][0] + Fraction(info[keys.RX_TIME][1])
        assert abs(told - exact) * Fraction(part.rate) < Fraction(1, 100)
        used += samples
    assert [frame.info[keys.FRAME_INDEX] for frame in frames] == list(range(len(frames)))
    # what is in no frame is less than a row a cut, and counted
    assert used + framer.cut_samples() == total
    assert framer.cut_samples() < sum(sizes(part.rate)[1] for part in parts)
    assert len(frames) > cuts_per_s / 4


class RetunedSource(gr.sync_block):
    """Noise as a receiver gives it, retuned so often, ``paced`` as one; ends after ``seconds``."""

    def __init__(self, rate: float, retunes_per_s: int, seconds: float):
        gr.sync_block.__init__(self, "retuned", None, [np.complex64])
        self._noise, self._rate = noise(int(rate)), rate
        self._step, self._end = int(rate / retunes_per_s), int(rate * seconds)
        self._begin = None

    def work(self, input_items, output_items):
        at = self.nitems_written(0)
        if at >= self._end:
            return -1
        self._begin = self._begin or time.monotonic()
        time.sleep(max(0.0, self._begin + at / self._rate - time.monotonic()))
        number, within = divmod(at, self._step)
        if within == 0:
            one = tag(at, keys.TAG_RX_FREQ, 1e9 + number * 1e6)
            self.add_item_tag(0, at, one.key, one.value)
        count = min(len(output_items[0]), self._step - within, self._end - at)
        output_items[0][:count] = self._noise[within : within + count]
        return count


@pytest.mark.parametrize("overload", ["wait", "drop"])
def test_a_slow_model_behind_a_receiver_retuned_100_times_a_second(tmp_path, overload):
    rate, seconds = 1.92e6, 2.0
    segmenter = radiofm.spectrogram_segmenter(
        make_bundle(tmp_path / "slow.pt", pause=0.1), threads=1, max_batch=4, overload=overload
    )
    framer, results = radiofm.spectrogram_framer(rate, spec=SPEC), Results()
    source = RetunedSource(rate, 100, seconds)
    ports = [keys.PORT_MASKS, keys.PORT_STATUS]
    sink = radiofm.result_sink(results, ports)
    count = blocks.null_sink(4 * SPEC.frame_floats)
    top = gr.top_block()
    top.connect(source, framer, segmenter)
    top.connect(framer, count)
    for port in ports:
        top.msg_connect((segmenter, port), (sink, port))
    depths = []
    top.start()
    while framer.frames() < 100 * seconds and not depths[200:]:
        depths.append(segmenter.status()[keys.QUEUE_DEPTH])
        time.sleep(0.02)
    top.wait()
    got = results.fields(keys.PORT_MASKS)
    # each stretch is shorter than a frame: one partial frame of it, its frequency its own
    assert all(f[keys.CENTER_FREQUENCY] == 1e9 + f[keys.FRAME_INDEX] * 1e6 for f in got)
    indexes = [f[keys.FRAME_INDEX] for f in got]
    assert indexes == sorted(set(indexes))
    last = results.fields(keys.PORT_STATUS)[-1]
    assert last[keys.FRAMES] == len(got)
    assert last[keys.FRAMES] + last[keys.DROPPED] == framer.frames() == 100 * seconds - 1
    assert max(depths) <= 3 * 4
    if overload == "wait":
        assert last[keys.DROPPED] == 0
    else:
        assert last[keys.DROPPED] > 0
