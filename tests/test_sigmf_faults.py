# SPDX-License-Identifier: GPL-3.0-or-later
"""The SigMF sink where something goes wrong: one line, counted, and the flowgraph goes on."""

import ast
import math
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from activity_flow import MessageSource
from event_brokers import until
from framer_flow import Halting
from gnuradio import gr, radiofm
from gnuradio.radiofm.pmts.messages import to_pmt
from gnuradio.radiofm.recorder.continuous_writer import RETRY_S
from gnuradio.radiofm.recorder.sigmf_writer import SigmfWriter
from hostile_messages import as_messages, foreign, spoilt
from level_model import write_recording
from sigmf_flow import (
    RATE,
    START,
    emission,
    logged,
    pairs_in,
    ramp,
    run_samples,
)

from radiofm_core import keys
from radiofm_core.errors import UsageError
from radiofm_core.spectrum.recordings import open_recording


def test_foreign_messages_are_counted_and_leave_the_annotations_alone(tmp_path, capfd):
    spoilt_events = spoilt(emission(100, 900), keep=(keys.ACTIVE_TIME, keys.BURSTS))
    hostile = [*foreign(), *as_messages(spoilt_events)]
    sent = MessageSource([*hostile, to_pmt(emission(200, 700, 77))], port=keys.PORT_EMISSIONS)
    sink = radiofm.sigmf_sink(tmp_path, RATE)
    top = gr.top_block()

    def all_came():
        return any('radiofm:burst_id": 77' in p.read_text() for p in tmp_path.glob("*-meta"))

    source = Halting(ramp(1000), START, {999}, all_came, 60.0)
    top.connect(source, sink)
    top.msg_connect(sent, keys.PORT_EMISSIONS, sink, keys.PORT_EMISSIONS)
    top.run()
    (pair,) = pairs_in(tmp_path)
    assert 77 in [a["radiofm:burst_id"] for a in pair.annotations]
    status = sink.status()
    assert len(foreign()) < status["failed"] <= len(hostile)
    told = [line for line in logged(capfd) if "could not be handled" in line]
    assert 1 <= len(told) <= 3


def test_a_folder_that_cannot_be_made_is_one_line_and_is_tried_again(tmp_path, capfd):
    place = tmp_path / "place"
    place.write_text("a file")
    sink = radiofm.sigmf_sink(place / "out", RATE)
    top = gr.top_block()

    def repaired():
        failed_at = failures.get("at")
        if failed_at is None and sink.status().get("failed"):
            failures["at"] = time.monotonic()
            place.unlink()
        # until it is tried again
        return failed_at is not None and time.monotonic() - failed_at > RETRY_S + 0.5

    failures: dict[str, float] = {}
    source = Halting(ramp(100_000), START, {50_000}, repaired, 60.0)
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
import numpy as np
from gnuradio import blocks, gr, radiofm
# as on a full disk, a write fails with some bytes written
resource.setrlimit(resource.RLIMIT_FSIZE, (500_004, 500_004))
source = blocks.vector_source_c(np.fromfile(sys.argv[1], np.complex64))
sink = radiofm.sigmf_sink(sys.argv[2], 1e6)
top = gr.top_block()
top.connect(source, sink)
top.run()
print(sink.status())
"""


def test_a_file_that_takes_no_more_ends_with_its_last_whole_write(tmp_path):
    out = tmp_path / "out"
    ramp(300_000).tofile(tmp_path / "samples")
    command = [sys.executable, "-c", LIMITED, tmp_path / "samples", out]
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


def test_a_save_that_fails_leaves_nothing_and_can_be_tried_again(tmp_path, capfd):
    sink = radiofm.sigmf_sink(tmp_path, RATE, mode="on_demand", history=1.0)
    run_samples(sink, ramp(300_000), START)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_004, limits[1]))
    try:
        assert sink.save() is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
    assert (sink.status()["files"], sink.status()["samples"]) == (0, 0)
    assert sink.status()["dropped"] == 300_000
    (told,) = logged(capfd)
    assert "nothing saved: " in told and "(File too large)" in told
    assert sink.save() is not None
    (pair,) = pairs_in(tmp_path)
    assert (pair.samples == ramp(300_000)).all()


KILLED = """
import sys, time
from gnuradio import gr, radiofm
source = radiofm.recording_source(sys.argv[1], real_time=True, repeat=True)
sink = radiofm.sigmf_sink(sys.argv[2], 1e6)
top = gr.top_block()
top.connect(source, sink)
top.start()
print("started", flush=True)
time.sleep(600)
"""


def test_a_killed_program_leaves_a_pair_that_can_be_read(tmp_path):
    # longer than the file can become: one capture
    write_recording(tmp_path / "long", ramp(5_000_000), **{"core:sample_rate": RATE})
    command = [sys.executable, "-c", KILLED, tmp_path / "long.sigmf-meta", tmp_path / "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "started\n"

        out = tmp_path / "out"

        def written() -> int:
            return sum(path.stat().st_size for path in out.glob("*.sigmf-data")) // 8

        until(lambda: written() > 100_000, "samples", 60)
        (early,) = pairs_in(out)  # readable while it is written
        until(lambda: written() > len(early.samples), "more samples", 60)
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
        ({"sample_rate": 0}, "sample_rate: expected 1 S/s or more, got 0"),
        ({"sample_rate": math.nan}, "sample_rate: expected 1 S/s or more, got nan"),
        ({"center_frequency": math.inf}, "center_frequency: expected a finite number, got inf"),
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
    def left() -> list[int]:
        return [len(os.listdir(f"/proc/self/{what}")) for what in ("fd", "task")]

    for run in range(20):
        if run == 5:
            before = left()
        run_samples(radiofm.sigmf_sink(tmp_path, RATE), ramp(1000), START)
    # what was told to stop ends a moment later
    until(lambda: all(now <= then + 2 for now, then in zip(left(), before, strict=True)), "its end")
