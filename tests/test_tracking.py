# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking: a carrier that stays is one emission, whatever its bursts; two carriers are two."""

import math
from dataclasses import replace

import pytest

from radiofm_core.errors import UsageError
from radiofm_core.spectrum.detections import Detection, Evidence
from radiofm_core.spectrum.tracking import EmissionTracker

RATE = 20e6
FRAME = 0.02


def seen(start, end, low=-9e6, high=9e6, label="lte", confidence=0.9, pwr_db=-20.0, snr_db=20.0):
    """A detection between two times (s) and two frequencies (Hz)."""
    return Detection(
        label=label,
        confidence=confidence,
        center_frequency=(low + high) / 2,
        bandwidth=high - low,
        start_time=start,
        duration=end - start,
        start_offset=round(start * RATE),
        end_offset=round(end * RATE),
        snr_db=snr_db,
        pwr_db=pwr_db,
    )


def track(frames, tracker=None):
    """All events for a list of frames' detections, the last ones from finish()."""
    tracker = tracker or EmissionTracker()
    events = []
    for index, detections in enumerate(frames):
        events += tracker.process(detections, (index + 1) * FRAME, RATE)
    return events + tracker.finish()


def ends(events):
    return [e for e in events if e["event"] == "end" and "merged_into" not in e]


def test_a_carrier_that_stays_on_is_one_emission_with_an_update_a_second():
    events = track([[seen(n * FRAME, (n + 1) * FRAME)] for n in range(200)])
    assert [e["event"] for e in events] == ["start", *["update"] * 3, "end"]
    assert len({e["burst_id"] for e in events}) == 1
    assert events[-1]["duration"] == pytest.approx(4.0)
    assert events[-1]["active_time"] == pytest.approx(4.0)
    assert (events[-1]["start_offset"], events[-1]["end_offset"]) == (0, 4 * RATE)


def test_the_on_periods_of_a_tdd_carrier_are_one_emission():
    frames = [
        [seen(n * FRAME + k * 0.005, n * FRAME + k * 0.005 + 0.003) for k in range(4)]
        for n in range(10)
    ]
    (end,) = ends(track(frames))
    assert end["active_time"] == pytest.approx(40 * 0.003)
    assert end["duration"] == pytest.approx(0.198)
    assert end["bursts"] == 40


def test_ssb_bursts_every_20_ms_are_one_emission():
    frames = [[seen(n * FRAME, n * FRAME + 2e-4, -3.6e6, 3.6e6, "nr")] for n in range(20)]
    (end,) = ends(track(frames))
    assert end["label"] == "nr" and end["bandwidth"] == pytest.approx(7.2e6)


def test_a_gap_longer_than_the_hold_time_ends_an_emission():
    frames = [[seen(0, FRAME)], [], [], [], [], [seen(0.1, 0.12)]]
    events = track(frames)
    assert [e["event"] for e in events] == ["start", "end", "start", "end"]
    assert events[0]["burst_id"] != events[2]["burst_id"]
    assert len(ends(track(frames, EmissionTracker(hold_time=0.1)))) == 1


def test_a_narrow_burst_inside_a_carriers_band_is_part_of_it():
    frames = [[seen(0, FRAME), seen(0.021, 0.022, -1e6, 1e6)]]
    (end,) = ends(track(frames))
    assert end["bandwidth"] == pytest.approx(18e6)


def test_a_carrier_that_shows_its_width_later_grows():
    frames = [[seen(0, 0.001, -1e6, 1e6, "nr")], [seen(0.02, 0.03, -9e6, 9e6, "nr")]]
    (end,) = ends(track(frames))
    assert end["bandwidth"] == pytest.approx(18e6) and end["start_time"] == 0


def test_parts_that_turn_out_to_be_one_carrier_are_merged():
    frames = [
        [seen(0, FRAME, -9e6, -2e6), seen(0, FRAME, 2e6, 9e6)],
        [seen(FRAME, 2 * FRAME)],
    ]
    events = track(frames)
    (end,) = ends(events)
    assert end["bandwidth"] == pytest.approx(18e6)
    merged = [e for e in events if "merged_into" in e]
    assert len(merged) == 1 and merged[0]["merged_into"] == end["burst_id"]
    started = {e["burst_id"] for e in events if e["event"] == "start"}
    ended = [e["burst_id"] for e in events if e["event"] == "end"]
    assert sorted(ended) == sorted(started)


def test_neighbours_stay_apart():
    frames = [
        [
            seen(n * FRAME, (n + 1) * FRAME, -9e6, -1e6),
            seen(n * FRAME, (n + 1) * FRAME, 1e6, 9e6, "nr"),
        ]
        for n in range(5)
    ]
    assert [e["label"] for e in ends(track(frames))] == ["lte", "nr"]


def neighbours(n: int) -> list[Detection]:
    """LTE, NR and Wi-Fi side by side."""
    return [
        seen(n * FRAME, (n + 1) * FRAME, low, low + 5e6, label)
        for label, low in (("lte", -9e6), ("nr", -3e6), ("wifi", 3e6))
    ]


def test_a_frame_that_takes_neighbours_for_one_does_not_make_them_one():
    bridge = [seen(10 * FRAME, 11 * FRAME, -9e6, 8e6, "lte")]
    frames = [neighbours(n) for n in range(10)] + [bridge]
    events = track(frames + [neighbours(n) for n in range(11, 40)])
    assert [(e["label"], round(e["bandwidth"] / 1e6, 3)) for e in ends(events)] == [
        ("lte", 5),
        ("nr", 5),
        ("wifi", 5),
    ]
    assert len({e["burst_id"] for e in events}) == 3


def test_neighbours_that_were_first_taken_for_one_come_apart():
    bridge = [seen(0, FRAME, -9e6, 8e6, "lte")]
    events = track([bridge, *(neighbours(n) for n in range(1, 40))])
    assert [(e["label"], round(e["bandwidth"] / 1e6, 3)) for e in ends(events)] == [
        ("lte", 5),
        ("nr", 5),
        ("wifi", 5),
    ]


def test_a_piece_that_is_called_something_else_stays_a_piece():
    """The carrier is seen in the same frame, around it."""
    piece = seen(0.03, 0.032, -2e6, 1e6, "nr", pwr_db=-28)
    frames = [[seen(n * FRAME, (n + 1) * FRAME)] for n in range(4)]
    frames[1].append(piece)
    (end,) = ends(track(frames))
    assert end["label"] == "lte" and end["bandwidth"] == pytest.approx(18e6)


def test_a_carrier_is_as_wide_as_it_is_for_some_of_its_time():
    """NR: synchronisation signals, and now and then all of its band."""
    frames = [
        [seen(n * FRAME, n * FRAME + 0.001, -2e6, 2e6, "nr")]
        + ([seen(n * FRAME + 0.002, n * FRAME + 0.004, -9e6, 9e6, "nr")] if n % 8 == 0 else [])
        for n in range(60)
    ]
    (end,) = ends(track(frames))
    assert end["bandwidth"] == pytest.approx(18e6, rel=0.01)


def test_a_band_has_one_label_that_of_most_weight():
    labels = ["nr", "lte", "unknown", "lte", "lte", "unknown", "unknown", "unknown", "unknown"]
    frames = [
        [seen(n * FRAME, (n + 1) * FRAME, label=label, confidence=0.9 if label == "lte" else 0.7)]
        for n, label in enumerate(labels)
    ]
    events = track(frames)
    assert [e["event"] for e in events] == ["start", "end"]
    # by the weight of the labels: confidence and time
    assert events[-1]["label"] == "lte" and events[-1]["confidence"] == pytest.approx(0.9)
    assert events[-1]["active_time"] == pytest.approx(len(labels) * FRAME)


def test_what_is_unknown_throughout_is_unknown():
    (end,) = ends(track([[seen(0, FRAME, label="unknown", confidence=0.3)]]))
    assert end["label"] == "unknown" and end["confidence"] == pytest.approx(0.3)


def test_bluetooth_over_wifi_is_its_own_and_a_fragment_is_not():
    wifi = [seen(n * FRAME, (n + 1) * FRAME, label="wifi", pwr_db=-20) for n in range(3)]
    burst = seen(0.025, 0.026, 2e6, 3e6, "other", pwr_db=-20)  # 12 dB more power per Hz
    assert {e["label"] for e in ends(track([[wifi[0]], [wifi[1], burst], [wifi[2]]]))} == {
        "wifi",
        "other",
    }
    fragment = seen(0.025, 0.026, 2e6, 3e6, "other", pwr_db=-33)
    (end,) = ends(track([[wifi[0]], [wifi[1], fragment], [wifi[2]]]))
    assert end["label"] == "wifi" and end["bandwidth"] == pytest.approx(18e6)


def evidence(lag, coherence, meaning="it repeats", floor=0.01):
    return Evidence(lag=lag, coherence=coherence, floor=floor, meaning=meaning)


def test_an_emission_tells_the_clearest_evidence_and_the_spacing_of_most_weight():
    first = replace(
        seen(0, FRAME), subcarrier_spacing=30e3, evidence=(evidence(3e-5, 0.05), evidence(1, 0.1))
    )
    later = [
        replace(
            seen(n * FRAME, (n + 1) * FRAME),
            subcarrier_spacing=15e3,
            evidence=(evidence(1, 0.3, "more of it"), evidence(2, 0.2)),
        )
        for n in (1, 2)
    ]
    events = track([[first], *([each] for each in later)])
    assert events[0]["subcarrier_spacing"] == 30e3
    assert events[-1]["subcarrier_spacing"] == 15e3
    told = [(e["lag"], e["coherence"], e["meaning"]) for e in events[-1]["evidence"]]
    assert told == [(1, 0.3, "more of it"), (2, 0.2, "it repeats"), (3e-5, 0.05, "it repeats")]


def test_parts_that_are_merged_keep_labels_and_evidence():
    left = replace(
        seen(0, FRAME, -9e6, -2e6, "nr"), subcarrier_spacing=15e3, evidence=(evidence(1, 0.3),)
    )
    right = seen(0, FRAME, 2e6, 9e6, "lte", confidence=0.5)
    whole = seen(FRAME, FRAME + 0.001, label="unknown", confidence=0.4)
    (end,) = ends(track([[left, right], [whole]]))
    assert end["label"] == "nr" and end["subcarrier_spacing"] == 15e3
    assert [e["coherence"] for e in end["evidence"]] == [0.3]


def test_what_is_not_known_has_no_key():
    (end,) = ends(track([[seen(0, FRAME)]]))
    assert not {"subcarrier_spacing", "evidence"} & set(end)


def test_edges_are_averaged_and_powers_are_means():
    frames = [
        [seen(0, FRAME, -9.1e6, 9e6, pwr_db=-20)],
        [seen(FRAME, 2 * FRAME, -8.9e6, 9e6, pwr_db=-30, confidence=0.7)],
    ]
    (end,) = ends(track(frames))
    assert end["center_frequency"] - end["bandwidth"] / 2 == pytest.approx(-9e6)
    assert end["pwr_db"] == pytest.approx(10 * math.log10(0.0055))
    assert end["confidence"] == pytest.approx(0.8)


def test_wrong_times_are_refused():
    with pytest.raises(UsageError, match=r"hold time: .* got -1"):
        EmissionTracker(hold_time=-1)
    with pytest.raises(UsageError, match=r"update interval: .* got nan"):
        EmissionTracker(update_interval=math.nan)


@pytest.mark.parametrize("later_s", [-3600.0, 3600.0])
def test_a_clock_that_is_set_ends_what_was_open(later_s):
    tracker = EmissionTracker()
    tracker.process([seen(5000.0, 5000.02)], 5000.02, RATE)
    events = tracker.process([seen(5000.0 + later_s, 5000.02 + later_s)], 5000.02 + later_s, RATE)
    assert ("start", 1) in [(e["event"], e["burst_id"]) for e in events]
    assert [e["burst_id"] for e in ends(events)] == [0]
    assert [e.burst_id for e in tracker.open_emissions] == [1]
