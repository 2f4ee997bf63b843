# SPDX-License-Identifier: GPL-3.0-or-later
"""The SigMF sink: no sample lost or changed, emissions where they are, files that others read."""

import ast
import math
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pmt
import pytest
from activity_flow import MessageSource
from framer_flow import Halting, end_tag, tag, time_value
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm.pmts.messages import to_pmt
from gnuradio.radiofm.runtime.sigmf_writer import SigmfWriter
from hostile_messages import as_messages, foreign, spoilt
from level_flow import FRAME_S, write_two_carriers
from level_model import CENTER, two_carriers, write_recording
from level_model import RATE as LEVEL_RATE
from sigmf_flow import RATE, pairs_in, ramp, run_samples

from radiofm_core import keys
from radiofm_core.errors import UsageError
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec

START_S = 1_700_000_000
START = [tag(0, "rx_time", time_value(START_S, 0.25)), tag(0, "rx_freq", 1e9)]


def emission(start: int, stop: int, number: int = 0, event: str = "end", **more) -> dict:
    """An event of the tracker about samples [start, stop)."""
    return {
        keys.EVENT: event,
        keys.BURST_ID: number,
        keys.LABEL: "lte",
        keys.CONFIDENCE: 0.9,
        keys.CENTER_FREQUENCY: 1e9,
        keys.BANDWIDTH: 2e5,
        keys.START_TIME: start / RATE,
        keys.DURATION: (stop - start) / RATE,
        keys.START_OFFSET: start,
        keys.END_OFFSET: stop,
        keys.SNR_DB: 20.0,
        keys.PWR_DB: -30.0,
        keys.ACTIVE_TIME: (stop - start) / RATE,
        keys.BURSTS: 1,
        **more,
    }


def logged(capfd) -> list[str]:
    """The lines that GNU Radio's log got: it has both streams."""
    return "".join(capfd.readouterr()).splitlines()


def run_with_emissions(sink, samples, events, tags=START) -> None:
    """Run samples and events of a tracker into a sink; the samples end after the events."""
    sent = MessageSource([to_pmt(e) for e in events], port=keys.PORT_EMISSIONS)
    taken = blocks.message_debug()
    top = gr.top_block()
    halt = len(samples) - 1
    source = Halting(samples, tags, {halt}, lambda: taken.num_messages() == len(events), 5.0)
    top.connect(source, sink)
    for receiver, port in ((sink, keys.PORT_EMISSIONS), (taken, "store")):
        top.msg_connect(sent, keys.PORT_EMISSIONS, receiver, port)
    top.run()


# A real model's way from samples to annotations


@pytest.mark.parametrize("file_duration", [0.0, 0.05])
def test_samples_come_back_bit_for_bit_with_their_emissions(tmp_path, one_thread, file_duration):
    samples = two_carriers(0.2)
    write_two_carriers(tmp_path, samples, file_duration=file_duration)
    pairs = pairs_in(tmp_path / "out")
    assert len(pairs) == (1 if not file_duration else 4)
    assert (np.concatenate([pair.samples for pair in pairs]) == samples).all()
    row = 2 * SpectrogramSpec().row_samples(SpectrogramSpec().hops_per_row(LEVEL_RATE, FRAME_S))
    begin, quarter = 0, len(samples) // 4
    on_the_air = {"lte": (0, len(samples)), "nr": (quarter, 3 * quarter)}
    edges = {"lte": (-700e3, -200e3), "nr": (300e3, 800e3)}
    for pair in pairs:
        assert pair.meta["global"]["radiofm:complete"] is True
        stop = begin + len(pair.samples)
        expected = {
            label: (max(first, begin), min(last, stop))
            for label, (first, last) in on_the_air.items()
            if min(last, stop) - max(first, begin) > row
        }
        found = [a for a in pair.annotations if a["core:sample_count"] > row]
        assert sorted(a["core:label"] for a in found) == sorted(expected)
        for each in found:
            first, last = expected[each["core:label"]]
            place = begin + each["core:sample_start"]
            assert place == pytest.approx(first, abs=row)
            assert place + each["core:sample_count"] == pytest.approx(last, abs=row)
            assert stop >= place + each["core:sample_count"]
            low, high = edges[each["core:label"]]
            assert each["core:freq_lower_edge"] == pytest.approx(CENTER + low, abs=3e4)
            assert each["core:freq_upper_edge"] == pytest.approx(CENTER + high, abs=3e4)
            assert str(uuid.UUID(each["core:uuid"])) == each["core:uuid"]
        begin = stop
    uuids = [a["core:uuid"] for pair in pairs for a in pair.annotations]
    assert len(uuids) == len(set(uuids))
    assert open_recording(pairs[0].path).num_samples == len(pairs[0].samples)


# Samples and files


@pytest.mark.parametrize("limit", [{"file_size": 8 * 30_000}, {"file_duration": 0.03}])
def test_files_end_at_exactly_their_size_or_duration_and_lose_nothing(tmp_path, limit):
    samples = ramp(100_000)
    status = run_samples(radiofm.sigmf_sink(tmp_path, RATE, **limit), samples, START)
    pairs = pairs_in(tmp_path)
    assert [len(pair.samples) for pair in pairs] == [30_000, 30_000, 30_000, 10_000]
    assert (np.concatenate([pair.samples for pair in pairs]) == samples).all()
    opened = [open_recording(pair.path).captures[0] for pair in pairs]
    assert [c.time_frac for c in opened] == pytest.approx([0.25, 0.28, 0.31, 0.34], abs=1e-9)
    assert {(c.time_s, c.center_frequency) for c in opened} == {(START_S, 1e9)}
    last = status[-1]
    assert (last["files"], last["samples"], last["dropped"]) == (4, 100_000, 0)
    assert last["path"] == str(pairs[-1].path.with_suffix(".sigmf-data"))


def test_retunes_and_gaps_are_captures_and_a_rate_begins_a_file(tmp_path):
    samples = ramp(50_000)
    tags = [
        *START,
        tag(10_000, "rx_freq", 2e9),
        # as a receiver tells that nothing is missing
        tag(15_000, "rx_time", time_value(START_S, 0.25 + 0.015)),
        tag(20_000, "rx_time", time_value(START_S + 9, 0.5)),
        tag(30_000, "rx_rate", 2e6),
        tag(40_000, "rx_freq", 2e9),
    ]
    run_samples(radiofm.sigmf_sink(tmp_path, RATE), samples, tags)
    first, second = pairs_in(tmp_path)
    assert (np.concatenate([first.samples, second.samples]) == samples).all()
    assert [c["core:sample_start"] for c in first.captures] == [0, 10_000, 20_000]
    assert [c["core:frequency"] for c in first.captures] == [1e9, 2e9, 2e9]
    times = [c["core:datetime"] for c in first.captures]
    assert times[:2] == ["2023-11-14T22:13:20.250000000Z", "2023-11-14T22:13:20.260000000Z"]
    assert times[2] == "2023-11-14T22:13:29.500000000Z"
    assert second.meta["global"]["core:sample_rate"] == 2e6
    assert second.captures == [
        {
            "core:sample_start": 0,
            "core:frequency": 2e9,
            "core:datetime": "2023-11-14T22:13:29.510000000Z",
        }
    ]


def test_what_a_recording_ends_with_is_no_sample(tmp_path):
    write_recording(tmp_path / "short", ramp(1000))
    source = radiofm.recording_source(tmp_path / "short", repeat=True)
    top = gr.top_block()
    sink = radiofm.sigmf_sink(tmp_path / "out", LEVEL_RATE)
    top.connect(source, blocks.head(8, 3 * 1001), sink)
    top.run()
    (pair,) = pairs_in(tmp_path / "out")
    assert (pair.samples == np.tile(ramp(1000), 3)).all()
    assert [c["core:sample_start"] for c in pair.captures] == [0, 1000, 2000]


def test_samples_after_an_end_are_skipped_until_a_new_beginning(tmp_path):
    tags = [*START, end_tag(1000), tag(3000, "rx_freq", 1e9)]
    run_samples(radiofm.sigmf_sink(tmp_path, RATE), ramp(5000), tags)
    (pair,) = pairs_in(tmp_path)
    assert (pair.samples == np.delete(ramp(5000), slice(1000, 3000))).all()
    assert [c["core:sample_start"] for c in pair.captures] == [0, 1000]


def test_without_tags_the_time_is_the_computers(tmp_path):
    begin = time.time()
    run_samples(radiofm.sigmf_sink(tmp_path, RATE, 1e9), ramp(1000))
    (pair,) = pairs_in(tmp_path)
    (capture,) = open_recording(pair.path).captures
    assert begin - 1 <= capture.time_s + capture.time_frac <= time.time()
    assert capture.center_frequency == 1e9


@pytest.mark.parametrize(("datatype", "full_scale"), [("ci16_le", 32768), ("ci8", 128)])
def test_integers_have_full_scale_and_what_is_beyond_is_clipped_and_counted(
    tmp_path, datatype, full_scale
):
    rng = np.random.default_rng(1)
    within = rng.integers(-full_scale, full_scale, (5000, 2)).astype(np.float32)
    beyond = np.array([[2, 0], [0, -9], [1, 1], [np.nan, 0.5], [np.inf, -np.inf]], np.float32)
    halves = np.array([[0.5, 1.5], [-0.5, -1.5]], np.float32) / full_scale
    parts = np.concatenate([within / full_scale, beyond, halves])
    sink = radiofm.sigmf_sink(tmp_path, RATE, datatype=datatype)
    status = run_samples(sink, parts.astype(np.float32).view(np.complex64)[:, 0])
    (pair,) = pairs_in(tmp_path)
    most, least = full_scale - 1, -full_scale
    clipped = [[most, 0], [0, least], [most, most], [0, full_scale // 2], [most, least]]
    expected = np.concatenate([within, clipped, [[0, 2], [0, -2]]])
    assert (pair.stored == expected).all()
    assert status[-1]["clipped"] == len(beyond)


def test_files_that_are_there_are_kept_and_only_own_ones_deleted(tmp_path):
    run_samples(radiofm.sigmf_sink(tmp_path, RATE, file_size=8000), ramp(3000), START)
    own = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert {path.name[:27] for path in own} == {"capture_20231114T221320Z_00"}
    sink = radiofm.sigmf_sink(tmp_path, RATE, file_size=8000, max_files=2)
    run_samples(sink, ramp(5000, 7000), START)
    assert all(path.read_bytes() == content for path, content in own.items())
    pairs = pairs_in(tmp_path)
    assert len(pairs) == 3 + 2
    assert (np.concatenate([p.samples for p in pairs[3:]]) == ramp(2000, 10_000)).all()


def test_a_sink_that_runs_again_begins_another_file(tmp_path):
    sink = radiofm.sigmf_sink(tmp_path, RATE)
    for run in range(3):
        status = run_samples(sink, ramp(1000, run), START)
        assert (status[-1]["files"], status[-1]["samples"]) == (1, 1000)
    pairs = pairs_in(tmp_path)
    assert [pair.samples[0] for pair in pairs] == [ramp(1, run)[0] for run in range(3)]


def test_rate_and_frequency_can_be_set_while_it_runs(tmp_path):
    sink = radiofm.sigmf_sink(tmp_path, RATE)
    sink.set_center_frequency(3e9)
    sink.set_sample_rate(2e6)
    run_samples(sink, ramp(1000))
    (pair,) = pairs_in(tmp_path)
    assert pair.meta["global"]["core:sample_rate"] == 2e6
    assert pair.captures[0]["core:frequency"] == 3e9
    with pytest.raises(UsageError, match=r"sample rate .* must be 1 S/s or more"):
        sink.set_sample_rate(0)


# Emissions


def test_each_file_has_its_part_of_an_emission(tmp_path):
    events = [
        emission(12_000, 12_000, 3, "start"),
        emission(12_000, 35_000, 3),
        emission(500, 900, 4),
        emission(25_000, 27_000, 5, "start"),  # no end: goes on
        emission(100, 200, 6, "start"),
        emission(100, 200, 6, merged_into=3),
    ]
    sink = radiofm.sigmf_sink(tmp_path, RATE, file_size=80_000)
    run_with_emissions(sink, ramp(40_000), events)
    found = [
        [(a["radiofm:burst_id"], a["core:sample_start"], a["core:sample_count"]) for a in each]
        for each in (pair.annotations for pair in pairs_in(tmp_path))
    ]
    assert found == [
        [(4, 500, 400)],
        [(3, 2000, 8000)],
        [(3, 0, 10_000), (5, 5000, 5000)],
        [(3, 0, 5000), (5, 0, 10_000)],
    ]


def test_edges_stay_within_what_the_receiver_saw(tmp_path):
    wide = emission(100, 900, **{keys.BANDWIDTH: 5e6})
    run_with_emissions(radiofm.sigmf_sink(tmp_path, RATE), ramp(1000), [wide])
    (found,) = pairs_in(tmp_path)[0].annotations
    assert (found["core:freq_lower_edge"], found["core:freq_upper_edge"]) == (0.9995e9, 1.0005e9)


def test_foreign_messages_are_counted_and_leave_the_annotations_alone(tmp_path, capfd):
    spoilt_events = spoilt(emission(100, 900), keep=(keys.ACTIVE_TIME, keys.BURSTS))
    hostile = [*foreign(), *as_messages(spoilt_events)]
    sent = MessageSource([*hostile, to_pmt(emission(200, 700, 77))], port=keys.PORT_EMISSIONS)
    sink = radiofm.sigmf_sink(tmp_path, RATE)
    top = gr.top_block()

    def all_came():
        return any('radiofm:burst_id": 77' in p.read_text() for p in tmp_path.glob("*-meta"))

    source = Halting(ramp(1000), START, {999}, all_came, 20.0)
    top.connect(source, sink)
    top.msg_connect(sent, keys.PORT_EMISSIONS, sink, keys.PORT_EMISSIONS)
    top.run()
    (pair,) = pairs_in(tmp_path)
    assert 77 in [a["radiofm:burst_id"] for a in pair.annotations]
    status = sink.status()
    assert len(foreign()) < status["failed"] <= len(hostile)
    told = [line for line in logged(capfd) if "could not be handled" in line]
    assert 1 <= len(told) <= 3


# On demand


def on_demand(folder, **options):
    return radiofm.sigmf_sink(folder, RATE, mode="on_demand", **options)


def test_on_demand_the_last_seconds_are_written(tmp_path):
    sink = on_demand(tmp_path, history=0.3)
    status = run_samples(sink, ramp(1_000_000), START)
    assert list(tmp_path.iterdir()) == []
    assert status[-1]["history"] == pytest.approx(0.3)
    path = sink.save()
    (pair,) = pairs_in(tmp_path)
    assert path == pair.path.with_suffix(".sigmf-data")
    assert (pair.samples == ramp(300_000, 700_000)).all()
    (capture,) = open_recording(pair.path).captures
    assert capture.time_s + capture.time_frac == pytest.approx(START_S + 0.95, abs=1e-6)


def test_a_memory_limit_that_is_too_small_is_told_and_kept(tmp_path, capfd):
    sink = on_demand(tmp_path, history=10.0, memory_limit=2)
    run_samples(sink, ramp(1_000_000), START)
    (told,) = [line for line in logged(capfd) if "memory_limit" in line]
    assert "memory_limit 2 MiB holds 0.262 s of the 10 s of history at 1 MS/s; raise it to" in told
    sink.save()
    (pair,) = pairs_in(tmp_path)
    assert 100_000 < len(pair.samples) <= 2 * 2**20 // 8
    assert (pair.samples == ramp(1_000_000)[-len(pair.samples) :]).all()


def test_a_message_saves_while_samples_go_on(tmp_path):
    samples = np.tile(ramp(1000), 1000)
    write_recording(tmp_path / "loop", samples, **{"core:sample_rate": RATE})
    source = radiofm.recording_source(tmp_path / "loop", real_time=True)
    sink = on_demand(tmp_path / "out", history=0.1)
    strobe = blocks.message_strobe(pmt.make_dict(), 250)
    top = gr.top_block()
    top.connect(source, sink)
    top.msg_connect(strobe, "strobe", sink, keys.PORT_SAVE)
    top.start()
    deadline = time.monotonic() + 10
    while sink.status()["files"] < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    top.stop()
    top.wait()
    pairs = pairs_in(tmp_path / "out")
    assert len(pairs) >= 2
    for pair in pairs:
        assert len(pair.samples) == 100_000
        first = round(float(pair.samples[0].real) * 1000)
        assert (pair.samples == np.roll(samples, -first)[:100_000]).all()
    assert sink.status()["dropped"] == 0


def test_an_emission_that_is_on_is_annotated_up_to_now(tmp_path):
    sink = on_demand(tmp_path, history=0.01)
    events = [emission(45_000, 45_500, 1, "start"), emission(20_000, 30_000, 2)]
    run_with_emissions(sink, ramp(50_000), events)
    sink.save()
    (pair,) = pairs_in(tmp_path)
    (found,) = pair.annotations
    assert found["radiofm:burst_id"] == 1
    assert (found["core:sample_start"], found["core:sample_count"]) == (5000, 5000)


def test_a_change_of_rate_begins_the_history_anew(tmp_path):
    sink = on_demand(tmp_path, history=1.0)
    run_samples(sink, ramp(50_000), [*START, tag(30_000, "rx_rate", 2e6)])
    sink.save()
    (pair,) = pairs_in(tmp_path)
    assert (pair.samples == ramp(20_000, 30_000)).all()
    assert pair.meta["global"]["core:sample_rate"] == 2e6


def test_nothing_to_save_is_told_in_one_line(tmp_path, capfd):
    sink = on_demand(tmp_path / "out")
    assert sink.save() is None
    (told,) = logged(capfd)
    assert told.endswith("nothing saved: there are no samples yet")
    assert not (tmp_path / "out").exists()


def test_in_continuous_mode_saving_ends_a_file(tmp_path):
    sink = radiofm.sigmf_sink(tmp_path, RATE)
    top = gr.top_block()
    saved = []

    def save():
        if sink.status()["samples"] >= 1000 and not saved:
            saved.append(sink.save())
        return bool(saved)

    source = Halting(ramp(3000), START, {1000}, save, 5.0)
    top.connect(source, sink)
    top.run()
    pairs = pairs_in(tmp_path)
    assert [len(pair.samples) for pair in pairs] == [1000, 2000]
    assert saved == [pairs[0].path.with_suffix(".sigmf-data")]


# What goes wrong


def test_a_folder_that_cannot_be_made_is_one_line_and_is_tried_again(tmp_path, capfd):
    place = tmp_path / "place"
    place.write_text("a file")
    sink = radiofm.sigmf_sink(place / "out", RATE)
    top = gr.top_block()
    begin = time.monotonic()

    def repaired():
        if time.monotonic() - begin > 0.5 and place.is_file():
            place.unlink()
        return time.monotonic() - begin > 2.0

    source = Halting(ramp(100_000), START, {50_000}, repaired, 3.0)
    top.connect(source, sink)
    top.run()
    status = sink.status()
    assert status["dropped"] + status["samples"] == 100_000
    (pair,) = pairs_in(place / "out")
    assert (pair.samples == ramp(100_000)[-len(pair.samples) :]).all()
    assert len(pair.samples) >= 50_000
    told = [line for line in logged(capfd) if "cannot be written" in line]
    assert len(told) == 1
    assert f"{place / 'out'}: samples cannot be written" in told[0]
    assert "cannot be written" in status["error"] and status["failed"] >= 1


LIMITED = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from gnuradio import radiofm
from framer_flow import tag
from sigmf_flow import ramp, run_samples
# as on a full disk, a write fails with some bytes written
resource.setrlimit(resource.RLIMIT_FSIZE, (500_004, 500_004))
status = run_samples(radiofm.sigmf_sink(sys.argv[1], 1e6), ramp(300_000), [tag(0, "rx_freq", 1e9)])
print(status[-1])
"""


def test_a_file_that_takes_no_more_ends_with_its_last_whole_write(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", LIMITED, out, Path(__file__).parent]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    *log, last = done.stdout.splitlines()
    status = ast.literal_eval(last)
    assert status["samples"] + status["dropped"] == 300_000
    assert status["samples"] > 0 and status["dropped"] > 0
    assert "File too large" in status["error"]
    told = [line for line in [*log, *done.stderr.splitlines()] if "cannot be written" in line]
    assert len(told) == 1, told
    pairs = pairs_in(out)
    assert sum(len(pair.samples) for pair in pairs) == status["samples"]
    assert (pairs[0].samples == ramp(len(pairs[0].samples))).all()


KILLED = """
import sys, time
from gnuradio import gr, radiofm
source = radiofm.recording_source(sys.argv[1], real_time=True, repeat=True)
sink = radiofm.sigmf_sink(sys.argv[2], 1e6)
top = gr.top_block()
top.connect(source, sink)
top.start()
print("started", flush=True)
time.sleep(60)
"""


def test_a_killed_program_leaves_a_pair_that_can_be_read(tmp_path):
    # longer than the file can become: one capture
    write_recording(tmp_path / "long", ramp(5_000_000), **{"core:sample_rate": RATE})
    command = [sys.executable, "-c", KILLED, tmp_path / "long.sigmf-meta", tmp_path / "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "started\n"
        time.sleep(0.6)
        (early,) = pairs_in(tmp_path / "out")  # readable while it is written
        time.sleep(1.5)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
    (pair,) = pairs_in(tmp_path / "out")
    assert pair.path == early.path
    assert len(pair.samples) > len(early.samples) > 100_000
    assert (pair.samples == ramp(len(pair.samples))).all()
    assert pair.meta["global"]["radiofm:complete"] is False
    assert open_recording(pair.path).num_samples == len(pair.samples)


@pytest.fixture
def slow_disk(monkeypatch):
    """4 MB/s."""
    fill = SigmfWriter._fill

    def slow(self, pair, store, most):
        before = self.samples
        problem = fill(self, pair, store, min(most, 20_000))
        time.sleep((self.samples - before) * 8 / 4e6)
        return problem

    monkeypatch.setattr(SigmfWriter, "_fill", slow)


def test_a_slow_disk_holds_up_the_flowgraph_when_told_to_wait(tmp_path, slow_disk):
    sink = radiofm.sigmf_sink(tmp_path, RATE, memory_limit=1)
    status = run_samples(sink, ramp(500_000), START)
    assert status[-1]["dropped"] == 0
    (pair,) = pairs_in(tmp_path)
    assert (pair.samples == ramp(500_000)).all() and len(pair.captures) == 1


def test_a_slow_disk_costs_counted_samples_when_told_to_drop(tmp_path, slow_disk):
    sink = radiofm.sigmf_sink(tmp_path, RATE, memory_limit=1, overload="drop")
    status = run_samples(sink, ramp(500_000), START)[-1]
    assert status["dropped"] > 10_000
    assert status["samples"] + status["dropped"] == 500_000
    (pair,) = pairs_in(tmp_path)
    # each capture tells when its first sample came
    for capture, stop in zip(
        pair.captures, [*(c["core:sample_start"] for c in pair.captures[1:]), None], strict=True
    ):
        part = pair.samples[capture["core:sample_start"] : stop]
        fraction = float("0" + capture["core:datetime"][19:-1])
        first = round((fraction - 0.25) * RATE)
        assert (part == ramp(len(part), first)).all()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"sample_rate": 0}, "sample rate 0.000000 S/s must be 1 S/s or more"),
        ({"sample_rate": math.nan}, "sample rate nan S/s must be 1 S/s or more"),
        ({"center_frequency": math.inf}, "center frequency inf Hz must be a finite number"),
        ({"mode": "now"}, "mode: expected one of continuous, on_demand, got 'now'"),
        ({"overload": "x"}, "overload: expected one of wait, drop, got 'x'"),
        ({"datatype": "cu8"}, "datatype 'cu8' cannot be written; use one of cf32_le, ci16_le, ci8"),
        ({"prefix": "a/b"}, "prefix: expected 1 to 100 characters of a file's name, got 'a/b'"),
        ({"prefix": ""}, "prefix: expected 1 to 100 characters of a file's name, got ''"),
        ({"file_size": -1}, "file_size: expected an integer, 0 or more, got -1"),
        ({"file_duration": -0.1}, "file_duration: expected 0 s or more, got -0.1"),
        ({"max_files": 1.5}, "max_files: expected an integer, 0 or more, got 1.5"),
        ({"history": 0}, "history: expected more than 0 s, got 0"),
        ({"memory_limit": 0}, "memory_limit: expected an integer, 1 or more, got 0"),
    ],
)
def test_a_wrong_parameter_is_one_line(tmp_path, options, line):
    with pytest.raises(UsageError) as caught:
        radiofm.sigmf_sink(**{"folder": tmp_path, "sample_rate": RATE, **options})
    assert str(caught.value) == line


def test_the_sink_leaves_no_thread_or_file_open(tmp_path):
    for run in range(20):
        if run == 5:
            before = [len(os.listdir(f"/proc/self/{what}")) for what in ("fd", "task")]
        run_samples(radiofm.sigmf_sink(tmp_path, RATE), ramp(1000), START)
    time.sleep(0.2)
    after = [len(os.listdir(f"/proc/self/{what}")) for what in ("fd", "task")]
    assert all(now <= then + 2 for now, then in zip(after, before, strict=True))
