# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of answers that a picture and a table are made of, and the picture."""

import io

import numpy as np
import pytest
from motion_model import make_motion_bundle
from PIL import Image

from radiofm_core.bundle import read_bundle_info
from radiofm_core.csi.activity import UNKNOWN, Activity
from radiofm_core.csi.classify import Answer
from radiofm_core.outputs.activity_picture import SENDERS, write_activity_picture
from radiofm_core.outputs.activity_record import (
    MAX_COLUMNS,
    MAX_MOMENTS,
    MAX_RUNS,
    MAX_SENDERS,
    ActivityRecord,
    Thinned,
)

STILL, MOVING = (0x5B, 0x62, 0x70), (0x23, 0xC4, 0xFF)


@pytest.fixture(scope="module")
def info(tmp_path_factory):
    return read_bundle_info(make_motion_bundle(tmp_path_factory.mktemp("models") / "motion.pt"))


def answer(start_s, label="STILL", source="", duration_s=0.5, cuts=0, rows=50):
    shown = np.full((rows, 53, 2), 5.0 if label == "MOVING" else 0.1, np.float32)
    activity = Activity(label, 0.9, {}, round(start_s * 1e9), duration_s, 3.0, 100.0, 0, source)
    return Answer(activity, shown, 0.01, cuts)


def record_of(answers):
    record = ActivityRecord()
    for each in answers:
        record.add(each)
    return record


def picture_of(record, info):
    """uint8 (height, width, 3)."""
    file = io.BytesIO()
    write_activity_picture(file, "a $name", ["one $fact"], record, info, 0.4)
    return np.asarray(Image.open(file).convert("RGB"))


def share_of(pixels, color):
    return (np.abs(pixels.astype(int) - color).max(-1) < 6).mean()


def test_thinning_keeps_every_nth_item():
    thinned = Thinned(100)
    for k in range(1000):
        thinned.add(k)
    assert thinned.stride == 16 and len(thinned.items) < 100
    assert thinned.items == list(range(0, 1000, 16))


def test_runs_join_answers_of_one_label():
    labels = ["STILL"] * 4 + ["MOVING"] * 6 + ["STILL"] * 2
    record = record_of([answer(k / 2, label) for k, label in enumerate(labels)])
    runs = record.longest_runs(10)
    assert [(r.label, r.start_s, r.end_s) for r in runs] == [
        ("STILL", 0, 2),
        ("MOVING", 2, 5),
        ("STILL", 5, 6),
    ]
    assert record.num_runs == 3 and record.end_s == 6
    assert [r.label for r in record.longest_runs(1)] == ["MOVING"]
    assert runs[0].confidence == pytest.approx(0.9) and runs[0].motion_db == pytest.approx(3.0)


def test_a_pause_ends_a_run_and_keeps_its_time():
    record = record_of([answer(s) for s in (0, 0.5, 60, 60.5)])
    assert [(r.start_s, r.end_s) for r in record.longest_runs(9)] == [(0, 1), (60, 61)]


def test_after_a_jump_of_the_clock_time_goes_on():
    times = [100, 100.5, 101, 3.0, 3.5, 9e8, 9e8 + 0.5]
    cuts = [0, 0, 0, 1, 1, 1, 1]
    record = record_of([answer(s, cuts=c) for s, c in zip(times, cuts, strict=True)])
    (sender,) = record.senders()
    assert [m.start_s for m in sender.moments.items] == pytest.approx(np.arange(7) / 2)
    assert sender.breaks == pytest.approx([1.5, 2.5])


def test_memory_does_not_grow_with_the_file():
    record = ActivityRecord()
    for k in range(30_000):
        label = "STILL" if k % 2 else "MOVING"
        record.add(answer(k / 2, label, source=f"sender {k % 40}", rows=1, duration_s=0.01))
    senders = record.senders()
    assert len(senders) == MAX_SENDERS
    for sender in senders:
        assert len(sender.moments.items) < MAX_MOMENTS
        assert len(sender.columns.items) < MAX_COLUMNS
        assert len(list(sender.runs())) <= 2 * MAX_RUNS + 1
        # a column is a copy, not a view that keeps its window alive
        assert all(values.base is None for _, values in sender.columns.items)


def test_the_picture_shows_labels_in_their_colors_where_they_are(info):
    labels = ["STILL"] * 10 + ["MOVING"] * 10
    pixels = picture_of(record_of([answer(k / 2, label) for k, label in enumerate(labels)]), info)
    assert pixels.shape[1] == 1680
    left, right = pixels[:, 130:840], pixels[400:, 860:1560]
    assert share_of(left, STILL) > 0.03 and share_of(left[400:], MOVING) == 0
    assert share_of(right, MOVING) > 0.06 and share_of(right, STILL) < 0.005


def test_a_pause_is_left_empty(info):
    pixels = picture_of(record_of([answer(s) for s in (0, 0.5, 9, 9.5)]), info)
    middle = pixels[150:500, 400:1200]
    assert np.ptp(middle.reshape(-1, 3), axis=0).max() < 12


def test_several_senders_have_panels_each(info):
    heights = []
    for count in (1, 2, SENDERS, SENDERS + 3):
        answers = [
            answer(k / 2, (UNKNOWN, "MOVING")[k % 2], f"sender {s}")
            for k in range(20)
            for s in range(count)
        ]
        heights.append(len(picture_of(record_of(answers), info)))
    assert heights[0] < heights[1] < heights[2] == heights[3]
