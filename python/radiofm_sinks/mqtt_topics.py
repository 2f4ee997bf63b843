# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which topics a broker gets what, and the states that it retains."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from radiofm_core import keys
from radiofm_core.csi.motion_state import MOVING
from radiofm_core.events import names

from .states import ReceiverState

ONLINE, OFFLINE = "online", "offline"
TOTAL = "total"
# The level from which on something moves (dB)
MOTION_DB = 6.0
_LONGEST_SLUG = 64
MOTION, ON, OFF = "motion", "ON", "OFF"
_STATUS = (
    keys.FRAMES,
    keys.DROPPED,
    keys.QUEUE_DEPTH,
    keys.LATENCY_P50,
    keys.LATENCY_P99,
    keys.MSPS,
)
_ACTIVITY = (keys.LABEL, keys.CONFIDENCE, keys.MOTION_DB, keys.PACKET_RATE, keys.SOURCE)


@dataclass(frozen=True)
class Topics:
    """Topics below ``base``: of this program, called ``name``, and of each receiver.

    ``motion_db``: the level from which on something moves (dB), where no state of motion is told.
    """

    base: str
    name: str
    motion_db: float = MOTION_DB

    @property
    def are_valid(self) -> bool:
        """Whether a broker takes them."""
        return bool(self.base) and not re.search(r"[+#\x00]", self.base)

    @property
    def availability(self) -> str:
        """Of this program: ``online`` or ``offline``."""
        return f"{self.base}/{self.name}/availability"

    def of(self, receiver: str) -> str:
        """Under which a receiver's are."""
        return f"{self.base}/{slug(receiver)}"

    def event(self, receiver: str, kind: str) -> str:
        """Of events of a type."""
        return f"{self.of(receiver)}/event/{kind}"

    def emissions(self, receiver: str) -> str:
        """How many are on the air, by label."""
        return f"{self.of(receiver)}/state/emissions"

    def status(self, receiver: str) -> str:
        """How the model does."""
        return f"{self.of(receiver)}/state/status"

    def activity(self, receiver: str, sender: str) -> str:
        """What went on last, by the packets of a sender."""
        return f"{self.of(receiver)}/state/activity/{slug(sender)}"


def slug(text: str) -> str:
    """Letters, digits and ``_`` alone, as identifiers want them; ``any`` where there are none."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST_SLUG] or "any"


def state_messages(receiver: str, state: ReceiverState, topics: Topics) -> dict[str, Mapping]:
    """What is to be retained of a receiver, by topic."""
    messages: dict[str, Mapping] = {}
    if state.has_emissions:
        on_air = state.on_air()
        messages[topics.emissions(receiver)] = {TOTAL: sum(on_air.values()), **on_air}
    for sender, event in state.activities.items():
        told = {names.TIME: event[names.TIME]}
        told |= {key: event[key] for key in _ACTIVITY if key in event}
        if sender in state.motions:
            moves = state.motions[sender] == MOVING
        else:
            moves = told.get(keys.MOTION_DB, 0.0) >= topics.motion_db
        messages[topics.activity(receiver, sender)] = {**told, MOTION: ON if moves else OFF}
    if state.status is not None:
        told = {key: state.status[key] for key in _STATUS if key in state.status}
        messages[topics.status(receiver)] = {names.TIME: state.status[names.TIME], **told}
    return messages
