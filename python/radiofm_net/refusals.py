# SPDX-License-Identifier: GPL-3.0-or-later
"""Who and what a server has refused."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

# Different refusals that are told one by one; further ones are only counted
MOST_TOLD = 1000


class Refusals:
    """Counts what was refused by kind, and tells each different one once. Any thread may call."""

    def __init__(self, tell: Callable[[str], None]):
        self._tell = tell
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self.counts: Counter[str] = Counter()

    def add(self, kind: str, text: str, mark: str | None = None) -> None:
        """One more of ``kind``; ``mark``: what makes it another one, ``text`` by default."""
        mark = text if mark is None else mark
        with self._lock:
            self.counts[kind] += 1
            is_new = mark not in self._told and len(self._told) < MOST_TOLD
            if is_new:
                self._told.add(mark)
        if is_new:
            self._tell(text)
