# SPDX-License-Identifier: GPL-3.0-or-later
"""The emission tracker block: detections of single frames in, emissions over time out."""

from __future__ import annotations

from radiofm_core import keys
from radiofm_core.errors import InputError
from radiofm_core.fields import check_present, number_parameter, shown
from radiofm_core.spectrum.detections import Detection
from radiofm_core.spectrum.tracking import (
    DEFAULT_HOLD_TIME_S,
    DEFAULT_UPDATE_INTERVAL_S,
    EmissionTracker,
)

from ..pmts.messages import from_pmt, symbol, to_pmt
from ..runtime.message_block import message_block


class emission_tracker(message_block):
    """Merges detections over frames: a carrier that stays on is one emission.

    Input messages: ``detections`` of one segmenter.

    Output messages: ``emissions``, a dict with ``event`` (start, update, end), ``burst_id`` and
    the keys of a detection. What is still on when the flowgraph or the recording ends, ends.
    ``status``, a dict where messages could not be handled: how many
    ``failed``, and the last one's ``error``.

    Args:
        hold_time: seconds; a longer gap ends an emission.
        update_interval: seconds between two updates of an emission that stays.

    Raises:
        UsageError: a parameter below zero.
    """

    def __init__(
        self,
        hold_time: float = DEFAULT_HOLD_TIME_S,
        update_interval: float = DEFAULT_UPDATE_INTERVAL_S,
    ):
        self._tracker = EmissionTracker(hold_time, update_interval)
        message_block.__init__(self, "emission_tracker", senders=1, tells_failures=True)
        self.add_input(keys.PORT_DETECTIONS, self._on_detections)
        self.message_port_register_out(symbol(keys.PORT_EMISSIONS))

    def set_hold_time(self, hold_time: float) -> None:
        """Change the longest gap (s) within an emission; may be called while running."""
        self._tracker.hold_time = number_parameter("hold time", hold_time, "s", least=0.0)

    def set_update_interval(self, update_interval: float) -> None:
        """Change the time (s) between two updates of an emission; may be called while running."""
        self._tracker.update_interval = number_parameter(
            "update interval", update_interval, "s", least=0.0
        )

    def handle(self, port: str, message) -> None:
        """Take one frame's detections and publish the events that follow."""
        frame = from_pmt(message)
        check_present(frame, (keys.DETECTIONS,))
        found = frame[keys.DETECTIONS]
        if not isinstance(found, list):
            raise InputError(f"its {keys.DETECTIONS}: expected a vector, got {shown(found)}")
        detections = [Detection.from_dict(fields) for fields in found]
        self._publish(self._tracker.process_frame(frame, detections))
        if frame.get(keys.LAST) is True:
            self.finish()

    def finish(self) -> None:
        """End what is still open."""
        self._publish(self._tracker.finish())

    def _on_detections(self, message) -> None:
        self.receive(keys.PORT_DETECTIONS, message)

    def _publish(self, events: list[dict]) -> None:
        for event in events:
            self.publish(keys.PORT_EMISSIONS, to_pmt(event))
