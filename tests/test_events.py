# SPDX-License-Identifier: GPL-3.0-or-later
"""Events: as the schema says, numbered, in order whatever the clock does."""

from __future__ import annotations

import json
import math
import uuid

import pytest
from event_samples import ACTIVITY, EMISSION, MOTION, RECEIVER, STATUS, emission, one_of_each
from jsonschema import ValidationError

from radiofm_core.errors import InputError
from radiofm_core.events import names
from radiofm_core.events.clock import RunClock, utc_nanoseconds, utc_text
from radiofm_core.events.maker import EventMaker, Receiver
from radiofm_core.events.schema import event_validator, schema_text

S = 1_000_000_000


class Clocks:
    """A time of day that can be set, and one that goes on."""

    def __init__(self):
        self.wall, self.steady = 1_700_000_000 * S, 5 * S

    def run_clock(self) -> RunClock:
        return RunClock(lambda: self.wall, lambda: self.steady)

    def pass_by(self, seconds: float) -> None:
        self.wall += round(seconds * S)
        self.steady += round(seconds * S)


@pytest.fixture
def maker():
    return EventMaker(RECEIVER, "segmenter-vit-tiny", host="roof")


def told_keys(kind: str) -> set[str]:
    schema = json.loads(schema_text())
    return set(schema["properties"]) | set(schema["$defs"][kind]["properties"])


def test_each_type_is_as_the_schema_says_and_tells_no_key_that_it_lacks(maker):
    events = one_of_each(maker)
    step = EventMaker(RECEIVER, clock=RunClock(iter((10 * S, 0, 0)).__next__, lambda: 0))
    events.append(step.clock_step())
    for event in events:
        event_validator().validate(json.loads(json.dumps(event)))
        assert set(event) <= told_keys(event["type"])
    assert {event["type"] for event in events} == set(names.TYPES)
    assert json.loads(schema_text())["properties"]["type"]["enum"] == list(names.TYPES)


def test_events_are_numbered_and_tell_whose_they_are(maker):
    events = one_of_each(maker)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert {event["run"] for event in events} == {str(uuid.UUID(maker.run))}
    assert events[0]["receiver"] == {
        "name": "soapy=driver=rtlsdr",
        "center_frequency": 2.4e9,
        "sample_rate": 61.44e6,
    }
    assert (events[0]["host"], events[0]["model"]) == ("roof", "segmenter-vit-tiny")
    maker.receiver = Receiver("roof", 1e9, 1e6)
    assert maker.source_found("x")["receiver"]["center_frequency"] == 1e9


def test_an_emission_tells_what_its_message_does(maker):
    event = maker.emission(EMISSION)
    assert event["confidence"] == 0.9923 and event["center_frequency"] == 2420551784.0
    assert event["evidence"] == EMISSION["evidence"]
    assert (event["type"], event["event"]) == ("emission", "start")


def test_a_clock_set_back_is_told_and_the_order_stays():
    clocks = Clocks()
    maker = EventMaker(RECEIVER, clock=clocks.run_clock())
    first = maker.run_start()
    clocks.pass_by(1.5)
    assert maker.clock_step() is None
    clocks.wall -= 3600 * S
    step = maker.clock_step()
    event_validator().validate(step)
    assert (step["type"], step["event"], step["step"]) == ("clock", "stepped", -3600.0)
    assert maker.clock_step() is None
    last = maker.run_end("stopped")
    assert last["time"] < first["time"]
    assert first["monotonic"] < step["monotonic"] <= last["monotonic"] == 1.5


def test_a_clock_that_is_slewed_is_not_set():
    clocks = Clocks()
    clock = clocks.run_clock()
    for _ in range(100):
        clocks.pass_by(10)
        clocks.wall += S // 200
        assert clock.step() == 0.0


def test_the_numbers_of_a_new_flowgraphs_emissions_go_on(maker):
    assert maker.emission(emission(number=4))["burst_id"] == 4
    maker.new_tracker()
    event = maker.emission(emission("end", number=0, merged_into=1))
    assert (event["burst_id"], event["merged_into"]) == (5, 6)
    maker.new_tracker()
    assert maker.emission(emission(number=0))["burst_id"] == 6


def test_times_of_day_are_exact_to_the_microsecond():
    assert utc_text(1_714_564_800_500_000_999) == "2024-05-01T12:00:00.500000Z"
    assert utc_nanoseconds("2024-05-01T12:00:00.500001Z") == 1_714_564_800_500_001_000
    with pytest.raises(ValueError):
        utc_nanoseconds("yesterday")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({}, "lacks event"),
        (None, "expected a dict"),
        (emission("begin"), "its event: expected one of start"),
        (emission(number=-1), "its burst_id: expected a non-negative integer, got -1"),
        (emission(confidence=1.5), "its confidence: expected a number from 0 to 1, got 1.5"),
        (emission(snr_db=math.nan), "its snr_db"),
        (emission(duration="long"), "its duration"),
        (emission(merged_into="x"), "its merged_into"),
    ],
)
def test_a_foreign_emission_is_refused_in_one_line(maker, message, told):
    with pytest.raises(InputError, match=told):
        maker.emission(message)
    assert maker.run_start()["sequence"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": "sure"},
        {"duration": -1.0},
        {"lost_packets": 1.5},
        {"motion_db": math.inf},
        {"latency": None},
    ],
)
def test_a_foreign_activity_is_refused_in_one_line(maker, wrong):
    with pytest.raises(InputError, match=f"its {next(iter(wrong))}"):
        maker.activity({**ACTIVITY, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"event": "update"},
        {"state": "asleep"},
        {"confidence": 1.5},
        {"duration": -1.0},
        {"motion_db": "loud"},
        {"start_time": None},
    ],
)
def test_a_foreign_state_of_motion_is_refused_in_one_line(maker, wrong):
    with pytest.raises(InputError, match=f"its {next(iter(wrong))}"):
        maker.motion({**MOTION, **wrong})
    with pytest.raises(InputError):
        maker.motion({key: value for key, value in MOTION.items() if key not in wrong})


def test_of_a_foreign_status_the_event_tells_what_can_be_told(maker):
    foreign = {**STATUS, "frames": -1, "dropped": "many", "msps": math.nan, "error": "bad\nframe"}
    event = maker.status({**foreign, "latency_p50": -1.0, "more": object()})
    event_validator().validate(event)
    assert not {"frames", "dropped", "msps", "latency_p50", "more"} & set(event)
    assert event["queue_depth"] == 1 and event["error"] == "bad\nframe"


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"type": "no such type"},
        {"time": "2024-05-01 12:00:00"},
        {"sequence": 0},
        {"event": "begins"},
        {"receiver": {"name": "x"}},
        {"confidence": 2.0},
        {"burst_id": 1.5},
    ],
)
def test_the_schema_refuses_what_is_no_event(maker, wrong):
    with pytest.raises(ValidationError):
        event_validator().validate({**maker.emission(EMISSION), **wrong})
