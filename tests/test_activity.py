# SPDX-License-Identifier: GPL-3.0-or-later
"""From windows to answers: probabilities, smoothing, `unknown`, the level of motion."""

from dataclasses import replace

import numpy as np
import pytest
from csi_room import Receiver, Room
from motion_model import make_motion_bundle

from radiofm_core.bundle import TASK_ACTIVITY
from radiofm_core.csi.activity import UNKNOWN, ActivityDecider
from radiofm_core.csi.motion import motion_db
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiWindow, frame_packets
from radiofm_core.errors import UsageError
from radiofm_core.inference import load_bundle

SPEC = CsiSpec()
WINDOW = CsiWindow(
    values=np.ones((200, 53, 1), np.float32),
    antennas=1,
    time_ns=10_000_000_000,
    time_is_absolute=False,
    duration_s=2.0,
    hop_s=0.5,
    packet_rate=98.0,
    lost_packets=2,
    jitter_s=0.0,
    interpolated=0.0,
    outliers=0,
    gain_steps=0,
    source="aa:bb:cc:dd:ee:ff",
)


def windows(speed, carrier_hz=2.437e9, **receiver):
    packets = Receiver(**receiver).packets(Room(speed=speed, carrier_hz=carrier_hz), 8.0)
    return list(frame_packets(packets, SPEC))


def test_a_loaded_model_answers_each_window(tmp_path):
    model = load_bundle(make_motion_bundle(tmp_path / "m.pt"), "cpu", "fp32", TASK_ACTIVITY)
    for speed, expected in ((0.0, [0.9, 0.1]), (1.0, [0.1, 0.9])):
        values = np.stack([w.values for w in windows(speed)])
        shares = model.classify(values, 1)
        assert shares.shape == (len(values), 2)
        assert np.allclose(shares, expected, atol=1e-6)


def test_an_answer_holds_for_the_middle_of_its_window():
    first = ActivityDecider(("A", "B")).decide([0.2, 0.8], WINDOW)
    assert (first.label, first.confidence) == ("B", 0.8)
    assert first.start_ns == 10_750_000_000
    assert first.duration_s == 0.5
    second = ActivityDecider(("A", "B")).decide(
        [0.2, 0.8], replace(WINDOW, time_ns=WINDOW.time_ns + 500_000_000)
    )
    assert second.start_ns == first.start_ns + 500_000_000


def test_below_the_threshold_nothing_is_claimed():
    decider = ActivityDecider(("A", "B"), min_confidence=0.7)
    found = decider.decide([0.4, 0.6], WINDOW)
    assert (found.label, found.confidence) == (UNKNOWN, 0.6)
    assert found.probabilities == {"A": 0.4, "B": 0.6}
    decider.set_min_confidence(0.6)
    assert decider.decide([0.4, 0.6], WINDOW).label == "B"


def test_smoothing_averages_one_sender_and_forgets_after_a_pause():
    decider = ActivityDecider(("A", "B"), smoothing=3, min_confidence=0)
    later = [replace(WINDOW, time_ns=WINDOW.time_ns + k * 500_000_000) for k in range(3)]
    other = replace(WINDOW, source="11:22:33:44:55:66")
    assert decider.decide([1.0, 0.0], later[0]).label == "A"
    assert decider.decide([0.0, 1.0], other).confidence == 1.0
    assert decider.decide([0.0, 1.0], later[1]).confidence == 0.5
    assert decider.decide([0.1, 0.9], later[2]).confidence == pytest.approx(1.9 / 3)
    after_pause = replace(WINDOW, time_ns=WINDOW.time_ns + 9_000_000_000)
    assert decider.decide([0.0, 1.0], after_pause).confidence == 1.0


@pytest.mark.parametrize(
    "options",
    (
        {"smoothing": 0},
        {"smoothing": 1.5},
        {"min_confidence": 1.2},
        {"smoothing": 1e9},
        {"smoothing": "many"},
        {"min_confidence": "high"},
        {"min_confidence": None},
    ),
)
def test_parameters_out_of_range_name_the_value(options):
    with pytest.raises(UsageError, match=str(next(iter(options.values()))).replace("+", r"\+")):
        ActivityDecider(("A", "B"), **options)


def test_numpys_numbers_are_parameters_too():
    decider = ActivityDecider(("A", "B"), smoothing=np.int64(2), min_confidence=np.float32(0.75))
    assert decider.decide([0.3, 0.7], WINDOW).label == "unknown"
    assert decider.decide([0.1, 0.9], replace(WINDOW, source="other")).label == "B"


@pytest.mark.parametrize("loss", (0.0, 0.3))
# the slowest, and one whose Doppler shift passes half the rate of the packets
@pytest.mark.parametrize("speed, carrier_hz", ((0.5, 2.437e9), (1.0, 2.437e9), (1.5, 5.2e9)))
def test_motion_is_told_from_stillness(loss, speed, carrier_hz):
    still = [motion_db(w.amplitude, 100.0) for w in windows(0.0, loss=loss)]
    walking = [
        motion_db(w.amplitude, 100.0) for w in windows(speed, loss=loss, carrier_hz=carrier_hz)
    ]
    assert max(still) < 5
    assert min(walking) > 9


@pytest.mark.parametrize("layout", ("intel20", "legacy", "ht40"))
def test_interpolated_subcarriers_are_no_motion(layout):
    assert max(motion_db(w.amplitude, 100.0) for w in windows(0.0, layout=layout)) < 3


def test_motion_does_not_depend_on_the_gain():
    assert motion_db(windows(1.0)[0].amplitude * 40, 100.0) == pytest.approx(
        motion_db(windows(1.0)[0].amplitude, 100.0), abs=1e-3
    )


def test_motion_of_a_constant_is_zero():
    assert motion_db(np.ones((200, 53, 1), np.float32), 100.0) == 0.0
