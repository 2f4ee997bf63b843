# SPDX-License-Identifier: GPL-3.0-or-later
"""Announces the states to Home Assistant, by its MQTT discovery."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from radiofm_core import keys
from radiofm_core.outputs.units import display_name
from radiofm_core.version import __version__

from .mqtt_topics import MOTION, OFF, OFFLINE, ON, ONLINE, TOTAL, Topics, slug
from .states import ReceiverState

# Its kind for Home Assistant, its key, and what is told of it
Entity = tuple[str, str, dict]
# Without packets, or without a result, for so long nothing is known any more (s)
EXPIRES_S = 30


class HomeAssistant:
    """Configurations of entities, as soon as there is something to show in them.

    Args:
        prefix: of Home Assistant's discovery topics.
        topics: where the states are.
    """

    def __init__(self, prefix: str, topics: Topics):
        self._prefix, self._topics = prefix, topics

    def configurations(self, receiver: str, state: ReceiverState) -> dict[str, Mapping]:
        """What is to be retained of a receiver, by topic."""
        topics = self._topics
        node = slug(topics.of(receiver))
        entities = [
            *_emissions(state, topics.emissions(receiver)),
            *_status(state, topics.status(receiver)),
        ]
        for sender in state.activities:
            entities += _activity(sender, topics.activity(receiver, sender))
        return {
            f"{self._prefix}/{component}/{node}/{key}/config": {
                **fields,
                "unique_id": f"{node}_{key}",
                "availability_topic": topics.availability,
                "payload_available": ONLINE,
                "payload_not_available": OFFLINE,
                "device": _device(node, receiver),
                "origin": {"name": "gr-radiofm", "sw_version": __version__},
            }
            for component, key, fields in entities
        }


def _device(node: str, receiver: str) -> dict:
    return {
        "identifiers": [node],
        "name": receiver,
        "manufacturer": "gr-radiofm",
        "model": "radiofm",
        "sw_version": __version__,
    }


def _emissions(state: ReceiverState, topic: str) -> Iterator[Entity]:
    if not state.has_emissions:
        return
    for label in (TOTAL, *state.on_air()):
        name = "Emissions" if label == TOTAL else f"{display_name(label)} emissions"
        yield (
            "sensor",
            f"emissions_{slug(label)}",
            {
                "name": name,
                "state_topic": topic,
                "value_template": f"{{{{ value_json[{json.dumps(label)}] }}}}",
                "state_class": "measurement",
                "icon": "mdi:radio-tower",
            },
        )


def _activity(sender: str, topic: str) -> Iterator[Entity]:
    of = f" of {sender}" if sender else ""
    shared = {"state_topic": topic, "expire_after": EXPIRES_S}
    yield (
        "binary_sensor",
        f"motion_{slug(sender)}",
        {
            **shared,
            "name": f"Motion{of}",
            "device_class": "motion",
            "value_template": f"{{{{ value_json.{MOTION} }}}}",
            "payload_on": ON,
            "payload_off": OFF,
        },
    )
    yield (
        "sensor",
        f"activity_{slug(sender)}",
        {
            **shared,
            "name": f"Activity{of}",
            "value_template": f"{{{{ value_json.{keys.LABEL} }}}}",
            "json_attributes_topic": topic,
            "icon": "mdi:motion-sensor",
        },
    )
    yield (
        "sensor",
        f"motion_level_{slug(sender)}",
        {
            **shared,
            "name": f"Level of motion{of}",
            "value_template": f"{{{{ value_json.{keys.MOTION_DB} }}}}",
            "unit_of_measurement": "dB",
            "state_class": "measurement",
        },
    )


def _status(state: ReceiverState, topic: str) -> Iterator[Entity]:
    if state.status is None:
        return
    shared = {"state_topic": topic, "entity_category": "diagnostic", "expire_after": EXPIRES_S}
    for key, name in ((keys.FRAMES, "Frames"), (keys.DROPPED, "Dropped frames")):
        counted = {
            "name": name,
            "value_template": f"{{{{ value_json.{key} }}}}",
            "state_class": "total_increasing",
        }
        yield "sensor", key, shared | counted
    measured = {
        "name": "Latency (99th percentile)",
        "value_template": f"{{{{ value_json.{keys.LATENCY_P99} }}}}",
        "unit_of_measurement": "s",
        "device_class": "duration",
        "state_class": "measurement",
    }
    yield "sensor", keys.LATENCY_P99, shared | measured
