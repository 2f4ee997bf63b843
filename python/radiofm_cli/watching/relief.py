# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done where the model is too slow for a live source."""

from __future__ import annotations

import time

from radiofm_core import keys
from radiofm_core.outputs.event_words import STATUS_INTERVAL_S, counts_words
from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S, SpectrogramSpec

from ..printing import tell


class Relief:
    """Frames of twice the duration are half as many; tells so, and how many were dropped.

    Args:
        spec: the model's.
        flowgraph: whose frames become longer.
        wanted: the user's frame duration (s), which is not changed, or None.
    """

    def __init__(self, spec: SpectrogramSpec, flowgraph, wanted: float | None):
        self._longest = spec.rows * spec.row_duration_max
        self._flowgraph = flowgraph
        self._is_wanted = wanted is not None
        self._duration = wanted or DEFAULT_FRAME_DURATION_S
        self._dropped = 0
        self._next = time.monotonic() + STATUS_INTERVAL_S

    def look(self, status: dict) -> None:
        """A status of the segmenter."""
        news, self._dropped = status[keys.DROPPED] - self._dropped, status[keys.DROPPED]
        if news and time.monotonic() >= self._next:
            self._next = time.monotonic() + STATUS_INTERVAL_S
            tell(f"the model is too slow for this rate: {counts_words(status)}{self._give()}")

    def _give(self) -> str:
        """Do it, if there is something; what to tell of it."""
        longer = 2 * self._duration
        if longer > self._longest:
            return ""
        if self._is_wanted:
            return f"; --frame-duration {longer:g} halves the number of frames"
        self._duration = longer
        self._flowgraph.set_frame_duration(longer)
        return f"; frames last {longer * 1e3:g} ms from now on"
