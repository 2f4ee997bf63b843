# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows to train and score on: the right labels at the right instants, changed at random."""

from dataclasses import replace

import numpy as np
import pytest
from csi_clips import clip_of, moving_packets

from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.subcarriers import HT_20
from radiofm_core.errors import InputError
from training.activity.data.augment import Augmentation, augmented, plain
from training.activity.data.clips import Clip, Span, clip_of_one, from_db, spans_of, thinned
from training.activity.data.windows import (
    MARGIN_S,
    SCORED_HOP_S,
    SCORED_S,
    TRAIN_HOP_S,
    UNLABELLED,
    WindowSet,
    scored_set,
    training_set,
)

SPEC = CsiSpec(duration_s=1.0, hop_s=0.5)
CLASSES = ("A", "B")
SECOND = 1_000_000_000
NOTHING = Augmentation(1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def changing():
    """A for 3 s, then B for 3 s; the amplitude rises a little all the time."""
    spans = (Span(0, 3 * SECOND, "A"), Span(3 * SECOND, 6 * SECOND, "B"))
    return clip_of(1 + 0.0001 * np.arange(600), 100.0, spans)


def test_labels_of_packets_become_spans():
    spans = spans_of(["A", "A", "B", "A"], [0, 10, 20, 30], 40)
    assert spans == (Span(0, 20, "A"), Span(20, 30, "B"), Span(30, 40, "A"))


def test_training_windows_have_the_label_of_each_instant(changing):
    windows = training_set([changing], SPEC, CLASSES)
    rows = round((SPEC.duration_s + 2 * MARGIN_S) * SPEC.rate_hz)
    assert windows.values.shape[1] == rows and windows.labels.shape[1] == rows
    # their middles, as long as from one to the next, reach from the first packet to the last one
    before = (SPEC.duration_s - TRAIN_HOP_S) / 2 + MARGIN_S
    starts = -before + TRAIN_HOP_S * np.arange(len(windows))
    assert 5.99 <= starts[-1] + before + TRAIN_HOP_S <= 6 + TRAIN_HOP_S
    times = starts[:, None] + np.arange(rows) / 100
    # what lies before and after the clip is mirrored
    times = np.where(times < 0, -times, times)
    times = np.where(times > 5.99, 2 * 5.99 - times, times)
    sure = np.abs(times - 3) > 0.011
    assert np.array_equal(windows.labels[sure], (times > 3)[sure].astype(np.uint8))
    assert set(windows.groups) == {"group"}
    unlabelled = training_set([changing], SPEC, ())
    assert (unlabelled.labels == UNLABELLED).all()


def test_instants_without_a_label_are_unlabelled():
    clip = clip_of(np.ones(600), 100.0, (Span(2 * SECOND, 3 * SECOND, "B"),))
    windows = training_set([clip], SPEC, CLASSES)
    assert set(np.unique(windows.labels)) == {1, UNLABELLED}
    _, _, targets = plain(windows, np.arange(len(windows)), SPEC)
    assert (targets.sum(1) == 1).all() and (targets[:, 0] == 0).all()


def test_scored_windows_lie_within_one_activity_each(changing):
    windows = scored_set([changing], SPEC, CLASSES)
    each = int((3 - SCORED_S) / SCORED_HOP_S) + 1
    _, _, targets = plain(windows, np.arange(len(windows)), SPEC)
    assert np.array_equal(targets.argmax(1), np.repeat([0, 1], each))
    middle = slice((SPEC.rows - 50) // 2 + 1, (SPEC.rows + 50) // 2 - 1)
    labels = windows.labels[:, middle]
    assert (labels == labels[:, :1]).all()


def whole_clip(seconds, label="A", rate_hz=250.0):
    amplitude = np.random.default_rng(0).uniform(1, 1.1, (round(seconds * rate_hz), 56))
    return clip_of_one(0, label, amplitude, HT_20, rate_hz)


@pytest.mark.parametrize(
    ("seconds", "trained", "scored"), [(0.5, 3, 1), (0.9, 5, 2), (1.0, 5, 1), (2.0, 3, 3)]
)
def test_clips_that_are_scored_as_a_whole_give_windows_within_them(seconds, trained, scored):
    clips = [whole_clip(seconds), whole_clip(seconds, "B")]
    for windows, count in (
        (training_set(clips, SPEC, CLASSES), trained),
        (scored_set(clips, SPEC, CLASSES), scored),
    ):
        assert len(windows) == 2 * count
        assert np.array_equal(windows.labels[:, 0], np.repeat([0, 1], count))
        # all of one activity, mirrored ends too
        assert (windows.labels == windows.labels[:, :1]).all()
        assert np.array_equal(windows.answers, np.repeat([0, count], count))


def test_margins_are_whole_rows_at_any_rate():
    spec = CsiSpec(duration_s=1.0, hop_s=0.5, rate_hz=56.0)
    windows = training_set([whole_clip(2.0)], spec, CLASSES)
    assert windows.values.shape[1] == 56 + 2 * 17


def test_clips_without_windows_are_one_line():
    with pytest.raises(InputError, match="00000 A gives no window"):
        scored_set([whole_clip(1.0, rate_hz=5.0)], SPEC, CLASSES)
    with pytest.raises(InputError, match=r"1 clips \(clip \.\.\.\) give no window"):
        training_set([clip_of(np.ones(10), 5.0)], SPEC, ())


def test_packets_are_averaged_to_what_bodies_need():
    amplitude = np.arange(20.0).reshape(10, 2)
    values, rate = thinned(amplitude, 1000.0)
    assert rate == 250 and np.array_equal(values, [[3, 4], [11, 12]])
    values, rate = thinned(amplitude, 400.0)
    assert rate == 400 and np.array_equal(values, amplitude)
    assert from_db(np.array([0.0, 20.0, -6.0206])) == pytest.approx([1, 10, 0.5])


# ---- augmentation


@pytest.fixture(scope="module")
def walking():
    packets = moving_packets(1.0, 6.0)
    spans = (Span(0, 3 * SECOND, "A"), Span(3 * SECOND, 7 * SECOND, "B"))
    return training_set([Clip("walk", "walk", packets, spans)], SPEC, CLASSES)


def test_without_changes_a_window_stays(walking):
    index = np.arange(len(walking))
    values, received, targets = plain(walking, index, SPEC)
    same, same_received, same_targets = augmented(
        walking, index, SPEC, NOTHING, np.random.default_rng(0)
    )
    assert np.allclose(values, same, rtol=2e-3, atol=2e-3)
    assert np.array_equal(received, same_received)
    assert np.array_equal(targets, same_targets)


def test_changes_follow_the_seed_and_keep_shape_and_sign(walking):
    index = np.arange(len(walking)).repeat(4)
    how = Augmentation()
    first, again = (augmented(walking, index, SPEC, how, np.random.default_rng(3)) for _ in "ab")
    assert all(map(np.array_equal, first, again))
    values, _, targets = first
    assert values.shape == (len(index), SPEC.rows, SPEC.subcarriers, 1)
    assert np.isfinite(values).all() and (values > 0).all()
    assert np.allclose(targets.sum(1), 1)
    other, *_ = augmented(walking, index, SPEC, how, np.random.default_rng(4))
    assert not np.allclose(values, other)


def test_what_slower_senders_and_bursts_leave_out_is_interpolated(walking):
    index = np.arange(len(walking)).repeat(20)
    how = replace(NOTHING, slower=0.5, bursts=0.5)
    values, received, _ = augmented(walking, index, SPEC, how, np.random.default_rng(0))
    whole, had, _ = plain(walking, index, SPEC)
    shares = received.mean(1)
    assert 0.08 < shares.min() < 0.25 < np.median(shares)
    # what came is as it was, and what did not lies between its neighbours
    both = received & had
    assert np.allclose(values[both], whole[both], rtol=3e-3, atol=3e-3)
    least = received.argmax(1), SPEC.rows - 1 - received[:, ::-1].argmax(1)
    inside = (np.arange(SPEC.rows) >= least[0][:, None]) & (
        np.arange(SPEC.rows) <= least[1][:, None]
    )
    missing = inside & ~received
    assert missing.any() and not np.allclose(values[missing], whole[missing], rtol=3e-3)
    assert np.abs(values[missing] - whole[missing]).mean() < 0.3


def test_the_target_moves_with_the_window_in_time():
    """Amplitudes that tell from which row of the source each row comes."""
    source = 1 + np.arange(160, dtype=np.float16)
    values = np.broadcast_to(source[:, None, None], (160, SPEC.subcarriers, 1))[None]
    labels = (source > 80).astype(np.uint8)[None]
    windows = WindowSet(
        values, np.ones((1, 160), bool), 1, labels, np.array(["group"]), np.zeros(1, int), CLASSES
    )
    how = replace(NOTHING, shift_s=0.25, speed=1.2)
    index = np.zeros(100, int)
    values, _, targets = augmented(windows, index, SPEC, how, np.random.default_rng(0))
    assert np.ptp(targets[:, 1]) > 0.8
    begin = (SPEC.rows - SPEC.hop_rows) // 2
    rows = values[:, :, 10, 0]
    later = (rows[:, begin : begin + SPEC.hop_rows] > 80.5).mean(1)
    assert np.allclose(later, targets[:, 1], atol=0.021)
    speeds = np.diff(rows[:, [0, -1]], axis=1) / (SPEC.rows - 1)
    assert 0.83 <= speeds.min() < 0.9 and 1.1 < speeds.max() <= 1.21
    assert np.abs(rows[:, 50] - 80.5).max() == pytest.approx(25, abs=2)


def test_motion_is_scaled_and_stillness_is_not(walking):
    still = training_set([clip_of(np.ones(300), 100.0)], SPEC, ())
    how = replace(NOTHING, motion=2.0)
    values, *_ = augmented(still, np.arange(len(still)), SPEC, how, np.random.default_rng(0))
    assert np.ptp(values) < 1e-3
    index = np.zeros(50, int)
    before = np.log(plain(walking, index, SPEC)[0]).std(1).mean((1, 2))
    after = np.log(augmented(walking, index, SPEC, how, np.random.default_rng(0))[0])
    ratio = after.std(1).mean((1, 2)) / before
    assert 0.45 < ratio.min() < 0.7 and 1.5 < ratio.max() < 2.2


def test_windows_mirrored_about_an_instant_keep_their_middle():
    how = replace(NOTHING, ends=1.0)
    windows = training_set([clip_of(1 + np.arange(600), 100.0)], SPEC, ())
    index = np.full(50, len(windows) // 2)
    values, *_ = augmented(windows, index, SPEC, how, np.random.default_rng(0))
    as_it_is, *_ = plain(windows, index, SPEC)
    begin, end = (SPEC.rows - SPEC.hop_rows) // 2, (SPEC.rows + SPEC.hop_rows) // 2
    assert np.allclose(values[:, begin:end], as_it_is[:, begin:end], rtol=1e-2)
    turns = [(np.diff(np.sign(np.diff(value[:, 20, 0]))) != 0).sum() for value in values]
    assert 0 < np.mean(turns) <= 4
    assert not np.allclose(values[:, 0], as_it_is[:, 0], rtol=1e-2)
