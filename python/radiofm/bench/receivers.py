# SPDX-License-Identifier: GPL-3.0-or-later
"""Live receivers in a process of their own: lost frames, latency, memory.

Each is a recording of the scene at its own pace -> framer -> segmenter (``overload="drop"``) ->
tracker -> result sink, as ``radiofm watch`` has it. The source gives each sample out when it would
have been received, late or not. So that no latency is reported too low, the clock starts before the
flowgraph does.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

from gnuradio import gr

from radiofm_core import keys
from radiofm_core.recordings import Recording, open_recording

from ..emission_tracker import emission_tracker
from ..recording_source import recording_source
from ..result_sink import result_sink
from ..spectrogram_framer import spectrogram_framer
from ..spectrogram_segmenter import spectrogram_segmenter
from .child import resident_mb, serve

# Frames whose last sample comes this shortly before the end are not asked for (s)
TAIL_S = 0.5


@dataclass
class Received:
    """Of all receivers together: ``latency_ms`` of each frame that had an answer, frames that had
    none, and the process's resident memory while they ran."""

    frames: int = 0
    lost_frames: int = 0
    latency_ms: list[float] = field(default_factory=list)
    memory_mb: float = 0.0


class Receiver:
    """The blocks of one receiver, connected in ``top``."""

    def __init__(self, top: gr.top_block, recording: Recording, model: str):
        rate = recording.sample_rate
        self.segmenter = spectrogram_segmenter(model, overload="drop")
        self.framer = spectrogram_framer(rate, spec=self.segmenter.bundle_info.spec)
        self.tracker = emission_tracker()
        self.arrived: dict[int, float] = {}
        ports = (keys.PORT_DETECTIONS, keys.PORT_EMISSIONS)
        self.sink = result_sink(self._take, ports)
        self.frame_s = self.framer.frame_samples() / rate
        source = recording_source(recording, repeat=True, real_time=True)
        top.connect(source, self.framer, self.segmenter)
        for target in (self.tracker, self.sink):
            port = keys.PORT_DETECTIONS
            top.msg_connect((self.segmenter, port), (target, port))
        port = keys.PORT_EMISSIONS
        top.msg_connect((self.tracker, port), (self.sink, port))

    def _take(self, port: str, fields: dict, data) -> None:
        if port == keys.PORT_DETECTIONS:
            self.arrived[fields[keys.FRAME_INDEX]] = time.monotonic()


def receive(recording: str, rate: float, datatype: str, model: str, count: int, seconds: float):
    """Run ``count`` receivers for ``seconds``; returns :class:`Received` as a dict."""
    top = gr.top_block("receivers")
    opened = open_recording(recording, rate, 796e6, datatype)
    receivers = [Receiver(top, opened, model) for _ in range(count)]
    begin = time.monotonic()
    top.start()
    time.sleep(seconds + TAIL_S)
    found = Received(memory_mb=resident_mb())
    top.stop()
    top.wait()
    for receiver in receivers:
        due = int(seconds / receiver.frame_s)
        found.frames += due
        for index in range(due):
            if index in receiver.arrived:
                complete = begin + (index + 1) * receiver.frame_s
                found.latency_ms.append(1e3 * (receiver.arrived[index] - complete))
            else:
                found.lost_frames += 1
    return asdict(found)


if __name__ == "__main__":
    serve(receive)
