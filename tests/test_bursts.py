# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotations of emissions that pause: burst by burst, so that labels can be learnt from them."""

import json
from pathlib import Path

import numpy as np
import pytest
import sigmf
from level_model import CENTER, RATE, band, make_level_bundle, write_recording
from radiofm_command import radiofm

from radiofm_core import keys
from radiofm_core.outputs.bursts import find_pauses
from radiofm_core.outputs.sigmf_emissions import annotations
from radiofm_core.spectrum.detections import FrameGeometry
from radiofm_core.spectrum.recordings import open_recording
from training.segmentation.data.annotations import read_boxes, truth_of_boxes
from training.waveforms.span import IGNORE

REAL = Path(__file__).parents[2] / "shared" / "data" / "iq" / "lte_hackrf"
LABELS = {"noise": 0, "lte": 1, "nr": 2, "other": 3, "unknown": IGNORE}
ROWS, COLS, STEP = 64, 256, 128
NAMES = ("noise", "lte", "nr", "other")


def frames(mask: np.ndarray, centers=(0.0,)):
    """A mask, (rows, COLS), in frames; centre frequencies by frame, the last one goes on."""
    for index in range(0, len(mask), ROWS):
        center = centers[min(index // ROWS, len(centers) - 1)]
        place = FrameGeometry(index * STEP, 256e3, center, (0, 0.0), STEP, COLS)
        yield mask[index : index + ROWS], place


def emission(first: int, last: int, low: int = 64, high: int = 128, label: str = "lte") -> dict:
    """Rows [first, last), columns [low, high) of a span of 1 kHz a column around 0 Hz."""
    return {
        keys.BURST_ID: 7,
        keys.LABEL: label,
        keys.CENTER_FREQUENCY: ((low + high) / 2 - 128.5) * 1e3,
        keys.BANDWIDTH: (high - low) * 1e3,
        keys.START_OFFSET: first * STEP,
        keys.END_OFFSET: last * STEP,
        keys.DURATION: (last - first) * STEP / 256e3,
        keys.ACTIVE_TIME: (last - first) * STEP / 256e3,
        keys.BURSTS: 3,
        keys.SNR_DB: 10.0,
    }


def rows_of(pauses) -> list[tuple[float, float]]:
    return [(burst.start / STEP, burst.stop / STEP) for burst in pauses.bursts]


def test_bursts_are_the_rows_in_which_the_emission_is_on_across_frames():
    mask = np.zeros((200, COLS), np.uint8)
    for first, last in ((10, 30), (32, 40), (60, 70), (100, 140), (199, 200)):
        mask[first:last, 64:128] = 1
    mask[140:180, 64:128] = 2  # another class in the band
    mask[80:90, 64:70] = 1  # a speck
    found = find_pauses(frames(mask), [emission(10, 200)], NAMES)
    # a pause of two rows is none
    assert rows_of(found[0]) == [(10, 40), (60, 70), (100, 140), (199, 200)]
    assert found[0].active_s == pytest.approx(81 * STEP / 256e3)
    bursts = found[0].bursts
    assert {(burst.low_hz, burst.high_hz) for burst in bursts} == {(-64.5e3, -0.5e3)}


def test_an_emission_that_is_on_all_the_time_has_one_annotation():
    mask = np.zeros((200, COLS), np.uint8)
    mask[:, 64:128] = 1
    mask[50:60] = 0
    mask[100:102] = 0
    whole = [emission(0, 200), emission(0, 200, 200, 210), emission(3, 4)]
    assert find_pauses(frames(mask), whole, NAMES) == {}


def test_a_burst_that_is_narrower_has_its_own_edges():
    mask = np.zeros((64, COLS), np.uint8)
    mask[0:20, 64:128] = 2
    mask[40:50, 80:110] = 2
    (first, second) = find_pauses(frames(mask), [emission(0, 64, label="nr")], NAMES)[0].bursts
    assert (first.low_hz, first.high_hz) == (-64.5e3, -0.5e3)
    assert (second.low_hz, second.high_hz) == ((80 - 128.5) * 1e3, (110 - 128.5) * 1e3)


def test_of_an_unknown_emission_every_class_counts():
    mask = np.zeros((64, COLS), np.uint8)
    mask[0:10, 64:128] = 2
    mask[30:40, 64:128] = 3
    found = find_pauses(frames(mask), [emission(0, 64, label="unknown")], NAMES)
    assert rows_of(found[0]) == [(0, 10), (30, 40)]


def test_a_frame_that_was_judged_otherwise_is_no_pause():
    mask = np.zeros((3 * ROWS, COLS), np.uint8)
    mask[10:30, 64:128] = 1
    mask[70:100, 64:128] = 2  # the whole of its band in the second frame
    mask[130:150, 64:128] = 1
    found = find_pauses(frames(mask), [emission(10, 150)], NAMES)
    assert rows_of(found[0]) == [(10, 30), (70, 100), (130, 150)]


def test_a_retune_ends_a_burst_and_columns_follow_the_receiver():
    mask = np.zeros((192, COLS), np.uint8)
    mask[32:64, 64:128] = 1
    mask[64:96, 32:96] = 1
    mask[128:] = 1
    found = find_pauses(frames(mask, (0.0, 32e3, 1e6)), [emission(0, 192)], NAMES)
    assert rows_of(found[0]) == [(32, 64), (64, 96)]


def test_too_many_bursts_leave_the_emission_one_box_that_says_so():
    mask = np.zeros((640, COLS), np.uint8)
    mask[::10, 64:128] = mask[::64, 200:230] = 1
    both = [emission(0, 640), emission(0, 640, 200, 230)]
    found = find_pauses(frames(mask), both, NAMES, max_bursts=20)
    assert (len(found[0].bursts), len(found[1].bursts)) == (0, 10)
    (box,) = annotations(both[0], 5, "radiofm", found[0])
    assert box["core:sample_start"] == 5 and box["core:sample_count"] == 640 * STEP
    assert box["core:label"] == "lte" and "on the air for 10% of it" in box["core:comment"]
    assert box["radiofm:active_time"] == pytest.approx(64 * STEP / 256e3)


def test_one_box_with_pauses_is_not_scored_in_training(tmp_path):
    samples = np.exp(0.1j * np.arange(640 * STEP)).astype(np.complex64)
    recording = write_recording(tmp_path / "a", samples)
    shared = {
        "core:sample_start": 0,
        "core:sample_count": len(samples),
        "core:label": "lte",
        "core:freq_lower_edge": CENTER - RATE / 8,
        "core:freq_upper_edge": CENTER + RATE / 8,
    }
    whole_s = len(samples) / RATE
    for active_s, expected in ((None, 1), (whole_s, 1), (0.5 * whole_s, IGNORE)):
        box = shared | ({} if active_s is None else {"radiofm:active_time": active_s})
        meta = json.loads(recording.read_text())
        recording.write_text(json.dumps(meta | {"annotations": [box]}))
        (read,) = read_boxes(open_recording(recording), LABELS)
        assert read.label == expected


def noise_under_labels(recording, meta_path: Path, mask_path: Path, low: float, high: float):
    """Of the rows of the mask in which nothing is within two rows: the share of pixels between
    two edges (Hz) that the annotations call a signal."""
    boxes = read_boxes(open_recording(meta_path), LABELS)
    with np.load(mask_path) as stored:
        mask, hertz = stored["mask"], stored["frequency_hz"]
        step = round((stored["time_s"][1] - stored["time_s"][0]) * recording.sample_rate)
    span = (recording.captures[0].center_frequency, recording.sample_rate)
    truth = truth_of_boxes(boxes, 0, step, mask.shape, span)
    inside = (hertz > low) & (hertz < high)
    quiet = (mask[:, inside] == 0).mean(axis=1) > 0.95
    quiet = np.convolve(quiet, np.ones(5), "same") > 4.5
    assert quiet.sum() > 20
    return (truth[np.ix_(quiet, inside)] != 0).mean(), truth, mask


@pytest.fixture(scope="module")
def tdd(tmp_path_factory):
    """A carrier on for 3 of 5 ms, beside one that is on all the time: (recording, results)."""
    folder = tmp_path_factory.mktemp("tdd")
    count = round(0.1 * RATE)
    signal = np.random.default_rng(1).standard_normal((count, 2)) @ (1, 1j) * 3e-3
    signal += band(count, 300e3, 800e3, 0.1, 3)
    bursts = band(count, -700e3, -200e3, 0.1, 2)
    gate = (np.arange(count) / RATE) % 5e-3 < 3e-3
    # with ramps of 0.1 ms: a hard switch is heard in the whole span
    bursts *= np.convolve(gate, np.hanning(192) / np.hanning(192).sum(), "same")
    meta = write_recording(folder / "tdd", (signal + bursts).astype(np.complex64))
    model = make_level_bundle(folder / "level.pt")
    done = radiofm("segment", meta, "--out", folder / "out", "--model", model)
    assert done.returncode == 0, done.stderr
    return open_recording(meta), folder / "out"


def test_a_carriers_pauses_are_noise_in_labels_made_from_its_annotations(tdd):
    recording, out = tdd
    paths = out / "tdd.sigmf-meta", out / "tdd.mask.npz"
    share, truth, mask = noise_under_labels(recording, *paths, CENTER - 690e3, CENTER - 210e3)
    assert share < 0.02
    sure = truth != IGNORE
    assert sure.mean() > 0.95 and (truth == mask)[sure].mean() > 0.97


def test_annotations_of_a_carrier_are_grouped_and_valid(tdd):
    _, out = tdd
    described = sigmf.fromfile(out / "tdd.sigmf-meta")
    described.validate()
    found = described.get_annotations()
    starts = [item["core:sample_start"] for item in found]
    assert starts == sorted(starts)
    lte = [item for item in found if item["core:label"] == "lte"]
    nr = [item for item in found if item["core:label"] == "nr"]
    assert (len(lte), len(nr)) == (20, 1)
    assert len({item["radiofm:burst_id"] for item in lte}) == 1
    assert len({item["core:comment"] for item in lte}) == 1
    assert "one of 20 bursts of emission" in lte[0]["core:comment"]
    ramp = 0.2e-3 * RATE
    for number, item in enumerate(lte):
        assert abs(item["core:sample_start"] - number * 5e-3 * RATE) <= ramp
        assert abs(item["core:sample_count"] - 3e-3 * RATE) <= 2 * ramp
    # one emission, one line
    lines = (out / "tdd.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["label"] for line in lines) == ["lte", "nr"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real recordings (../shared/data/iq) are absent")
def test_a_real_tdd_carriers_pauses_are_noise(tmp_path):
    meta = REAL / "lte_tdd20_2360M.sigmf-meta"
    done = radiofm("segment", meta, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    paths = tmp_path / meta.name, tmp_path / f"{meta.stem}.mask.npz"
    share, truth, mask = noise_under_labels(open_recording(meta), *paths, -np.inf, np.inf)
    sure = truth != IGNORE
    difference = abs((mask == 0)[sure].mean() - (truth == 0)[sure].mean())
    assert share < 0.05 and difference < 0.05, (share, difference)
