# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that go away and come back: nothing hangs, and what is found before and after fits."""

import math
import re
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from event_brokers import free_port
from gnuradio import blocks, gr, zeromq
from gnuradio.radiofm.flowgraphs import WatchFlowgraph, make_segmenter
from gnuradio.radiofm.receivers import ReceiverSettings
from gnuradio.radiofm.reconnecting import source as reconnecting
from gnuradio.radiofm.reconnecting.bursts import BurstPlan, Dwell
from gnuradio.radiofm.reconnecting.patience import Listener, wait_before
from level_model import RATE, band, make_level_bundle, two_carriers, write_recording
from pretend_radio import Radio

from radiofm_core.errors import InputError, UsageError

LTE, NR = 1.8e9, 2.4e9
# More only means that it hangs; a busy machine may be without samples for seconds
WAIT_S, LOST_AFTER_S = 120.0, 3.0
RECEIVER = ("soapy=driver=pretend", RATE, LTE)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt"))


@pytest.fixture(scope="module")
def live(model):
    return make_segmenter(model=model, threads=1, overload="drop")


@pytest.fixture(scope="module")
def lossless(model):
    return make_segmenter(model=model, threads=1, overload="wait")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr("gnuradio.radiofm.reconnecting.patience.FIRST_WAIT_S", 0.2)
    # more than a busy machine takes to end a source
    monkeypatch.setattr(reconnecting, "HALT_S", 30.0)


@pytest.fixture
def radio(monkeypatch):
    made = Radio({None: np.tile(two_carriers(0.3), 2)})
    made.install(monkeypatch)
    yield made
    made.freed.set()


class Log(Listener):
    """What a source tells, in order."""

    def __init__(self):
        self.said, self.bursts, self.dropped, self.left_behind = [], [], 0, False
        # time of day
        self.begins = []

    def lost(self, reason):
        self.said.append(("lost", reason))

    def retry(self, reason, attempt, wait):
        self.said.append(("retry", attempt))
        self.left_behind = self.left_behind or "left behind" in reason

    def found(self, after):
        self.said.append(("found",))

    def overflowed(self, samples):
        self.dropped += samples

    def burst(self, burst):
        self.begins.append(time.time())
        self.bursts.append(burst)

    def kinds(self):
        return [words[0] for words in self.said]


class Stillness(threading.Thread):
    """How long this process stood still in all, as on a machine that is busy elsewhere: the host's
    date of samples is late by as much, and where that is a second, it is set back later (s)."""

    LOOK_S, MOST_S = 0.02, 0.3

    def __init__(self):
        super().__init__(daemon=True)
        self.seconds = 0.0
        self.ending = threading.Event()
        self.start()

    def run(self):
        before = time.monotonic()
        while not self.ending.wait(self.LOOK_S):
            now = time.monotonic()
            self.seconds += now - before if now - before > self.MOST_S else 0.0
            before = now


class Watch:
    """A source and its flowgraph; ``got``: the messages by port."""

    def __init__(self, segmenter, *given, patience=None, plan=None, frame=None):
        self.log = Log()
        self.got = {"emissions": [], "masks": [], "status": []}
        patience = patience or reconnecting.Patience(lost_after=LOST_AFTER_S)
        self.source = reconnecting.ReconnectingSource(
            *given, patience=patience, plan=plan, listener=self.log
        )
        self.flowgraph = WatchFlowgraph(
            self.source.stream,
            segmenter,
            lambda port, fields, _: self.got[port].append(fields),
            frame_duration=frame or 20e-3,
            ports=tuple(self.got),
        )

    def __enter__(self):
        self.stillness = Stillness()
        self.flowgraph.launch()
        self.source.start()
        return self

    def __exit__(self, *error):
        self.source.stop()
        if not self.flowgraph.ended(WAIT_S):
            self.flowgraph.halt(5.0)
        self.flowgraph.close()
        self.stillness.ending.set()

    def wait_for(self, what):
        end = time.monotonic() + WAIT_S
        while not what():
            assert time.monotonic() < end, (self.log.said, self.source.error)
            time.sleep(0.02)

    def starts(self):
        return [e for e in self.got["emissions"] if e["event"] == "start"]

    def ends(self):
        return [e for e in self.got["emissions"] if e["event"] == "end"]


def check_one_run(watch: Watch) -> None:
    """What was found over several connections is one run."""
    started = [e["burst_id"] for e in watch.starts()]
    assert len(set(started)) == len(started)
    assert sorted(e["burst_id"] for e in watch.ends()) == sorted(started)
    frames = watch.got["masks"]
    indexes = [f["frame_index"] for f in frames]
    assert indexes == sorted(set(indexes))
    for one, other in pairwise(frames):
        length = one["rows"] * one["row_samples"]
        assert other["sample_offset"] >= one["sample_offset"] + length
        between = sum(other["rx_time"]) - sum(one["rx_time"])
        assert between >= length / one["sample_rate"] - 1e-3 - watch.stillness.seconds
    assert all(abs(sum(f["rx_time"]) - time.time()) < 120 for f in frames)


@pytest.mark.parametrize("way", ["ends", "raises", "silent", "hangs"])
def test_a_receiver_is_unplugged_and_plugged_in_again(live, radio, way, monkeypatch):
    radio.way = way
    if way == "hangs":
        monkeypatch.setattr(reconnecting, "HALT_S", 1.0)
    settings = ReceiverSettings({"LNA": 16.0}, "RX2", 1.5e6, 2.0)
    with Watch(live, *RECEIVER, settings) as watch:
        watch.wait_for(watch.starts)
        radio.is_plugged = False
        watch.wait_for(lambda: ("retry", 2) in watch.log.said)
        # what was on air has ended
        assert len(watch.starts()) == len(watch.ends()) > 0
        before = len(watch.got["masks"])
        radio.is_plugged = True
        watch.wait_for(lambda: len(watch.got["masks"]) > before + 2)
        watch.wait_for(lambda: watch.log.said[-1] == ("found",))
    kinds = [kind for kind in watch.log.kinds() if kind != "retry"]
    assert kinds == ["found", "lost", "found"]
    assert radio.openings == 2
    assert watch.log.left_behind == (way == "hangs")
    # it is set up as before
    told = [words for words in radio.told if words[0] in ("gain", "antenna", "bandwidth", "ppm")]
    assert told[: len(told) // 2] == told[len(told) // 2 :]
    assert ("gain", "LNA", 16.0) in told and ("ppm", 2.0) in told
    check_one_run(watch)


def publisher(address: str) -> gr.top_block:
    """The two carriers over ZeroMQ, as fast as they would be received."""
    top = gr.top_block()
    source = blocks.vector_source_c(two_carriers(0.3).tolist(), True)
    paced = blocks.throttle(gr.sizeof_gr_complex, RATE, True)
    top.sink = zeromq.pub_sink(gr.sizeof_gr_complex, 1, address, 100, False)
    top.connect(source, paced, top.sink)
    top.start()
    return top


def test_a_zeromq_publisher_comes_late_dies_and_comes_again(live):
    address = f"tcp://127.0.0.1:{free_port()}"
    with Watch(live, f"zmq={address}", RATE, LTE) as watch:
        watch.wait_for(lambda: watch.log.said)
        assert re.fullmatch(r"lost no samples for [1-9]\d* s", " ".join(watch.log.said[0]))
        for _ in range(2):
            sender = publisher(address)
            watch.wait_for(lambda: watch.log.said[-1] == ("found",))
            count = len(watch.starts())
            watch.wait_for(lambda count=count: len(watch.starts()) > count + 1)
            sender.stop()
            sender.wait()
            del sender
            watch.wait_for(lambda: watch.log.kinds()[-1] == "retry")
    kinds = [kind for kind in watch.log.kinds() if kind != "retry"]
    assert kinds == ["lost", "found", "lost", "found", "lost"]
    check_one_run(watch)


def test_a_source_that_never_comes_is_given_up(live):
    patience = reconnecting.Patience(lost_after=0.4, fail_after=1.0)
    given = (f"zmq=tcp://127.0.0.1:{free_port()}", RATE)
    with Watch(live, *given, patience=patience) as watch:
        assert watch.flowgraph.ended(WAIT_S)
    assert re.search("zmq=.*: given up after [1-9][0-9]* s without samples$", watch.source.error)


def test_a_receiver_that_is_missing_at_the_start_is_an_error_unless_it_may_come(live, radio):
    radio.is_plugged = False
    with pytest.raises(InputError, match="driver=pretend"):
        Watch(live, *RECEIVER)
    patience = reconnecting.Patience(LOST_AFTER_S, math.inf)
    with Watch(live, *RECEIVER, patience=patience) as watch:
        watch.wait_for(lambda: ("retry", 2) in watch.log.said)
        radio.is_plugged = True
        watch.wait_for(lambda: watch.got["masks"])
    assert watch.log.kinds()[0] == "lost" and watch.log.kinds()[-1] == "found"


def test_waits_double_up_to_a_minute(monkeypatch):
    monkeypatch.undo()
    assert [wait_before(n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_tuning_lasts_over_a_loss(live, radio):
    with Watch(live, *RECEIVER) as watch:
        watch.wait_for(lambda: watch.got["masks"])
        watch.flowgraph.tune(NR)
        watch.wait_for(lambda: watch.got["masks"][-1]["center_frequency"] == NR)
        radio.is_plugged = False
        watch.wait_for(lambda: "lost" in watch.log.kinds())
        radio.is_plugged = True
        watch.wait_for(lambda: watch.log.said[-1] == ("found",))
        before = len(watch.got["masks"])
        watch.wait_for(lambda: len(watch.got["masks"]) > before + 1)
    assert [words[1] for words in radio.told if words[0] == "frequency"] == [LTE, NR, NR]
    assert watch.got["masks"][-1]["center_frequency"] == NR
    check_one_run(watch)


def test_every_frame_of_a_burst_is_judged(lossless, radio):
    plan = BurstPlan((Dwell(None, 0.25),), every=0.5, is_lossless=True)
    with Watch(lossless, *RECEIVER, plan=plan) as watch:
        watch.wait_for(lambda: len(watch.log.bursts) > 3)
    bursts = watch.log.bursts
    assert [b.begin for b in bursts[:3]] == [n * (round(0.25 * RATE) + 1) for n in range(3)]
    whole = [
        [f for f in watch.got["masks"] if b.begin <= f["sample_offset"] < n.begin]
        for b, n in pairwise(bursts)
    ]
    for burst, frames in zip(bursts, whole, strict=False):
        assert frames[0]["sample_offset"] == burst.begin and frames[-1]["last"]
        covered = sum(f["rows"] * f["row_samples"] for f in frames)
        assert 0 <= round(0.25 * RATE) - covered < frames[0]["row_samples"]
    assert watch.got["status"][-1]["dropped"] == 0
    # a busy host hears the samples of a burst late, and never before it begins
    begins = watch.log.begins
    assert all(later - earlier >= 0.49 for earlier, later in pairwise(begins))
    heard = [sum(frames[0]["rx_time"]) for frames in whole]
    assert all(moment >= begin - 0.02 for moment, begin in zip(heard, begins, strict=False))
    check_one_run(watch)


def test_a_burst_of_a_recording_keeps_the_recordings_time(lossless, tmp_path):
    recording = write_recording(tmp_path / "x", np.tile(two_carriers(0.3), 12))
    plan = BurstPlan((Dwell(None, 0.1),), every=0.3, is_lossless=True)
    with Watch(lossless, f"file={recording}", plan=plan) as watch:
        assert watch.flowgraph.ended(WAIT_S)
    assert watch.source.error == "" and len(watch.log.bursts) >= 2
    frames = watch.got["masks"]
    assert sum(frames[0]["rx_time"]) < 0.5 and 0.2 < sum(frames[-1]["rx_time"]) < 3.7


def test_a_sweep_finds_at_each_centre_what_is_there_and_throws_away_what_is_stale(lossless, radio):
    noise = 1e-3 * np.random.default_rng(1).standard_normal((60_000, 2)) @ (1, 1j)
    length = len(noise)
    radio.heard = {
        LTE: (noise + band(length, -700e3, -200e3, 0.1, 1)).astype(np.complex64),
        NR: (noise + band(length, 300e3, 800e3, 0.1, 2)).astype(np.complex64),
        None: noise.astype(np.complex64),
    }
    radio.stale = 0.05
    plan = BurstPlan(
        (Dwell(LTE, 0.1), Dwell(NR, 0.05), Dwell(3e9, 0.1)), settle=0.1, every=0.1, is_lossless=True
    )
    with Watch(lossless, "soapy=driver=pretend", RATE, plan=plan) as watch:
        watch.wait_for(lambda: watch.log.bursts and watch.log.bursts[-1].round > 3)
    bursts = watch.log.bursts
    assert [b.frequency for b in bursts[:6]] == [LTE, NR, 3e9] * 2
    assert [b.ends_round for b in bursts[:3]] == [False, False, True]
    found = {
        (e["label"], round((e["center_frequency"] - e["bandwidth"]) / 1e8)) for e in watch.ends()
    }
    assert found == {("lte", 18), ("nr", 24)}
    for frame in watch.got["masks"]:
        burst = [b for b in bursts if b.begin <= frame["sample_offset"]][-1]
        assert frame["center_frequency"] == burst.frequency
    check_one_run(watch)


def test_a_centre_that_a_receiver_refuses_ends_a_sweep_with_its_name(lossless, radio):
    radio.most = 3e9
    plan = BurstPlan((Dwell(LTE, 0.05), Dwell(9e9, 0.05)))
    with Watch(lossless, "soapy=driver=pretend", RATE, plan=plan) as watch:
        assert watch.flowgraph.ended(WAIT_S)
    assert "it cannot be tuned to 9000000000 Hz (out of range); leave it out" in watch.source.error


def test_samples_that_nobody_takes_are_counted(radio):
    log = Log()
    source = reconnecting.ReconnectingSource(*RECEIVER, listener=log)
    # nothing reads: the pipe holds a second
    source.start()
    end = time.monotonic() + WAIT_S
    while not log.dropped and time.monotonic() < end:
        time.sleep(0.05)
    source.stop()
    assert log.dropped > 0
    assert source.pipe.pushed() <= source.pipe.capacity()


def test_a_devices_own_time_tells_of_gaps_and_the_host_the_date(live, radio):
    radio.tags = (("rx_time", (77, 0.25)), ("rx_freq", 1.7e9))
    with Watch(live, *RECEIVER) as watch:
        watch.wait_for(lambda: len(watch.got["masks"]) > 2)
    assert watch.got["masks"][0]["center_frequency"] == 1.7e9
    check_one_run(watch)


def test_bursts_that_do_not_fit_into_memory_are_refused(radio):
    plan = BurstPlan((Dwell(None, 3600.0),), is_lossless=True)
    with pytest.raises(UsageError, match="3600 s at 1\\.92 MS/s do not fit into memory"):
        reconnecting.ReconnectingSource(*RECEIVER, plan=plan)


def test_a_usrp_is_set_up_and_corrected(live, radio):
    settings = ReceiverSettings({"PGA": 30.0}, "TX/RX", 2e6, 10.0, "external", "internal")
    with Watch(live, "uhd=type=b200", RATE, LTE, settings) as watch:
        watch.wait_for(lambda: watch.got["masks"])
    told = dict(words[:2] for words in radio.told)
    assert told["clock"] == "external" and told["antenna"] == "TX/RX" and told["bandwidth"] == 2e6
    assert told["frequency"] == pytest.approx(LTE / (1 + 10e-6))
    assert ("gain", 30.0, "PGA") in radio.told
    assert abs(told["now"] - time.time()) < 120
    assert watch.got["masks"][0]["center_frequency"] == LTE


def test_a_setting_that_a_receiver_refuses_is_named(live, radio):
    with pytest.raises(InputError, match="Antenna side"):
        Watch(live, *RECEIVER, ReceiverSettings(antenna="side"))
    with pytest.raises(UsageError, match="antenna 'side' is for receivers"):
        Watch(live, "zmq=tcp://127.0.0.1:5555", RATE, 1e9, ReceiverSettings(antenna="side"))
