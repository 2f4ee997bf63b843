# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between paho-mqtt 2 and 1.6, that of Debian 12 and Ubuntu 24.04."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paho.mqtt.client as paho

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode


def new_client() -> paho.Client:
    """A client of MQTT 3.1.1. Version 1.6 gives its callbacks neither a reason to `on_publish`
    nor properties to any."""
    versions = getattr(paho, "CallbackAPIVersion", None)
    arguments = () if versions is None else (versions.VERSION2,)
    return paho.Client(*arguments, protocol=paho.MQTTv311)


def refusal(answer: ReasonCode | int) -> str | None:
    """Why a broker did not let us in, by what `on_connect` was given; None if it did."""
    if isinstance(answer, int):
        told = paho.connack_string(answer).partition(": ")[2].rstrip(".")
        return told.lower() if answer else None
    return str(answer).lower() if answer.is_failure else None
