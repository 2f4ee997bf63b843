# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames over ZeroMQ: a framer in one process, a segmenter in another.

PUSH and PULL, not PUB and SUB: these hold up the sender, so that nothing is lost and the rate is
that of the path.
"""

from __future__ import annotations

import time

from gnuradio import gr, zeromq
from gnuradio.radiofm.blocks.recording_source import recording_source
from gnuradio.radiofm.blocks.result_sink import result_sink
from gnuradio.radiofm.blocks.spectrogram_framer import spectrogram_framer
from gnuradio.radiofm.blocks.spectrogram_segmenter import spectrogram_segmenter

from radiofm_core import keys
from radiofm_core.bundle import BundleInfo
from radiofm_core.spectrum.recordings import Recording

from . import child

POLL_MS = 100
# Messages of up to 16 frames that ZeroMQ holds on each side
QUEUE = 4
LONGEST_S = 120.0


def send_frames(recording: Recording, info: BundleInfo) -> dict:
    """Send all frames of ``recording`` to a new process; returns what :func:`take` returns there.

    Raises RadiofmError if that process fails.
    """
    framer = spectrogram_framer(recording.sample_rate, spec=info.spec)
    sink = zeromq.push_sink(
        gr.sizeof_float, info.spec.frame_floats, "tcp://127.0.0.1:*", POLL_MS, True, QUEUE
    )
    taker = child.start(
        "over_zmq",
        address=sink.last_endpoint(),
        model=str(info.path.resolve()),
        frames=recording.num_samples // framer.frame_samples(),
        frame_samples=framer.frame_samples(),
    )
    top = gr.top_block("frames over ZeroMQ")
    top.connect(recording_source(recording), framer, sink)
    top.start()
    try:
        return child.answer(taker)
    finally:
        taker.kill()
        top.stop()
        top.wait()


def take(address: str, model: str, frames: int, frame_samples: int) -> dict:
    """Segment ``frames`` frames that come from ``address``.

    Returns a dict: ``frames`` that had an answer, ``tags_kept`` of them, in order and with the
    offset that they must have, and ``fps``, frames a second after the first answer.
    """
    offsets: list[int] = []
    times: list[float] = []

    def note(port: str, fields: dict, data) -> None:
        offsets.append(fields[keys.SAMPLE_OFFSET])
        times.append(time.monotonic())

    segmenter = spectrogram_segmenter(model)
    size = segmenter.bundle_info.spec.frame_floats
    source = zeromq.pull_source(gr.sizeof_float, size, address, POLL_MS, True, QUEUE)
    sink = result_sink(note, (keys.PORT_DETECTIONS,))
    top = gr.top_block("frames from ZeroMQ")
    top.connect(source, segmenter)
    top.msg_connect((segmenter, keys.PORT_DETECTIONS), (sink, keys.PORT_DETECTIONS))
    top.start()
    end = time.monotonic() + LONGEST_S
    while len(times) < frames and time.monotonic() < end:
        time.sleep(0.01)
    top.stop()
    top.wait()
    kept = sum(offset == index * frame_samples for index, offset in enumerate(offsets))
    fps = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0
    return {"frames": len(times), "tags_kept": kept, "fps": fps}


if __name__ == "__main__":
    child.serve(take)
