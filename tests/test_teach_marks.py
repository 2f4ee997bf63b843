# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with marks is told in one line before anything is made; what is held back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chirp_bursts import CENTER_HZ, RATE, samples_with_bursts, write_marked

from radiofm_core.bundle import TASK_SEGMENTATION, read_bundle_info
from radiofm_core.errors import InputError, RadiofmError, UsageError
from training.segmentation.data import recordings
from training.segmentation.data.parts import frame_set
from training.segmentation.data.sources import RecordingsConfig
from training.segmentation.teach.lesson import Lesson, taught_classes, teach_recipe
from training.segmentation.teach.marks import read_marks, split_marks
from training.segmentation.teach.run import teach
from training.waveforms.span import IGNORE

START = read_bundle_info("default", TASK_SEGMENTATION)


def lesson_of(folder: Path, **fields) -> Lesson:
    settings = {"folder": str(folder), "name": "sweep", "out": folder.parent / "run" / "sweep"}
    return Lesson(**(settings | fields))


def marks_of(folder: Path, **fields):
    lesson = lesson_of(folder, **fields)
    classes = taught_classes(lesson, START)
    return read_marks(lesson.folder, lesson.labels, classes, lesson.name, START.spec)


def refused(folder: Path, error: type[RadiofmError], words: str, **fields) -> str:
    """The line by which a lesson is refused, of which nothing is left on disk."""
    lesson = lesson_of(folder, **fields)
    before = sorted(p for p in folder.parent.rglob("*") if p.is_file())
    with pytest.raises(error, match=words) as caught:
        teach(lesson)
    assert sorted(p for p in folder.parent.rglob("*") if p.is_file()) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def marked(tmp_path) -> Path:
    """Two recordings with six bursts each, all but one of each marked."""
    for number in range(2):
        iq, bursts = samples_with_bursts(6, number)
        marks = [b.annotation("sweep") for b in bursts[:5]]
        write_marked(tmp_path / "my" / f"r{number}", marks, iq)
    return tmp_path / "my"


@pytest.mark.parametrize("name", ["lte", "Other", "noise", "ignore", "unknown", " lte"])
def test_a_class_that_there_is_already_is_refused(marked, name):
    refused(marked, UsageError, "classes noise, lte, nr, wifi, other.*name of its own", name=name)


def test_marks_outside_of_the_recording_are_refused(tmp_path):
    iq, [burst] = samples_with_bursts(1, 1)
    inside = burst.annotation("sweep")
    late = inside | {"core:sample_start": len(iq) - 10}
    write_marked(tmp_path / "my" / "a", [inside, late], iq)
    line = refused(tmp_path / "my", InputError, f"the recording, which has {len(iq)}")
    assert "a.sigmf-meta: annotation 2 covers samples" in line
    far = inside | {
        "core:freq_lower_edge": CENTER_HZ + RATE,
        "core:freq_upper_edge": CENTER_HZ + 2 * RATE,
    }
    write_marked(tmp_path / "my" / "a", [inside, far], iq)
    refused(tmp_path / "my", InputError, "outside the recorded band")


def test_marks_on_noise_are_refused_and_counted(tmp_path):
    rng = np.random.default_rng(1)
    iq = (rng.standard_normal((round(0.1 * RATE), 2)) @ [1, 1j]).astype(np.complex64)
    _, bursts = samples_with_bursts(5, 2)
    marks = [b.annotation("sweep") for b in bursts]
    write_marked(tmp_path / "my" / "a", marks, iq)
    line = refused(tmp_path / "my", InputError, "5 of 5 marks of 'sweep' hold nothing")
    assert "annotation 1 of" in line and f"samples {bursts[0].start} to" in line and "MHz" in line


@pytest.mark.parametrize("snr_db", [0.0, 6.0, 20.0])
def test_marks_on_signals_are_taken(tmp_path, monkeypatch, snr_db):
    monkeypatch.setattr("chirp_bursts.SNR_DB", snr_db)
    iq, bursts = samples_with_bursts(8, 3)
    write_marked(tmp_path / "my" / "a", [b.annotation("sweep") for b in bursts], iq)
    assert len(marks_of(tmp_path / "my")[0].marks) == 8


def test_a_signal_that_is_on_all_the_time_is_one(tmp_path):
    iq, _ = samples_with_bursts(2, 3)
    time = np.arange(len(iq)) / RATE
    iq += (0.1 * np.exp(2j * np.pi * 300e3 * time)).astype(np.complex64)
    half = len(iq) // 2
    tone = {"core:freq_lower_edge": CENTER_HZ + 250e3, "core:freq_upper_edge": CENTER_HZ + 350e3}
    marks = [
        tone | {"core:sample_start": start, "core:sample_count": half, "core:label": "sweep"}
        for start in (0, half)
    ]
    write_marked(tmp_path / "my" / "a", marks, iq)
    assert len(marks_of(tmp_path / "my")[0].marks) == 2


def test_no_marks_of_the_class_and_unknown_labels_are_told(marked):
    line = refused(
        marked,
        InputError,
        "no annotations with the label 'drone'",
        name="drone",
        labels={"sweep": "other"},
    )
    assert "10 'sweep'" in line
    refused(
        marked, InputError, "annotation 1 has the label 'sweep'.*--labels sweep:other", name="drone"
    )


def test_a_rate_that_the_model_does_not_take_is_refused(tmp_path):
    iq, bursts = samples_with_bursts(3, 1)
    marks = [b.annotation("sweep") for b in bursts]
    write_marked(tmp_path / "my" / "a", marks, iq)
    write_marked(tmp_path / "my" / "slow", marks, iq, rate=0.25e6)
    line = refused(tmp_path / "my", InputError, "slow.sigmf-meta")
    assert "0.25" in line or "250000" in line


def test_a_folder_of_another_lesson_is_left_alone(marked):
    out = marked.parent / "run" / "sweep"
    out.mkdir(parents=True)
    (out / "sweep.pt").write_bytes(b"mine")
    refused(marked, UsageError, r"sweep.pt is there already; name another folder")
    (out / "lesson.json").write_text("{}")
    words = "taught with other marks or options; name another folder"
    refused(marked, UsageError, words, frames=8)


# ---- what is held back


def test_whole_recordings_are_held_back_where_there_are_several(tmp_path):
    rates = [RATE, RATE, RATE, RATE, 2 * RATE]
    for number, rate in enumerate(rates):
        iq, bursts = samples_with_bursts(4, number, rate)
        marks = [b.annotation("sweep") for b in bursts]
        write_marked(tmp_path / "my" / f"r{number}", marks, iq, rate)
    split = split_marks(marks_of(tmp_path / "my"))
    assert not set(split.learn) & set(split.held)
    assert split.learn_marks + split.held_marks == 20 and 3 <= split.held_marks <= 8
    # the only recording of its rate is needed to learn from
    assert "r4" in split.learn


def test_of_one_recording_its_last_bursts_are_held_back(tmp_path):
    iq, bursts = samples_with_bursts(12, 1)
    write_marked(tmp_path / "my" / "a", [b.annotation("sweep") for b in bursts], iq)
    split = split_marks(marks_of(tmp_path / "my"))
    assert split.learn.keys() == split.held.keys() == {"a"}
    assert (split.learn_marks, split.held_marks) == (9, 3)
    [(_, end)], [(begin, _)] = split.learn.values(), split.held.values()
    assert begin == end and bursts[8].stop <= begin * len(iq) <= bursts[9].start
    # and no frame of the one shows anything of the other
    recipe = teach_recipe(lesson_of(tmp_path / "my"), split)
    learn, held = recipe.data.train[0], recipe.data.validation[0]
    places = {}
    for name, source in (("learn", learn), ("held", held)):
        [item] = recordings.find(source)
        found = recordings.read_placed(item, source, recipe.spec, recipe.classes)
        places[name] = [(p.opening, p.start + p.rows * p.row_samples) for _, p in found]
    assert (
        max(e for _, e in places["learn"]) <= begin * len(iq) <= min(b for b, _ in places["held"])
    )


def test_marks_at_one_time_cannot_be_parted(tmp_path):
    iq, [burst] = samples_with_bursts(1, 1)
    write_marked(tmp_path / "my" / "a", [burst.annotation("sweep")] * 3, iq)
    refused(tmp_path / "my", InputError, "on the air at once")


# ---- what the marks' frames say


def test_what_is_not_marked_is_what_the_model_is_sure_of_and_else_not_scored(marked):
    lesson = lesson_of(marked)
    classes = taught_classes(lesson, START)
    config = RecordingsConfig(str(marked), unmarked="default", lesson="sweep")
    item = recordings.find(config)[0]
    _, bursts = samples_with_bursts(6, 0)
    counts = np.zeros(256, int)
    not_marked = []
    for frame, place in recordings.read_placed(item, config, START.spec, classes):
        counts += np.bincount(frame.truth.ravel(), minlength=256)
        first, end = (
            (s - place.start) / place.row_samples for s in (bursts[5].start, bursts[5].stop)
        )
        column = (bursts[5].low_hz + RATE / 2) / RATE * 256
        box = frame.truth[
            max(0, round(first) + 2) : max(0, round(end) - 2),
            round(column) + 3 : round(column) + 40,
        ]
        not_marked += box.ravel().tolist()
    sweep, other = classes.names.index("sweep"), classes.names.index("other")
    assert counts[sweep] > 500 and counts[0] > 20 * counts[sweep] and counts[other] == 0
    # the burst that nobody marked is not taught as noise
    share = np.mean(np.array(not_marked) == IGNORE)
    assert len(not_marked) > 500 and share > 0.9


def test_pixels_at_the_noise_within_a_mark_are_not_scored(tmp_path):
    iq, bursts = samples_with_bursts(2, 1)
    wide = bursts[0].annotation("sweep")
    wide["core:freq_lower_edge"] -= 300e3
    write_marked(tmp_path / "my" / "a", [wide], iq)
    config = RecordingsConfig(str(tmp_path / "my"), lesson="sweep")
    classes = taught_classes(lesson_of(tmp_path / "my"), START)
    [item] = recordings.find(config)
    truth = next(recordings.read(item, config, START.spec, classes)).truth
    low = round((bursts[0].low_hz + RATE / 2) / RATE * 256)
    sweep = classes.names.index("sweep")
    below, within = truth[:, low - 25 : low - 3] == sweep, truth[:, low + 3 : low + 45] == sweep
    assert below.sum() < 0.5 * below.any(1).sum() * 22
    assert within.sum() > 3 * below.sum()


def test_frames_are_repeated_so_that_marks_are_learnt_beside_generated_ones(marked):
    split = split_marks(marks_of(marked))
    recipe = teach_recipe(lesson_of(marked), split)
    learn, *replay = recipe.data.train
    there = learn.repeat * recordings.count_frames(learn, recipe.spec, recipe.classes)
    assert 0.3 < there / (there + sum(r.frames for r in replay)) < 0.4
    assert sum(r.frames for r in replay) == 500
    # and that often they are in the set
    alone = replace(recipe, folder=marked.parent / "sets", data=replace(recipe.data, train=learn))
    assert len(frame_set(alone, "train")) == there


def test_sources_that_cannot_be_are_refused():
    for fields, words in (
        ({"repeat": 0}, "repeat: expected a whole number"),
        ({"step": 1.5}, "step: expected"),
        ({"unmarked": 3}, "unmarked: expected noise, or a model's name"),
        ({"only": {"a": [0.5, 0.2]}}, r"only: a: expected a part of its time"),
        ({"only": ["a"]}, "only: expected parts by recordings' names"),
    ):
        with pytest.raises(UsageError, match=words):
            RecordingsConfig("x", **fields)
