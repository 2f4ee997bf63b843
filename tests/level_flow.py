# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way from a recording through the level model into the SigMF sink."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from gnuradio import gr, radiofm
from level_model import RATE, make_level_bundle, write_recording

from radiofm_core import keys

FRAME_S = 5e-3


def write_two_carriers(
    folder: Path, samples: np.ndarray, endless_for: float = 0.0, **options
) -> None:
    """Samples of ``level_model.two_carriers`` into pairs in ``folder/out``, with the emissions that
    the model finds.

    Args:
        folder: for the recording, the model and ``out``.
        samples: of the recording.
        endless_for: seconds after which a flowgraph that plays it again and again, as it would
            have been received, is stopped; 0: once, to the end.
        options: of the sink.
    """
    path = write_recording(folder / "two", samples)
    model = str(make_level_bundle(folder / "level.pt"))
    is_endless = endless_for > 0
    source = radiofm.recording_source(path, repeat=is_endless, real_time=is_endless)
    framer = radiofm.spectrogram_framer(RATE, frame_duration=FRAME_S, model=model)
    segmenter = radiofm.spectrogram_segmenter(model, threads=1)
    tracker = radiofm.emission_tracker()
    sink = radiofm.sigmf_sink(folder / "out", RATE, **options)
    top = gr.top_block()
    top.connect(source, framer, segmenter)
    top.connect(source, sink)
    top.msg_connect(segmenter, keys.PORT_DETECTIONS, tracker, keys.PORT_DETECTIONS)
    top.msg_connect(tracker, keys.PORT_EMISSIONS, sink, keys.PORT_EMISSIONS)
    top.start()
    if is_endless:
        time.sleep(endless_for)
        top.stop()
    top.wait()
