# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way from a recording through the level model into the SigMF sink."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gnuradio import gr, radiofm
from level_model import RATE, make_level_bundle, write_recording

from radiofm_core import keys

FRAME_S = 5e-3


def write_two_carriers(folder: Path, samples: np.ndarray, **options) -> None:
    """Samples of ``level_model.two_carriers`` into pairs in ``folder/out``, with the emissions that
    the model finds."""
    path = write_recording(folder / "two", samples)
    model = str(make_level_bundle(folder / "level.pt"))
    source = radiofm.recording_source(path)
    framer = radiofm.spectrogram_framer(RATE, frame_duration=FRAME_S, model=model)
    segmenter = radiofm.spectrogram_segmenter(model, threads=1)
    tracker = radiofm.emission_tracker()
    sink = radiofm.sigmf_sink(folder / "out", RATE, **options)
    top = gr.top_block()
    top.connect(source, framer, segmenter)
    top.connect(source, sink)
    top.msg_connect(segmenter, keys.PORT_DETECTIONS, tracker, keys.PORT_DETECTIONS)
    top.msg_connect(tracker, keys.PORT_EMISSIONS, sink, keys.PORT_EMISSIONS)
    top.run()
