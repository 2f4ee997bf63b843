# SPDX-License-Identifier: GPL-3.0-or-later
"""A sensor's flowgraph: a live source in, spectrogram frames out as Python calls; no model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gnuradio import gr

from radiofm_core import keys
from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S, SpectrogramSpec

from .blocks.result_sink import result_sink
from .blocks.spectrogram_framer import spectrogram_framer
from .live_sources import LiveSource
from .polled_run import PolledRun

# Frames that wait to be taken at most; more are skipped, as this host is too slow
MOST_WAITING = 25


class SensorFlowgraph(PolledRun, gr.top_block):
    """Source -> framer -> callback, run from a thread that can be polled.

    Args:
        live: from :func:`.live_sources.open_live_source`.
        spec: of the frames.
        take: called as ``take(fields, vector)`` with each frame of the framer's port ``frames``.
        skip: called instead while more than MOST_WAITING frames wait.
        frame_duration: s.

    Raises:
        UsageError: a sample rate outside the spec's range, a wrong frame duration.
    """

    def __init__(
        self,
        live: LiveSource,
        spec: SpectrogramSpec,
        take: Callable[[dict, np.ndarray], None],
        skip: Callable[[], None],
        frame_duration: float = DEFAULT_FRAME_DURATION_S,
    ):
        gr.top_block.__init__(self, "sensor", catch_exceptions=True)
        spec.check_sample_rate(live.sample_rate)
        self.source = live.block
        self.framer = spectrogram_framer(
            live.sample_rate, live.center_frequency, frame_duration, spec=spec
        )

        def take_or_skip(port: str, fields: dict, data: np.ndarray) -> None:
            if self.sink.backlog() > MOST_WAITING:
                skip()
            else:
                take(fields, data)

        self.sink = result_sink(take_or_skip, (keys.PORT_FRAMES,))
        self.connect(live.block, self.framer)
        self.msg_connect((self.framer, keys.PORT_FRAMES), (self.sink, keys.PORT_FRAMES))
