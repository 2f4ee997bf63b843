# SPDX-License-Identifier: GPL-3.0-or-later
"""From windows to answers: probabilities, smoothing, `unknown`, the level of motion."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from csi_room import Receiver, Room
from motion_model import CLASSES, make_motion_bundle
from torch import nn

from radiofm_core.bundle import TASK_ACTIVITY
from radiofm_core.csi.activity import UNKNOWN, ActivityDecider
from radiofm_core.csi.faults import CONSTANT, NOISE, window_fault
from radiofm_core.csi.motion import EVEN_DB, motion_db
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.window_batch import classify_windows
from radiofm_core.csi.windows import CsiWindow, frame_packets
from radiofm_core.errors import UsageError
from radiofm_core.inference import load_bundle
from training.activity.data.losses import burst_losses
from training.engine.bundle_file import export_bundle

SPEC = CsiSpec()
WINDOW = CsiWindow(
    values=np.random.default_rng(1).normal(1, 0.02, (200, 53, 1)).astype(np.float32),
    received=np.ones(200, bool),
    antennas=1,
    time_ns=10_000_000_000,
    time_is_absolute=False,
    duration_s=2.0,
    hop_s=0.5,
    packet_rate=98.0,
    lost_packets=2,
    jitter_s=0.0,
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


# one of those that lose half of their packets in bursts of up to 0.2 s, too
@pytest.mark.parametrize(
    "rate_hz, bursts", ((20.0, False), (50.0, False), (300.0, False), (100.0, True))
)
def test_motion_is_told_at_any_packet_rate(rate_hz, bursts):
    def levels(speed: float) -> list[float]:
        receiver = Receiver(rate_hz=rate_hz, jitter_s=0.1 / rate_hz, loss=0.05)
        packets = receiver.packets(Room(speed=speed), 8.0)
        if bursts:
            packets = burst_losses(packets, np.random.default_rng(1))
        found = list(frame_packets(packets, SPEC))
        assert len(found) > 8
        return [motion_db(w.amplitude, w.rate_hz, w.received) for w in found]

    assert max(levels(0.0)) < 5
    assert min(levels(1.0)) > EVEN_DB


def test_a_gain_that_trembles_is_less_than_motion():
    rng = np.random.default_rng(4)
    packets = [
        replace(packet, csi=packet.csi * np.float32(10 ** (rng.normal(0, 0.3) / 20)))
        for packet in Receiver().packets(Room(speed=0.0), 8.0)
    ]
    found = list(frame_packets(packets, SPEC))
    assert max(motion_db(w.amplitude, w.rate_hz, w.received) for w in found) < EVEN_DB


class ReceivedClassifier(nn.Module):
    """Answers the share of rows that were received."""

    def forward(self, values: torch.Tensor, antennas: int, received: torch.Tensor) -> torch.Tensor:
        share = received.float().mean(1)
        return torch.stack([share, 1 - share], dim=1)


def test_a_model_is_told_which_rows_were_received(tmp_path):
    path = export_bundle(
        tmp_path / "told.pt",
        ReceivedClassifier(),
        SPEC,
        "told",
        {},
        "none",
        {},
        TASK_ACTIVITY,
        CLASSES,
    )
    for precision in ("fp32", "bf16"):
        model = load_bundle(path, "cpu", precision, TASK_ACTIVITY)
        found = list(frame_packets(Receiver(rate_hz=25.0, loss=0.0).packets(Room(), 4.0), SPEC))
        shares = [answer.probabilities[0] for answer in classify_windows(model, found, 4)]
        assert np.allclose(shares, [w.received.mean() for w in found], atol=2e-2)
        assert 0.2 < np.mean(shares) < 0.3
        assert model.classify(found[0].values[None], 1)[0, 0] == 1


def test_motion_does_not_depend_on_the_gain():
    assert motion_db(windows(1.0)[0].amplitude * 40, 100.0) == pytest.approx(
        motion_db(windows(1.0)[0].amplitude, 100.0), abs=1e-3
    )


def test_motion_of_a_constant_is_zero():
    assert motion_db(np.ones((200, 53, 1), np.float32), 100.0) == 0.0


@pytest.mark.parametrize(
    "still, moving", [("SEATED", "WALKING"), ("LYING_RX", "SITTING_DOWN_TX"), ("empty", "fall")]
)
def test_no_label_says_the_contrary_of_the_motion(still, moving):
    decider = ActivityDecider((still, moving))
    quiet, walk = windows(0.0)[0], windows(1.0)[0]
    for window, said, expected in (
        (quiet, [0.97, 0.03], still),
        (quiet, [0.03, 0.97], UNKNOWN),
        (walk, [0.97, 0.03], UNKNOWN),
        (walk, [0.03, 0.97], moving),
    ):
        decider.reset()
        found = decider.decide(said, window)
        assert found.label == expected
        # what is known is told
        assert found.confidence == 0.97
        assert (found.motion_probability > 0.75) == (window is walk)


def test_a_window_mirrored_from_a_shorter_file_contradicts_nothing():
    decider = ActivityDecider(("SEATED", "WALKING"))
    walk = windows(1.0)[0]
    assert decider.decide([0.97, 0.03], walk).label == UNKNOWN
    assert decider.decide([0.97, 0.03], walk, is_measured=False).label == "SEATED"


def test_of_classes_that_tell_nothing_of_motion_the_model_alone_decides():
    decider = ActivityDecider(("PERSON_1", "PERSON_2"))
    assert decider.decide([0.9, 0.1], windows(1.0)[0]).label == "PERSON_1"
    assert decider.decide([0.9, 0.1], windows(0.0)[0]).label == "PERSON_1"


def noise_of(shape):
    return np.random.default_rng(5).rayleigh(1, shape).astype(np.float32)


BAD = {
    "constant": (np.ones((200, 53, 1), np.float32), CONSTANT),
    "a few subcarriers": (
        np.where(np.arange(53) < 20, noise_of((200, 53)), 0)[..., None].astype(np.float32),
        CONSTANT,
    ),
    "one of two antennas": (
        np.dstack([noise_of((200, 53)), np.ones((200, 53), np.float32)]),
        CONSTANT,
    ),
    "noise": (noise_of((200, 53, 1)), NOISE),
}


@pytest.mark.parametrize("name", BAD)
def test_windows_without_a_channel_get_no_label(name):
    values, kind = BAD[name]
    found, why = window_fault(values)
    assert found == kind and "\n" not in why
    window = replace(WINDOW, values=values, antennas=values.shape[2])
    answer = ActivityDecider(("SEATED", "WALKING")).decide([0.99, 0.01], window)
    assert answer.label == UNKNOWN and answer.confidence == 0.99


@pytest.mark.parametrize("speed, carrier_hz", ((0.0, 2.437e9), (1.0, 2.437e9), (2.5, 6e9)))
@pytest.mark.parametrize("snr_db, rate_hz", ((10.0, 100.0), (30.0, 55.0), (60.0, 300.0)))
def test_rooms_hold_channels(speed, carrier_hz, snr_db, rate_hz):
    found = windows(speed, carrier_hz, snr_db=snr_db, rate_hz=rate_hz, loss=0.02)
    assert found and all(window_fault(window.amplitude) == ("", "") for window in found)
