# SPDX-License-Identifier: GPL-3.0-or-later
"""The spectrum monitor: samples in, a window that shows what there is, in one block."""

from __future__ import annotations

import os

from gnuradio import gr

from radiofm_core import keys
from radiofm_core.fields import whole_parameter
from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S

from ..pmts.messages import to_pmt
from ..recorder.sigmf_notes import MEGABYTE
from ..runtime.hier_ports import outside
from .emission_tracker import emission_tracker
from .live_view import DEFAULT_TIME_SPAN_S, live_view
from .sigmf_sink import DEFAULT_HISTORY_S, ON_DEMAND, sigmf_sink
from .spectrogram_framer import spectrogram_framer
from .spectrogram_segmenter import spectrogram_segmenter

# Of the samples that the window's button saves: full scale fits, in half the memory of cf32_le
SAVED_AS, SAVED_BYTES = "ci16_le", 4
PORTS_OUT = (keys.PORT_EMISSIONS, keys.PORT_STATUS, keys.PORT_COMMAND)


class spectrum_monitor(gr.hier_block2):
    """Framer, segmenter, tracker, live view and, behind its button *Save*, a SigMF sink.

    Input: complex samples, full scale 1.0, with the tags that :class:`spectrogram_framer` follows.

    Output messages: ``emissions`` of the tracker and ``status`` of the segmenter; ``command``, a
    dict with ``freq`` (Hz) when the user asks for a frequency, for the receiver's command port: the
    framer takes it, too.

    Needs a ``QApplication``: in GNU Radio Companion, Generate Options *QT GUI*.

    Args:
        sample_rate: S/s, until an ``rx_rate`` tag says otherwise.
        center_frequency: Hz, until an ``rx_freq`` tag says otherwise.
        model: name of a bundled model, ``default``, or a bundle's path.
        overload: ``drop``: whole frames are dropped and counted where the model is too slow (live
            receivers); ``wait``: the source is held up (recordings).
        min_confidence: emissions with a lower confidence have the label ``unknown`` (0..1).
        frame_duration: wanted length of a frame, s.
        title: of the window.
        time_span: seconds of waterfall at first, 0.001 to 60.
        save_folder: where *Save* writes the samples of the last seconds, with their emissions, as
            SigMF; made with the first file. Empty: nowhere, and no samples are kept.
        save_memory: MiB of samples that are kept for that.
        parent: the widget that this one belongs to, or None.

    Raises:
        BundleError: the model cannot be loaded.
        UsageError: a parameter outside its range, no Qt application.
        RadiofmError: PyQt5 or pyqtgraph cannot be imported.
    """

    def __init__(
        self,
        sample_rate: float,
        center_frequency: float = 0.0,
        model: str = "default",
        overload: str = "drop",
        min_confidence: float = 0.5,
        frame_duration: float = DEFAULT_FRAME_DURATION_S,
        title: str = "RadioFM",
        time_span: float = DEFAULT_TIME_SPAN_S,
        save_folder: str | os.PathLike = "recordings",
        save_memory: int = 256,
        parent=None,
    ):
        framer = spectrogram_framer(sample_rate, center_frequency, frame_duration, model)
        saved = None
        if save_folder:
            saved = sigmf_sink(
                save_folder,
                sample_rate,
                center_frequency,
                ON_DEMAND,
                SAVED_AS,
                history=_history(sample_rate, save_memory),
                memory_limit=save_memory,
            )
        # what takes long comes after what may be refused
        view = live_view(title, time_span, parent)
        segmenter = spectrogram_segmenter(model, overload=overload, min_confidence=min_confidence)
        tracker = emission_tracker()
        self._framer, self._segmenter, self._saved = framer, segmenter, saved
        self._widget = view.qwidget()
        samples = gr.io_signature(1, 1, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "spectrum_monitor", samples, gr.io_signature(0, 0, 0))
        self.connect(self, framer, segmenter)
        self._send(segmenter, keys.PORT_DETECTIONS, tracker)
        self._send(framer, keys.PORT_FRAMES, view)
        self._send(segmenter, keys.PORT_MASKS, view)
        self._send(segmenter, keys.PORT_STATUS, view)
        self._send(tracker, keys.PORT_EMISSIONS, view)
        self._send(view, keys.PORT_COMMAND, framer)
        if saved is not None:
            self.connect(self, saved)
            self._send(tracker, keys.PORT_EMISSIONS, saved)
            self._send(view, keys.PORT_SAVE, saved)
        for sender, port in zip((tracker, segmenter, view), PORTS_OUT, strict=True):
            self.message_port_register_hier_out(port)
            self._send(sender, port, outside(self))

    def qwidget(self):
        """The window's widget (a ``QTabWidget``)."""
        return self._widget

    def set_sample_rate(self, sample_rate: float) -> None:
        """Change the sample rate (S/s), until the next ``rx_rate`` tag."""
        self._framer.set_sample_rate(sample_rate)
        if self._saved is not None:
            self._saved.set_sample_rate(sample_rate)

    def set_center_frequency(self, center_frequency: float) -> None:
        """Change the centre frequency (Hz), until the next ``rx_freq`` tag."""
        self._framer.set_center_frequency(center_frequency)
        if self._saved is not None:
            self._saved.set_center_frequency(center_frequency)

    def set_min_confidence(self, min_confidence: float) -> None:
        """Change the least confidence of an emission, 0..1."""
        self._segmenter.set_min_confidence(min_confidence)

    def message_ports_out(self):
        """The names of its outputs for messages, as a PMT vector, as other blocks tell theirs."""
        return to_pmt(list(PORTS_OUT))

    def _send(self, sender, port: str, receiver) -> None:
        self.msg_connect((sender, port), (receiver, port))


def _history(sample_rate: float, memory: int) -> float:
    """Seconds of samples that are kept: what is usual, or what fits into ``memory`` (MiB)."""
    memory = whole_parameter("save_memory", memory, 1)
    return min(DEFAULT_HISTORY_S, memory * MEGABYTE / (SAVED_BYTES * sample_rate))
