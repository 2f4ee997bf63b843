# SPDX-License-Identifier: GPL-3.0-or-later
"""The segmenter block: nothing lost under `wait`, drops counted, errors survived, timely status."""

import time

import numpy as np
import pytest
from event_brokers import until
from gnuradio import radiofm
from segmenter_flow import (
    ORDER_LONG,
    ORDER_NAN,
    ORDER_RAISE,
    RATE,
    SPEC,
    FrameSource,
    Results,
    SegmenterFlow,
    band_frame,
    frame_meta,
    make_bundle,
    order_frame,
    run_frames,
)

from radiofm_core import keys
from radiofm_core.errors import BundleError, UsageError


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny.pt")


@pytest.fixture(scope="module")
def slow_bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "slow.pt", pause=0.05)


def run_dropping(model, count=300, rate=200.0):
    """Frames at ten times the rate that the model can take, which gets no batches."""
    flow = SegmenterFlow(
        FrameSource([band_frame()], [frame_meta(i) for i in range(count)], rate),
        radiofm.spectrogram_segmenter(model, threads=1, max_batch=1, overload="drop"),
    )
    flow.run()
    return flow


def test_mask_follows_the_power(bundle):
    flow = run_frames(bundle, [band_frame(slice(100, 200), slice(10, 50))], [frame_meta(0)])
    ((fields, mask),) = flow.results.got[keys.PORT_MASKS]
    mask = mask.reshape(fields[keys.ROWS], fields[keys.COLS])
    expected = np.zeros((256, 256), np.uint8)
    expected[100:200, 10:50] = 1
    assert np.array_equal(mask, expected)
    assert fields[keys.CLASSES] == ["noise", "lte", "nr", "wifi", "other"]
    assert fields[keys.MODEL] == "tiny"
    assert fields[keys.DROPPED] == 0
    assert 0 < fields[keys.LATENCY] < 10
    expected_meta = frame_meta(0)
    assert {key: fields[key] for key in expected_meta} == expected_meta


def test_detection_lies_where_the_band_lies(bundle):
    flow = run_frames(bundle, [band_frame(slice(100, 200), slice(64, 192))], [frame_meta(0)])
    (found,) = flow.results.fields(keys.PORT_DETECTIONS)[0][keys.DETECTIONS]
    assert found[keys.LABEL] == "lte"
    assert found[keys.CENTER_FREQUENCY] == pytest.approx(1.8e9 - RATE / 512, abs=RATE / 256)
    assert found[keys.BANDWIDTH] == pytest.approx(RATE / 2, abs=2 * RATE / 256)
    row = frame_meta(0)[keys.ROW_DURATION]
    assert found[keys.START_TIME] == pytest.approx(100 * row, abs=row)
    assert found[keys.DURATION] == pytest.approx(100 * row, abs=2 * row)
    assert found[keys.CONFIDENCE] == pytest.approx(0.9, abs=0.01)


def test_fragments_of_another_label_follow_the_verdict(bundle):
    # the tiny model calls what is above -30 dB nr
    frame = band_frame(slice(100, 200), slice(64, 192), -33.0)
    frame[120:140, 80:100] = -29.0
    flow = run_frames(bundle, [frame], [frame_meta(0)])
    (found,) = flow.results.fields(keys.PORT_DETECTIONS)[0][keys.DETECTIONS]
    assert found[keys.LABEL] == "lte"
    ((_, mask),) = flow.results.got[keys.PORT_MASKS]
    expected = np.zeros((256, 256), np.uint8)
    expected[100:200, 64:192] = 1
    assert np.array_equal(mask.reshape(256, 256), expected)


def test_a_frame_that_errs_does_not_change_an_emissions_label(bundle):
    lte, nr = band_frame(), band_frame()
    nr[nr > -60] = -20.0
    frames = [lte, lte, lte, nr, lte, nr, lte]
    flow = run_frames(bundle, frames, [frame_meta(i) for i in range(len(frames))], threads=2)
    for fields in flow.results.fields(keys.PORT_DETECTIONS):
        assert [found[keys.LABEL] for found in fields[keys.DETECTIONS]] == ["lte"]
    for _, mask in flow.results.got[keys.PORT_MASKS]:
        assert set(np.unique(mask)) == {0, 1}
    (end,) = [
        fields
        for fields in flow.results.fields(keys.PORT_EMISSIONS)
        if fields[keys.EVENT] == keys.EVENT_END
    ]
    assert end[keys.LABEL] == "lte"
    # a run begins without what an earlier one knew
    flow = run_frames(bundle, [nr], [frame_meta(0)])
    (found,) = flow.results.fields(keys.PORT_DETECTIONS)[0][keys.DETECTIONS]
    assert found[keys.LABEL] == "nr"


def test_confidence_below_the_limit_is_unknown(bundle):
    flow = run_frames(bundle, [band_frame()], [frame_meta(0)], min_confidence=0.95)
    (found,) = flow.results.fields(keys.PORT_DETECTIONS)[0][keys.DETECTIONS]
    assert found[keys.LABEL] == "unknown"
    assert flow.results.indexes() == [0]


@pytest.mark.parametrize("max_batch", [1, 3, 8])
def test_wait_loses_nothing_with_a_slow_model(slow_bundle, max_batch):
    count = 41
    flow = run_frames(
        slow_bundle,
        [band_frame()] * count,
        [frame_meta(i) for i in range(count)],
        max_batch=max_batch,
    )
    assert flow.results.indexes() == list(range(count))
    assert flow.results.indexes(keys.PORT_DETECTIONS) == list(range(count))
    assert flow.segmenter.status()[keys.DROPPED] == 0


def test_each_mask_belongs_to_its_frame(bundle):
    count = 30
    flow = run_frames(
        bundle,
        [band_frame(slice(i, i + 5)) for i in range(count)],
        [frame_meta(i) for i in range(count)],
    )
    assert flow.results.indexes() == list(range(count))
    for fields, mask in flow.results.got[keys.PORT_MASKS]:
        rows = np.flatnonzero(mask.reshape(256, 256).any(axis=1))
        first = fields[keys.FRAME_INDEX]
        assert (rows[0], rows[-1]) == (first, first + 4)


def test_drop_counts_every_frame_that_is_missing(slow_bundle):
    count = 300
    flow = run_dropping(slow_bundle, count)
    indexes = flow.results.indexes()
    status = flow.segmenter.status()
    assert indexes == sorted(set(indexes))
    assert 5 < len(indexes) < count // 2
    assert status[keys.FRAMES] == len(indexes)
    assert status[keys.DROPPED] + status[keys.FRAMES] == count
    # each message tells how many frames were missing by then
    drops = [fields[keys.DROPPED] for fields in flow.results.fields(keys.PORT_MASKS)]
    assert drops == sorted(drops)
    assert drops[-1] > 0


def test_drop_segments_what_waits_at_the_end_of_a_stream(slow_bundle):
    # all there at once, and less than may wait: a short recording into a live flowgraph
    metas = [frame_meta(i) for i in range(4)]
    flow = run_frames(slow_bundle, [band_frame()] * 4, metas, overload="drop", max_batch=4)
    assert flow.results.indexes() == [0, 1, 2, 3]
    assert flow.segmenter.status()[keys.DROPPED] == 0


def test_drop_keeps_the_latency_bounded(slow_bundle):
    flow = run_dropping(slow_bundle)
    latencies = [fields[keys.LATENCY] for fields in flow.results.fields(keys.PORT_MASKS)]
    # one call in flight, one frame waiting; were all kept, 15 s would wait at the end
    assert np.median(latencies) < 1.0


@pytest.mark.parametrize("order", [ORDER_RAISE, ORDER_NAN])
def test_bad_answer_costs_one_frame_and_is_reported(bundle, order):
    frames = [band_frame()] * 12
    frames[5] = order_frame(order)
    flow = run_frames(bundle, frames, [frame_meta(i) for i in range(12)])
    assert flow.results.indexes() == [i for i in range(12) if i != 5]
    status = flow.segmenter.status()
    assert status[keys.FRAMES] == 11
    assert status[keys.FAILED] == 1
    assert ("ordered to raise" if order == ORDER_RAISE else "not finite") in status[keys.ERROR]


def test_model_that_always_fails_logs_one_line(bundle, capfd):
    count = 40
    frames, metas = [order_frame(ORDER_RAISE)] * count, [frame_meta(i) for i in range(count)]
    flow = run_frames(bundle, frames, metas)
    assert flow.results.indexes() == []
    assert flow.segmenter.status()[keys.FAILED] == count
    log = "".join(capfd.readouterr())
    assert log.count("ordered to raise") == 1
    assert f"{count} frames had no result" in log


def test_a_backlog_that_raises_costs_no_frame_and_logs_one_line(bundle, capfd):
    def backlog():
        raise RuntimeError("who knows")

    source = FrameSource([band_frame()] * 20, [frame_meta(i) for i in range(20)])
    flow = SegmenterFlow(source, radiofm.spectrogram_segmenter(bundle))
    flow.segmenter.set_backpressure(backlog, 4)
    flow.run()
    assert flow.results.indexes() == list(range(20))
    assert "".join(capfd.readouterr()).count("who knows") == 1


@pytest.mark.parametrize("rows", [1, 7, 16, 100, 255])
def test_partial_frame_gives_its_valid_rows(bundle, rows):
    frames = [band_frame(), band_frame(), band_frame()]
    frames[1][rows:] = SPEC.floor_db
    metas = [frame_meta(0), frame_meta(1, rows=rows), frame_meta(2)]
    flow = run_frames(bundle, frames, metas)
    assert flow.results.indexes() == [0, 1, 2]
    fields, mask = flow.results.got[keys.PORT_MASKS][1]
    assert fields[keys.ROWS] == rows
    assert mask.shape == (rows * 256,)
    assert np.array_equal(mask.reshape(rows, 256), (frames[1][:rows] > -60).astype(np.uint8))


def test_mixed_rates_and_lengths_keep_their_order(bundle):
    rates = [19.2e6, 19.2e6, 61.44e6, 1.92e6, 61.44e6, 61.44e6, 19.2e6] * 3
    metas = [frame_meta(i, rate, rows=256 - 16 * (i % 2)) for i, rate in enumerate(rates)]
    flow = run_frames(bundle, [band_frame()] * len(rates), metas)
    assert flow.results.indexes() == list(range(len(rates)))
    assert [f[keys.SAMPLE_RATE] for f in flow.results.fields(keys.PORT_MASKS)] == rates


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        (None, "no `frame` tag"),
        (frame_meta(1, spec="0123456789abcdef"), "0123456789abcdef"),
        (frame_meta(1, rows=300), "300 rows"),
        (frame_meta(1, rows=0), "rows: expected a number above 0, got 0"),
        (frame_meta(1, channels=2), "(2, 256)"),
        (frame_meta(1, rows="many"), "rows: expected a non-negative integer, got 'many'"),
        ({"rows": 256}, "lacks cols"),
        ("text", "expected a dict, got 'text'"),
    ],
)
def test_frame_that_does_not_fit_is_refused_by_name(bundle, meta, reason):
    flow = run_frames(bundle, [band_frame()] * 3, [frame_meta(0), meta, frame_meta(2)])
    assert flow.results.indexes() == [0, 2]
    assert reason in flow.segmenter.status()[keys.ERROR]


def test_status_comes_once_a_second(slow_bundle):
    flow = SegmenterFlow(
        FrameSource([band_frame()], [frame_meta(0)], repeat=True),
        radiofm.spectrogram_segmenter(slow_bundle, threads=1),
    )
    flow.start()
    until(lambda: len(flow.results.times.get(keys.PORT_STATUS, [])) >= 5, "status", 120)
    flow.stop()
    flow.wait()
    times = flow.results.times[keys.PORT_STATUS][:5]
    # a busy machine may hold up one of them
    assert np.median(np.diff(times)) == pytest.approx(1.0, abs=0.5)
    status = flow.results.fields(keys.PORT_STATUS)[1]
    assert set(status) >= {"frames", "dropped", "queue_depth", "latency_p50", "latency_p99", "msps"}
    assert status["frames"] > 5
    assert 0 < status["latency_p50"] <= status["latency_p99"]
    assert status["msps"] > 0


def test_model_call_does_not_starve_other_python_code(tmp_path):
    flow = SegmenterFlow(
        FrameSource([order_frame(ORDER_LONG)], [frame_meta(0)], repeat=True),
        radiofm.spectrogram_segmenter(
            make_bundle(tmp_path / "s.pt", work_s=0.2), threads=1, precision="fp32"
        ),
    )
    flow.start()
    until(flow.results.indexes, "the first mask", 60)
    turns, first = 0, len(flow.results.indexes())
    while len(flow.results.indexes()) < first + 10:
        time.sleep(0.001)
        turns += 1
    flow.stop()
    flow.wait()
    # were the GIL held in a call of 0.2 s, this loop would turn a few times for each
    assert turns > 100


def test_two_segmenters_in_one_process(bundle, slow_bundle):
    count = 20
    flows = [
        SegmenterFlow(
            FrameSource([band_frame()] * count, [frame_meta(i) for i in range(count)]),
            radiofm.spectrogram_segmenter(model, threads=1),
        )
        for model in (bundle, slow_bundle)
    ]
    for flow in flows:
        flow.start()
    for flow in flows:
        flow.wait()
    for flow in flows:
        assert flow.results.indexes() == list(range(count))


def test_flowgraph_runs_again_after_its_end(bundle):
    flow = run_frames(bundle, [band_frame()] * 5, [frame_meta(i) for i in range(5)])
    assert flow.results.indexes() == list(range(5))
    flow.results.got.clear()
    flow.run()
    assert flow.results.indexes() == list(range(5))
    # of this run alone
    assert flow.segmenter.status()[keys.FRAMES] == 5


def test_slow_receiver_holds_up_the_model(bundle):
    deepest = 0

    class SlowReceiver(Results):
        def __call__(self, port, fields, data):
            nonlocal deepest
            deepest = max(deepest, flow.sink.backlog())
            time.sleep(0.01)
            super().__call__(port, fields, data)

    count = 60
    flow = SegmenterFlow(
        FrameSource([band_frame()] * count, [frame_meta(i) for i in range(count)]),
        radiofm.spectrogram_segmenter(bundle, max_batch=2),
        callback=SlowReceiver(),
    )
    flow.segmenter.set_backpressure(flow.sink.backlog, 8)
    flow.run()
    assert flow.results.indexes() == list(range(count))
    assert deepest <= 8 + 2 * 3


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"overload": "panic"}, UsageError, "'panic'"),
        ({"max_batch": 0}, UsageError, "max_batch: .*got 0"),
        ({"max_batch": "all"}, UsageError, "max_batch: expected an integer.* got 'all'"),
        ({"min_confidence": "high"}, UsageError, "min_confidence: .* got 'high'"),
        ({"threads": -1}, UsageError, "threads: .*got -1"),
        ({"min_confidence": 1.5}, UsageError, "1.5"),
        ({"device": "cuda:99"}, UsageError, "cuda:99"),
        ({"device": "tpu"}, UsageError, "tpu"),
        ({"precision": "fp7"}, UsageError, "fp7"),
        ({"model": "no-such-model"}, BundleError, "no-such-model"),
    ],
)
def test_wrong_parameter_is_named(bundle, options, error, named):
    with pytest.raises(error, match=named) as caught:
        radiofm.spectrogram_segmenter(**{"model": bundle, **options})
    assert "\n" not in str(caught.value)
