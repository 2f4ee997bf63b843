# SPDX-License-Identifier: GPL-3.0-or-later
"""Live receivers in a process of their own: lost frames, latency, memory.

Each is what ``radiofm watch`` runs, on a recording of the scene that is repeated in real time: the
source gives each sample out when it would have been received, late or not. So that no latency is
reported too low, the clock starts before the flowgraph does.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

from gnuradio.radiofm.blocks.recording_source import recording_source
from gnuradio.radiofm.blocks.spectrogram_segmenter import spectrogram_segmenter
from gnuradio.radiofm.flowgraphs import WatchFlowgraph
from gnuradio.radiofm.live_sources import LiveSource

from radiofm_core import keys
from radiofm_core.spectrum.recordings import Recording, open_recording

from .child import resident_mb, serve

# Frames whose last sample comes this shortly before the end are not asked for (s)
TAIL_S = 0.5
STOP_S = 10.0


@dataclass
class Received:
    """Of all receivers together: ``latency_ms`` of each frame that had an answer, frames that had
    none, and the process's resident memory while they ran."""

    frames: int = 0
    lost_frames: int = 0
    latency_ms: list[float] = field(default_factory=list)
    memory_mb: float = 0.0


class Receiver:
    """A receiver of the recording, and when the detections of each frame arrived."""

    PORTS: tuple[str, ...] = (keys.PORT_DETECTIONS, keys.PORT_EMISSIONS)

    def __init__(self, recording: Recording, model: str):
        block = recording_source(recording, repeat=True, real_time=True)
        live = LiveSource(block, recording.sample_rate, recording.captures[0].center_frequency)
        segmenter = spectrogram_segmenter(model, overload="drop")
        self.arrived: dict[int, float] = {}
        self.flowgraph = WatchFlowgraph(live, segmenter, self._take, ports=self.PORTS)
        self.frame_s = self.flowgraph.framer.frame_samples() / recording.sample_rate
        self._begin = 0.0

    def launch(self) -> None:
        """Begin to receive."""
        self._begin = time.monotonic()
        self.flowgraph.launch()

    def count(self, seconds: float, found: Received) -> None:
        """Add the frames of the first ``seconds``."""
        due = int(seconds / self.frame_s)
        found.frames += due
        for index in range(due):
            if index in self.arrived:
                complete = self._begin + (index + 1) * self.frame_s
                found.latency_ms.append(1e3 * (self.arrived[index] - complete))
            else:
                found.lost_frames += 1

    def _take(self, port: str, fields: dict, data) -> None:
        if port == keys.PORT_DETECTIONS:
            self.arrived[fields[keys.FRAME_INDEX]] = time.monotonic()


def receive(recording: str, rate: float, datatype: str, model: str, count: int, seconds: float):
    """Run ``count`` receivers for ``seconds``; returns :class:`Received` as a dict."""
    opened = open_recording(recording, rate, 796e6, datatype)
    receivers = [Receiver(opened, model) for _ in range(count)]
    for receiver in receivers:
        receiver.launch()
    time.sleep(seconds + TAIL_S)
    found = Received(memory_mb=resident_mb())
    for receiver in receivers:
        receiver.flowgraph.stop()
    for receiver in receivers:
        receiver.flowgraph.ended(STOP_S)
        receiver.count(seconds, found)
    return asdict(found)


if __name__ == "__main__":
    serve(receive)
