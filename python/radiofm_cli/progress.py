# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress bar of an input, in seconds of what was received."""

from __future__ import annotations

import sys

from tqdm import tqdm

_KNOWN = "{desc} {percentage:3.0f}%|{bar}| {n:.2f}/{total:.2f} s of WHAT [{elapsed}<{remaining}]"
_OPEN = "{desc} {n:.1f} s of WHAT [{elapsed}]"


class Progress:
    """A bar on standard error while that is a terminal; :meth:`seen` may be on any thread.

    Args:
        stem: the input's name.
        what: there are seconds of.
        total_s: how many; None where nobody knows before the end.
    """

    def __init__(self, stem: str, what: str, total_s: float | None = None):
        self._done = 0.0
        self._bar = tqdm(
            total=total_s,
            desc=stem[:32],
            bar_format=(_OPEN if total_s is None else _KNOWN).replace("WHAT", what),
            leave=False,
            file=sys.stderr,
            disable=None,
            dynamic_ncols=True,
        )

    def seen(self, done_s: float) -> None:
        """Note how much is done."""
        self._done = done_s

    def show(self) -> None:
        """Draw the bar anew."""
        self._bar.update(min(self._done, self._bar.total or self._done) - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
