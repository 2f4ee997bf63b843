# SPDX-License-Identifier: GPL-3.0-or-later
"""How things are now, by the events so far: for outputs that show a state, not what led to it."""

from __future__ import annotations

from collections.abc import ItemsView, Mapping

from radiofm_core import keys
from radiofm_core.events import names

# Emissions that can be on the air at once, labels and senders that are told apart: messages of
# other programs may hold any
MOST_OPEN, MOST_LABELS, MOST_SENDERS = 10_000, 64, 32
MOST_RECEIVERS = 256
OTHER = "other_labels"


class ReceiverState:
    """The newest of each kind, by the events of one receiver."""

    def __init__(self):
        self._open: dict[int, str] = {}
        # By label that was seen, how many of them are open
        self._on_air: dict[str, int] = {}
        self.has_emissions = False
        # By sender, the newest event
        self.activities: dict[str, Mapping] = {}
        # By sender, the state of motion that holds
        self.motions: dict[str, str] = {}
        self.status: Mapping | None = None

    def take(self, event: Mapping) -> None:
        """The next event."""
        kind = event[names.TYPE]
        if kind == names.EMISSION:
            self._take_emission(event)
        elif kind == names.ACTIVITY:
            sender = event[keys.SOURCE]
            if sender in self.activities or len(self.activities) < MOST_SENDERS:
                self.activities[sender] = event
        elif kind == names.MOTION:
            self._take_motion(event)
        elif kind == names.STATUS and keys.FRAMES in event:
            self.status = event
        elif kind == names.RUN_TYPE:
            self._open.clear()
            self._on_air = dict.fromkeys(self._on_air, 0)
            self.motions.clear()

    def on_air(self) -> dict[str, int]:
        """How many emissions of each label that was seen are on the air."""
        return dict(self._on_air)

    def label_of(self, event: Mapping) -> str:
        """An event's label, or one for all further ones where there are too many."""
        label = event[keys.LABEL]
        if label not in self._on_air and len(self._on_air) >= MOST_LABELS:
            label = OTHER
        self._on_air.setdefault(label, 0)
        return label

    def _take_motion(self, event: Mapping) -> None:
        sender, state = event[keys.SOURCE], event[keys.STATE]
        if event[keys.EVENT] == keys.EVENT_START:
            if sender in self.motions or len(self.motions) < MOST_SENDERS:
                self.motions[sender] = state
        elif self.motions.get(sender) == state:
            del self.motions[sender]

    def _take_emission(self, event: Mapping) -> None:
        self.has_emissions = True
        number, label = event[keys.BURST_ID], self.label_of(event)
        before = self._open.pop(number, None)
        if before is not None:
            self._on_air[before] -= 1
        if event[keys.EVENT] != keys.EVENT_END and len(self._open) < MOST_OPEN:
            self._open[number] = label
            self._on_air[label] += 1


class States:
    """The state of each receiver whose events come by, by its name. Not locked."""

    def __init__(self):
        self._receivers: dict[str, ReceiverState] = {}

    def take(self, event: Mapping) -> ReceiverState | None:
        """The next event; the state of its receiver after it, None of one too many."""
        name = event[names.RECEIVER][names.NAME]
        state = self._receivers.get(name)
        if state is None:
            if len(self._receivers) >= MOST_RECEIVERS:
                return None
            state = self._receivers[name] = ReceiverState()
        state.take(event)
        return state

    def items(self) -> ItemsView[str, ReceiverState]:
        """(name, state) of each."""
        return self._receivers.items()
