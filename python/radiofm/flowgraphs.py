# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole path as flowgraphs: a recording or a live source in, Python calls out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from gnuradio import gr

from radiofm_core import keys
from radiofm_core.errors import UsageError, one_line
from radiofm_core.spectrum.recordings import Recording
from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S

from .blocks.emission_tracker import emission_tracker
from .blocks.recording_source import recording_source
from .blocks.result_sink import result_sink
from .blocks.sigmf_sink import sigmf_sink
from .blocks.spectrogram_framer import spectrogram_framer
from .blocks.spectrogram_segmenter import spectrogram_segmenter
from .live_sources import LiveSource, open_live_source
from .polled_run import PolledRun

# Messages that may wait for the callback before the model is held up
MAX_BACKLOG = 64


class _Flowgraph(PolledRun, gr.top_block):
    """Source -> framer -> segmenter -> tracker -> callback, run from a thread that can be polled.

    The segmenter is given, not made here: loading a model takes seconds, and one segmenter
    serves many flowgraphs, one after the other. Call :meth:`close` between them.
    """

    def __init__(self, name, chain, segmenter, callback, ports, hold_time):
        gr.top_block.__init__(self, name, catch_exceptions=True)
        self.segmenter = segmenter
        self.framer = chain[-1]
        self.tracker = emission_tracker(hold_time=hold_time)
        self.sink = result_sink(callback, ports)
        self.connect(*chain, segmenter)
        self._messages = [
            (segmenter, keys.PORT_DETECTIONS, self.tracker, keys.PORT_DETECTIONS),
            (self.tracker, keys.PORT_EMISSIONS, self.sink, keys.PORT_EMISSIONS),
        ]
        if keys.PORT_FRAMES in ports:
            self._messages.append((self.framer, keys.PORT_FRAMES, self.sink, keys.PORT_FRAMES))
        for port in (keys.PORT_MASKS, keys.PORT_DETECTIONS, keys.PORT_STATUS):
            if port in ports:
                self._messages.append((segmenter, port, self.sink, port))
        for source, out_port, target, in_port in self._messages:
            self.msg_connect((source, out_port), (target, in_port))
        segmenter.set_backpressure(self.sink.backlog, MAX_BACKLOG)

    def _connect_messages(self, source, port: str, target) -> None:
        self._messages.append((source, port, target, port))
        self.msg_connect((source, port), (target, port))

    def _wait(self) -> None:
        self.wait()
        # After a stop in mid-run the blocks end in any order, and what one of them sent last may
        # still lie before the next: stop() takes it in, and finish() ends what that left open
        self.tracker.stop()
        self.tracker.finish()
        self.sink.stop()

    @property
    def can_tune(self) -> bool:
        """Whether :meth:`tune` leads anywhere."""
        return False

    def tune(self, frequency: float) -> None:
        """Ask the receiver, if there is one, for another centre frequency in Hz."""

    def close(self) -> None:
        """Take the flowgraph apart, so that the segmenter can join another one."""
        for source, out_port, target, in_port in self._messages:
            self.msg_disconnect((source, out_port), (target, in_port))
        self._messages = []
        self.disconnect_all()


class SegmentFlowgraph(_Flowgraph):
    """Segments a recording: lossless, at its end the flowgraph ends.

    Args:
        recording: from ``radiofm_core.spectrum.recordings.open_recording``.
        segmenter: a ``spectrogram_segmenter`` with ``overload="wait"``.
        callback: called as ``callback(port, fields, data)`` with ``frames``, ``masks``,
            ``emissions`` and ``status`` messages (see ``result_sink``).
        frame_duration: seconds; None for what suits the recording's length.
        hold_time: seconds, of the tracker.
        with_frames: whether the callback gets ``frames``, which are many bytes.

    Raises:
        UsageError: a sample rate outside the model's range, a wrong frame duration.
    """

    def __init__(
        self,
        recording: Recording,
        segmenter: spectrogram_segmenter,
        callback: Callable,
        frame_duration: float | None = None,
        hold_time: float = 0.05,
        with_frames: bool = True,
    ):
        if frame_duration is None:
            frame_duration = recording.suitable_frame_duration
        spec = segmenter.bundle_info.spec
        spec.check_sample_rate(recording.sample_rate)
        framer = spectrogram_framer(recording.sample_rate, frame_duration=frame_duration, spec=spec)
        self.source = recording_source(recording)
        ports = [keys.PORT_MASKS, keys.PORT_EMISSIONS, keys.PORT_STATUS]
        if with_frames:
            ports.append(keys.PORT_FRAMES)
        chain = (self.source, framer)
        super().__init__("segment recording", chain, segmenter, callback, ports, hold_time)


class WatchFlowgraph(_Flowgraph):
    """Segments a live source; frames that the model has no time for are dropped and counted.

    Args:
        source: what :func:`radiofm.live_sources.open_live_source` takes, or what it gives (the
            rate, frequency and gain that follow then say nothing).
        segmenter: a ``spectrogram_segmenter`` with ``overload="drop"``.
        callback: as for :class:`SegmentFlowgraph`; gets the messages of ``ports``.
        sample_rate: S/s.
        center_frequency: Hz.
        gain: dB; None for automatic gain where the receiver has it.
        frame_duration: seconds.
        hold_time: seconds, of the tracker.
        ports: ``emissions`` and others of frames, masks, detections, status.

    Raises:
        UsageError: an unknown source, a sample rate outside the model's range.
        InputError: a receiver or a file that cannot be opened.
    """

    def __init__(
        self,
        source: str | LiveSource,
        segmenter: spectrogram_segmenter,
        callback: Callable,
        sample_rate: float | None = None,
        center_frequency: float | None = None,
        gain: float | None = None,
        frame_duration: float = DEFAULT_FRAME_DURATION_S,
        hold_time: float = 0.05,
        ports: Sequence[str] = (keys.PORT_EMISSIONS, keys.PORT_STATUS),
    ):
        live = source
        if not isinstance(source, LiveSource):
            live = open_live_source(source, sample_rate, center_frequency, gain)
        segmenter.bundle_info.spec.check_sample_rate(live.sample_rate)
        framer = spectrogram_framer(
            live.sample_rate,
            live.center_frequency,
            frame_duration,
            spec=segmenter.bundle_info.spec,
        )
        self.sample_rate = live.sample_rate
        self.center_frequency = live.center_frequency
        self.source = live.block
        self._live = live
        self._framer = framer
        self._samples: sigmf_sink | None = None
        super().__init__("watch", (live.block, framer), segmenter, callback, ports, hold_time)

    @property
    def can_tune(self) -> bool:
        """Whether the source is a receiver."""
        return self._live.tune is not None

    def tune(self, frequency: float) -> None:
        """Ask the receiver for another centre frequency in Hz; what it refuses is logged."""
        if self._live.tune is None:
            return
        try:
            self._live.tune(frequency)
        except (RuntimeError, ValueError) as error:
            self.segmenter.logger.error(f"cannot tune to {frequency:g} Hz: {one_line(error)}")
            return
        self.center_frequency = frequency
        if self._live.tags_retunes:
            return
        for block in filter(None, (self._framer, self._samples)):
            block.set_center_frequency(frequency)

    def keep_samples(self, folder: str | os.PathLike, history: float) -> None:
        """Keep the last ``history`` seconds of samples in memory for :meth:`save`, which writes
        into ``folder``. Call before the flowgraph starts. Raises UsageError for a history of 0 s.
        """
        self._samples = sigmf_sink(
            folder,
            self.sample_rate,
            self.center_frequency,
            mode="on_demand",
            datatype="ci16_le",
            history=history,
        )
        self.connect(self.source, self._samples)
        self._connect_messages(self.tracker, keys.PORT_EMISSIONS, self._samples)

    def save(self) -> Path | None:
        """Write the samples that are kept, with annotations, as a SigMF pair, and wait for it.

        Returns the path of its samples; None if it could not be written (the log tells why), or
        none are kept.
        """
        return None if self._samples is None else self._samples.save()

    def set_frame_duration(self, frame_duration: float) -> None:
        """Change the length of frames (s), from the next one on."""
        self._framer.set_frame_duration(frame_duration)


def make_segmenter(**options) -> spectrogram_segmenter:
    """A segmenter block (see ``spectrogram_segmenter``); TypeErrors become UsageErrors."""
    try:
        return spectrogram_segmenter(**options)
    except TypeError as error:
        raise UsageError(f"wrong segmenter option: {error}") from error
