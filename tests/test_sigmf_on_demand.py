# SPDX-License-Identifier: GPL-3.0-or-later
"""The SigMF sink keeps the last seconds, and writes them when that is asked for."""

import numpy as np
import pmt
import pytest
from event_brokers import until
from framer_flow import Halting, tag
from gnuradio import gr, radiofm
from level_model import write_recording
from sigmf_flow import (
    RATE,
    START,
    START_S,
    emission,
    logged,
    pairs_in,
    ramp,
    run_samples,
    run_with_emissions,
)

from radiofm_core import keys
from radiofm_core.spectrum.recordings import open_recording


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


class Asking(gr.basic_block):
    """Asks for a file when it is told to."""

    def __init__(self):
        gr.basic_block.__init__(self, "asking", in_sig=None, out_sig=None)
        self.message_port_register_out(pmt.intern("ask"))

    def ask(self):
        self.message_port_pub(pmt.intern("ask"), pmt.make_dict())


def test_a_message_saves_while_samples_go_on(tmp_path):
    samples = np.tile(ramp(1000), 1000)
    write_recording(tmp_path / "loop", samples, **{"core:sample_rate": RATE})
    source = radiofm.recording_source(tmp_path / "loop", real_time=True)
    sink = on_demand(tmp_path / "out", history=0.1)
    top, asking = gr.top_block(), Asking()
    top.connect(source, sink)
    top.msg_connect(asking, "ask", sink, keys.PORT_SAVE)
    top.start()
    # before, a file is shorter
    until(lambda: sink.status()["history"] >= 0.1, "a whole history", 60)
    for count in (1, 2):
        asking.ask()
        until(lambda least=count: sink.status()["files"] >= least, "a file", 60)
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

    source = Halting(ramp(3000), START, {1000}, save, 60.0)
    top.connect(source, sink)
    top.run()
    pairs = pairs_in(tmp_path)
    assert [len(pair.samples) for pair in pairs] == [1000, 2000]
    assert saved == [pairs[0].path.with_suffix(".sigmf-data")]
