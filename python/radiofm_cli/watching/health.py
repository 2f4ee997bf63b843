# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run goes on: frames advance, or nothing is there to do, or the source is waited for."""

from __future__ import annotations

import time

from radiofm_core import keys

# A model call, or a driver that opens a receiver, may take so long (s)
STUCK_S = 20.0
OPENING_S = 60.0


class Health:
    """Looks at the flowgraph and at what feeds it.

    Args:
        flowgraph: a ``WatchFlowgraph``.
        source: a ``ReconnectingSource``, or None.
    """

    def __init__(self, flowgraph, source):
        self._flowgraph, self._source = flowgraph, source
        self._handled = self._read = -1
        self._moved = time.monotonic()

    def is_well(self) -> bool:
        """Whether it goes on."""
        now = time.monotonic()
        status = self._flowgraph.segmenter.status()
        handled = sum(status.get(key, 0) for key in (keys.FRAMES, keys.DROPPED, keys.FAILED))
        read = self._flowgraph.framer.nitems_read(0)
        waits = handled < self._flowgraph.framer.frames()
        if self._source is not None:
            waits = waits or self._source.pipe.waiting() > 0
        if not waits or (handled, read) != (self._handled, self._read):
            self._moved = now
        self._handled, self._read = handled, read
        looked_after = self._source is None or now - self._source.beat < OPENING_S
        return looked_after and now - self._moved < STUCK_S
