# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether samples come, as the events of the source tell it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

from radiofm_core import keys
from radiofm_core.events import names


class Loss(NamedTuple):
    """A source that gives no samples: since when (UTC, as events tell times, and on this process's
    monotonic clock, s), and why."""

    since: str
    began: float
    reason: str

    def fields(self) -> dict:
        """As JSON; ``age`` (s) is the one of now, whatever another machine's clock says."""
        return {
            "since": self.since,
            "age": round(time.monotonic() - self.began, 1),
            names.REASON: self.reason,
        }


class SourceState:
    """Follows events; one thread takes them, others may look at :attr:`loss`."""

    def __init__(self):
        #: None while samples come, and where nothing is known
        self.loss: Loss | None = None

    def take(self, event: Mapping) -> None:
        """An event of any type."""
        if event[names.TYPE] != names.SOURCE_TYPE:
            return
        if event[keys.EVENT] == names.FOUND:
            self.loss = None
        elif self.loss is None:
            self.loss = Loss(event[names.TIME], time.monotonic(), event[names.REASON])
        else:
            self.loss = self.loss._replace(reason=event[names.REASON])
