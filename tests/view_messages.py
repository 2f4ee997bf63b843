# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as a flowgraph gives them, for live views and their servers."""

from __future__ import annotations

import time

import numpy as np

from radiofm_core import keys

RATE, ROW_SAMPLES, COLS, ROWS = 1.024e6, 1024, 64, 20  # a row is 1 ms
CENTER = 1e9
NAMES, COLORS = ["noise", "lte", "nr"], ["#5b6270", "#23c4ff", "#ffa01e"]


def frame(start: float, cols: int = COLS, **more) -> dict:
    """The fields of a frame and its mask; ``more``: other ones, by key."""
    whole = int(start)
    return {
        keys.ROWS: ROWS,
        keys.COLS: cols,
        keys.CHANNELS: 1,
        keys.ROW_SAMPLES: ROW_SAMPLES,
        keys.SAMPLE_RATE: RATE,
        keys.CENTER_FREQUENCY: CENTER,
        keys.SAMPLE_OFFSET: 0,
        keys.RX_TIME: (whole, start - whole),
        keys.CLASSES: NAMES,
        keys.CLASS_COLORS: COLORS,
        keys.MODEL: "test",
        **more,
    }


def emission(number: int, kind: str = keys.EVENT_START, evidence: str = "", **more) -> dict:
    """An event of the tracker."""
    names = {"center": keys.CENTER_FREQUENCY, "label": keys.LABEL, "bandwidth": keys.BANDWIDTH}
    return {
        keys.EVENT: kind,
        keys.BURST_ID: number,
        keys.LABEL: "lte",
        keys.CONFIDENCE: 0.9,
        keys.CENTER_FREQUENCY: CENTER,
        keys.BANDWIDTH: 1e5,
        keys.START_TIME: 0.0,
        keys.DURATION: 0.1,
        keys.ACTIVE_TIME: 0.1,
        keys.SNR_DB: 12.0,
        keys.EVIDENCE: [{keys.MEANING: evidence}] if evidence else [],
        **{names[name]: value for name, value in more.items()},
    }


def feed(server, seconds: float, start: float = 0.0, cols: int = COLS) -> None:
    """Give a server frames and masks, and wait until it has taken them."""
    power = np.full((ROWS, cols), -90.0, np.float32)
    power[:, 28:36] = -50.0
    mask = np.zeros((ROWS, cols), np.uint8)
    mask[:, 28:36] = 1
    duration = ROWS * ROW_SAMPLES / RATE
    for number in range(round(seconds / duration)):
        fields = frame(start + number * duration, cols)
        server.take(keys.PORT_FRAMES, fields, power.ravel())
        server.take(keys.PORT_MASKS, fields, mask.ravel())
        while server.intake.waiting > 16:
            time.sleep(1e-3)
    while server.intake.waiting:
        time.sleep(1e-3)
