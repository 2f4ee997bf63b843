# SPDX-License-Identifier: GPL-3.0-or-later
"""From packets to answers: senders apart, batches of one shape, models that fail."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from csi_room import Receiver, Room, changed
from csi_walk import STILL, scene
from motion_model import CLASSES, make_motion_bundle

from radiofm_core.bundle import TASK_ACTIVITY
from radiofm_core.csi.activity import MAX_SOURCES
from radiofm_core.csi.classify import BATCH, ActivityClassifier, PacketFacts
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import BundleError
from radiofm_core.inference import load_bundle

MACS = "02:00:00:00:00:01", "02:00:00:00:00:02"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = make_motion_bundle(tmp_path_factory.mktemp("models") / "motion.pt")
    return load_bundle(path, "cpu", "fp32", TASK_ACTIVITY)


def model_that(classify):
    info = SimpleNamespace(
        spec=CsiSpec(), path="my.pt", classes=CLASSES, class_names=("STILL", "MOVING")
    )
    return SimpleNamespace(info=info, classify=classify)


def test_several_senders_are_told_apart(model):
    # of another layout each, and of another number of antennas
    still = [changed(p, mac=MACS[0]) for p in scene((STILL, 9.0), layout="legacy")]
    walking = Receiver().packets(Room(antennas=2), 9.0)
    walking = [changed(p, mac=MACS[1]) for p in walking]
    classifier = ActivityClassifier(model)
    packets = sorted(still + walking, key=lambda p: p.time_ns)
    answers = list(classifier.answers(packets))
    for mac, label, antennas in zip(MACS, ("STILL", "MOVING"), (1, 2), strict=True):
        found = [a for a in answers if a.activity.source == mac]
        assert {a.activity.label for a in found} == {label} and len(found) == 18
        assert {a.shown.shape for a in found} == {(50, 53, antennas)}
        starts = [a.activity.start_ns for a in found]
        assert starts == sorted(starts)
    assert classifier.facts.senders == set(MACS)
    assert classifier.facts.shapes == {(1, 52), (2, 56)}


def test_what_is_shown_is_the_time_that_the_answer_holds_for(model):
    packets = scene((STILL, 5.0), loss=0.0)
    # the lower half 6 dB up from 2.5 to 2.7 s (all of them were a step of the receiver's gain)
    louder = np.where(packets[0].subcarriers < 0, 2, 1).astype(np.float32)
    up = [changed(p, csi=p.csi * louder) if 2.5e9 <= p.time_ns < 2.7e9 else p for p in packets]
    seen = 0
    for answer in ActivityClassifier(model).answers(up):
        level = answer.shown[:, :26].mean(axis=(1, 2))
        begin_s = answer.activity.start_ns / 1e9
        rows = begin_s + np.arange(len(level)) * answer.row_s
        loud = level[(rows > 2.525) & (rows < 2.675)]
        assert (loud > 4).all()
        seen += len(loud)
        assert (np.abs(level[(rows < 2.45) | (rows > 2.75)]) < 1).all()
    # 100 rows a second, each of them shown once
    assert seen == 15


def test_a_model_gets_windows_of_one_shape_at_a_time():
    seen = []

    def classify(values, antennas, received):
        seen.append((values.shape, antennas))
        return np.full((len(values), 2), 0.5, np.float32)

    packets = [
        *scene((STILL, 12.0)),
        *(changed(p, mac=MACS[1]) for p in Receiver().packets(Room(antennas=3), 12.0)),
    ]
    classifier = ActivityClassifier(model_that(classify))
    answers = list(classifier.answers(sorted(packets, key=lambda p: p.time_ns)))
    assert len(answers) == 48
    assert {(shape[1:], antennas) for shape, antennas in seen} == {
        ((200, 53, 1), 1),
        ((200, 53, 7), 3),
    }
    assert max(shape[0] for shape, _ in seen) <= BATCH


@pytest.mark.parametrize("found", [np.nan, None, "shape"])
def test_a_model_that_fails_is_one_clear_error(found):
    def classify(values, antennas, received):
        if found is None:
            raise RuntimeError("Traceback of TorchScript\n  lines\nsizes do not match")
        return np.full((len(values), 3 if found == "shape" else 2), np.nan, np.float32)

    classifier = ActivityClassifier(model_that(classify))
    with pytest.raises(BundleError, match=r"my\.pt: the model (fails|gave)") as caught:
        list(classifier.answers(scene((STILL, 3.0))))
    assert "\n" not in str(caught.value)


def test_facts_of_packets():
    facts = PacketFacts()
    packets = scene((STILL, 2.0), loss=0.0, jitter_s=0.0)
    for packet in packets:
        facts.take(packet)
    assert facts.packets == 200 and facts.rate_hz == pytest.approx(100)
    # a clock that starts again takes nothing away
    for packet in packets:
        facts.take(packet)
    assert facts.duration_s == pytest.approx(2 * 1.99)
    for k in range(1000):
        facts.take(replace(packets[0], mac=str(k)))
    assert len(facts.senders) == MAX_SOURCES


def test_a_window_on_which_the_model_fails_takes_no_other_with_it():
    singles = []

    def classify(values, antennas, received):
        if len(values) > 1:
            raise RuntimeError("one of these is bad")
        singles.append(values)
        if len(singles) == 3:
            raise RuntimeError("this one")
        return np.full((len(values), 2), np.nan if len(singles) == 5 else 0.5, np.float32)

    classifier = ActivityClassifier(model_that(classify))
    packets = scene((STILL, 6.0))
    answers = list(classifier.answers(packets))
    whole = list(ActivityClassifier(model_that(half)).answers(packets))
    starts = [a.activity.start_ns for a in whole]
    assert [a.activity.start_ns for a in answers] == [*starts[:2], starts[3], *starts[5:]]
    told = str(classifier.failure())
    assert (
        told.startswith(f"my.pt: 2 of {len(whole)} windows not classified") and "this one" in told
    )
    assert ActivityClassifier(model_that(half)).failure() is None


def half(values, antennas, received):
    return np.full((len(values), 2), 0.5, np.float32)
