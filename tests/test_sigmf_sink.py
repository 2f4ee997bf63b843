# SPDX-License-Identifier: GPL-3.0-or-later
"""The SigMF sink: no sample lost or changed, emissions where they are, files that others read."""

import time
import uuid

import numpy as np
import pytest
from framer_flow import end_tag, tag, time_value
from gnuradio import blocks, gr, radiofm
from level_flow import FRAME_S, write_two_carriers
from level_model import CENTER, two_carriers, write_recording
from level_model import RATE as LEVEL_RATE
from sigmf_flow import (
    RATE,
    START,
    START_S,
    emission,
    pairs_in,
    ramp,
    run_samples,
    run_with_emissions,
)

from radiofm_core import keys
from radiofm_core.errors import UsageError
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec

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


def test_a_flowgraph_that_is_stopped_ends_its_file_and_its_emissions(tmp_path, one_thread):
    # so long that nothing begins anew
    samples = np.tile(two_carriers(0.25), 20)
    write_two_carriers(tmp_path, samples, endless_for=0.5)
    (pair,) = pairs_in(tmp_path / "out")
    assert pair.meta["global"]["radiofm:complete"] is True
    assert (pair.samples == samples[: len(pair.samples)]).all()
    (lte,) = [a for a in pair.annotations if a["core:label"] == "lte"]
    assert 0 < lte["core:sample_count"] <= len(pair.samples)


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
    with pytest.raises(UsageError, match=r"sample rate .* expected 1 S/s or more"):
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
