# SPDX-License-Identifier: GPL-3.0-or-later
"""One model for many receivers: turns, order, drops, and what a bad frame does to good ones."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from gnuradio.radiofm.runtime.receiver_inference import ReceiverInference
from level_model import make_level_bundle
from sensor_frames import RATE, frame_fields, frame_vector

from radiofm_core import keys
from radiofm_core.errors import InputError, UsageError
from radiofm_core.inference import load_bundle

LONG_S = 120.0


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_bundle(make_level_bundle(tmp_path_factory.mktemp("model") / "level.pt"))


class Judged:
    """An inference, what was reported of it, and a gate before its first frame."""

    def __init__(self, model, **options):
        self.reports: list[tuple[str, object, list, str]] = []
        self.gate = threading.Event()
        self.spec = model.info.spec
        self.inference = ReceiverInference(model, self._decode, self._report, threads=1, **options)
        self.inference.start()

    def submit(self, receiver, index, is_whole=True, **changes) -> int:
        fields = frame_fields(self.spec, index) | changes
        return self.inference.submit(receiver, fields, index if is_whole else None)

    def wait(self, count: int) -> list:
        end = time.monotonic() + LONG_S
        while len(self.reports) < count:
            assert time.monotonic() < end, self.reports
            time.sleep(0.005)
        return self.reports

    def _decode(self, fields, index) -> np.ndarray:
        self.gate.wait(LONG_S)
        if index is None:
            raise InputError("its power cannot be unpacked")
        vector = np.full(self.spec.frame_floats, self.spec.floor_db, np.float32)
        vector[:] = frame_vector(self.spec, index)
        return vector

    def _report(self, frame, events, problem) -> None:
        number = frame.fields.get(keys.FRAME_INDEX)
        self.reports.append((frame.receiver, number, events, problem))


@pytest.fixture
def judge(model, one_thread):
    made = []

    def make(**options) -> Judged:
        made.append(Judged(model, **options))
        return made[-1]

    yield make
    for each in made:
        each.gate.set()
        each.inference.stop()


def test_receivers_take_turns_however_much_one_of_them_sends(judge):
    judged = judge(queue=100)
    for index in range(60):
        judged.submit("flood", index)
    for index in range(3):
        judged.submit("quiet", index)
    judged.gate.set()
    order = [receiver for receiver, *_ in judged.wait(63)]
    # what the model was given before the others came goes before
    assert max(place for place, name in enumerate(order) if name == "quiet") < 15


def test_frames_of_a_receiver_are_reported_in_their_order_and_become_emissions(judge):
    judged = judge(queue=100)
    judged.gate.set()
    for index in range(10):
        judged.submit("roof", index)
        judged.submit("barn", index)
    reports = judged.wait(20)
    for name in ("roof", "barn"):
        own = [report for report in reports if report[0] == name]
        assert [number for _, number, _, _ in own] == list(range(10))
        events = [event for _, _, found, _ in own for event in found]
        assert events[0][keys.EVENT] == keys.EVENT_START
        # each receiver has its own emissions
        assert events[0][keys.BURST_ID] == 0
    judged.inference.end("roof")
    name, number, events, _ = judged.wait(21)[-1]
    assert (name, number) == ("roof", None)
    assert {event[keys.EVENT] for event in events} == {keys.EVENT_END}


def test_a_full_queue_drops_its_own_oldest_frame(judge):
    judged = judge(queue=4)
    dropped = sum(judged.submit("flood", index) for index in range(50))
    assert judged.submit("quiet", 0) == 0
    judged.gate.set()
    reports = judged.wait(50 - dropped + 1)
    numbers = [number for name, number, *_ in reports if name == "flood"]
    assert dropped > 0
    assert len(numbers) == 50 - dropped
    assert numbers == sorted(numbers)
    assert numbers[-4:] == [46, 47, 48, 49]


def test_frames_of_receivers_with_other_sample_rates_share_a_batch(judge, model, monkeypatch):
    batches: list[int] = []
    answer = model.answer

    def counted(frames, resolution, evidence):
        batches.append(len(set(resolution)))
        return answer(frames, resolution, evidence)

    monkeypatch.setattr(model, "answer", counted)
    judged = judge(queue=100)
    # as of a GPU, which is given whole batches
    judged.inference._most = 16
    for index in range(8):
        judged.submit("roof", index)
        judged.submit("barn", index, **{keys.SAMPLE_RATE: 2 * RATE, keys.ROW_DURATION: 1e-4})
    judged.gate.set()
    judged.wait(16)
    assert 2 in batches
    assert {problem for *_, problem in judged.reports} == {""}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"is_whole": False}, "cannot be unpacked"),
        ({keys.SPEC: "another"}, "spectrogram spec"),
        ({keys.ROWS: 1000}, "rows"),
        ({keys.RX_TIME: "noon"}, "rx_time"),
        ({keys.SAMPLE_RATE: 1.0}, "sample_rate"),
    ],
)
def test_a_frame_that_is_none_has_no_result_and_the_others_have_theirs(judge, changes, told):
    judged = judge(queue=100)
    judged.submit("roof", 0)
    judged.submit("roof", 3, **changes)
    judged.submit("roof", 4)
    judged.gate.set()
    problems = [problem for *_, problem in judged.wait(3)]
    assert problems[0] == problems[2] == ""
    assert told in problems[1]


def test_emissions_that_are_open_end_as_it_stops(judge):
    judged = judge()
    judged.gate.set()
    judged.submit("roof", 0)
    judged.wait(1)
    judged.inference.stop()
    assert [event[keys.EVENT] for event in judged.reports[-1][2]] == [keys.EVENT_END]


@pytest.mark.parametrize(
    "options", [{"queue": 0}, {"threads": -1}, {"max_batch": 0}, {"min_confidence": 2.0}]
)
def test_parameters_outside_their_range_are_refused(model, options):
    with pytest.raises(UsageError, match=next(iter(options))):
        ReceiverInference(model, None, None, **options)
