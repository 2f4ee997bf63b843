# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress bar of a recording, in seconds of signal."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tqdm import tqdm

from .. import keys
from ..recordings import Recording


class Progress:
    """A bar on standard error while that is a terminal; :meth:`seen` may be on any thread."""

    def __init__(self, recording: Recording):
        self._rate = recording.sample_rate
        self._done = 0.0
        self._bar = tqdm(
            total=recording.duration,
            desc=recording.stem[:32],
            bar_format="{desc} {percentage:3.0f}%|{bar}| {n:.2f}/{total:.2f} s of signal"
            " [{elapsed}<{remaining}]",
            leave=False,
            file=sys.stderr,
            disable=None,
            dynamic_ncols=True,
        )

    def seen(self, frame: Mapping) -> None:
        """Note that a frame has its mask."""
        end = frame[keys.SAMPLE_OFFSET] + frame[keys.ROWS] * frame[keys.ROW_SAMPLES]
        self._done = end / self._rate

    def show(self) -> None:
        """Draw the bar anew."""
        self._bar.update(min(self._done, self._bar.total or self._done) - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
