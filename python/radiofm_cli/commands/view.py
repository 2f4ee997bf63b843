# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm view``: a live source or a recording in a window."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
from pathlib import Path

from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import RadiofmError, UsageError, reason_of
from radiofm_core.installation import how_to_install
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S
from radiofm_core.tasks import SEGMENTATION
from radiofm_core.view import spectrum_state
from radiofm_core.view.activity_state import ActivityState
from radiofm_core.view.spectrum_state import SpectrumState

from ..blocks import import_flowgraphs, make_segmenter
from ..console import EXIT_DONE, add_model_options, seconds, stop_on_signal
from ..recording_notes import receive, tell_notes
from ..source_options import add_patience_options, add_source_options, open_source

HELP = "show a live source or a recording in a window"
DESCRIPTION = (
    "Show a live source or a recording in a window: the waterfall with what was found as colour, "
    "and the list of emissions. A recording is shown as a whole, up to a minute; with --source "
    "file=RECORDING it plays at its own pace. Ends when the window is closed, or with Ctrl-C."
)
POLL_MS = 200
STOP_GRACE_S = 2.0
KEPT_S = 5.0
# What `radiofm view` shows of a recording at most: what the window keeps
LONGEST_S = 60.0
# A display that cannot be used ends a Qt program without a word of ours: tried in another one first
_TRY_DISPLAY = "from PyQt5.QtWidgets import QApplication; QApplication([])"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "recording",
        nargs="?",
        type=Path,
        help="what `radiofm segment` takes: SigMF, WAV, raw samples (docs/formats.md)",
    )
    add_source_options(parser, required=False)
    add_patience_options(parser)
    parser.add_argument("--frame-duration", type=seconds, metavar="S", help="duration of a frame")
    parser.add_argument(
        "--time-span", type=seconds, metavar="S", default=10.0, help="of the waterfall at first"
    )
    parser.add_argument(
        "--save-to",
        type=Path,
        metavar="FOLDER",
        default=Path("recordings"),
        help="where the button Save writes the last seconds of a --source (default: recordings)",
    )
    parser.add_argument(
        "--keep",
        type=seconds,
        metavar="S",
        default=KEPT_S,
        help=f"seconds of samples that are kept for it, up to 512 MiB (default: {KEPT_S:g})",
    )
    parser.add_argument("--duration", type=seconds, metavar="S", help="close after this time")
    add_model_options(parser)


def run(options: argparse.Namespace) -> int:
    """Show the window until it is closed."""
    if (options.recording is None) == (options.source is None):
        raise UsageError("name either a recording or a --source to view")
    qt, window_class = _import_window()
    with stop_on_signal() as stop:
        application = qt.QApplication.instance() or qt.QApplication(["radiofm"])
        spectrum = SpectrumState()
        what = options.source or options.recording.name
        window = window_class(
            spectrum, ActivityState(), title=f"{what} - RadioFM", time_span=options.time_span
        )
        window.show()
        window.spectrum_view.note("loading the model")
        window.draw()
        application.processEvents()
        news = _SourceNews(options.source, window)
        flowgraph, source = _flowgraph(options, spectrum, stop, news)
        window.spectrum_view.note("")
        window.allow(can_tune=flowgraph.can_tune, can_save=options.source is not None)
        window.tune_requested.connect(flowgraph.tune)
        saver = _Saver(flowgraph, window)
        window.save_requested.connect(saver.begin)
        stop.armed = True
        flowgraph.launch()
        try:
            if source is not None:
                source.start()
            _show(application, window, flowgraph, source, (saver, news), stop, options.duration)
        finally:
            if source is not None:
                source.stop()
            flowgraph.halt(STOP_GRACE_S)
            window.close()
        return EXIT_DONE


def _import_window():
    try:
        from PyQt5 import QtWidgets

        from radiofm_qt.live_window import LiveWindow
    except ImportError as error:
        raise RadiofmError(
            f"`radiofm view` needs PyQt5 and pyqtgraph ({reason_of(error)}); "
            f"{how_to_install('PyQt5', 'pyqtgraph')}"
        ) from error
    tried = subprocess.run(
        [sys.executable, "-c", _TRY_DISPLAY], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        reason = next(
            (line for line in tried.stderr.splitlines() if line.strip()), "no reason told"
        )
        raise RadiofmError(
            f"no window can be opened here ({reason.strip()[:120]}); use a desktop, `ssh -X`, or "
            "`radiofm watch` on a host without a display"
        )
    return QtWidgets, LiveWindow


def _flowgraph(options, spectrum: SpectrumState, stop, news: _SourceNews):
    """(what fills the state: a recording without a loss, a source as it comes; that source where
    it is opened again)."""
    info = read_bundle_info(options.model, SEGMENTATION.name)
    if options.recording is not None:
        receive(options.recording, stop)
        recording = open_recording(
            options.recording, options.sample_rate, options.center_frequency, options.datatype
        )
        tell_notes(recording)
        _check_length(recording)
        segmenter = make_segmenter(info, options, "wait", stop)
        flowgraph = import_flowgraphs().SegmentFlowgraph(
            recording, segmenter, spectrum.take, options.frame_duration
        )
        return flowgraph, None
    source, live = open_source(options, stop, news)
    for line in live.notes:
        print(f"radiofm: {line}", file=sys.stderr, flush=True)
    segmenter = make_segmenter(info, options, "drop", stop)
    flowgraph = import_flowgraphs().WatchFlowgraph(
        live,
        segmenter,
        spectrum.take,
        frame_duration=options.frame_duration or DEFAULT_FRAME_DURATION_S,
        ports=spectrum_state.PORTS,
    )
    flowgraph.keep_samples(options.save_to, options.keep)
    return flowgraph, source


def _check_length(recording) -> None:
    if recording.duration > LONGEST_S:
        print(
            f"radiofm: {recording.data_path.name} lasts {recording.duration:.0f} s; the window "
            f"keeps the last {LONGEST_S:.0f} s",
            file=sys.stderr,
        )


class _Saver:
    """Writes samples on a thread of its own: a disk may take seconds."""

    def __init__(self, flowgraph, window):
        self._flowgraph, self._window = flowgraph, window
        self._thread: threading.Thread | None = None
        self._note = ""

    def begin(self) -> None:
        """Save, unless that is under way."""
        if self._thread is None:
            self._window.spectrum_view.note("saving the last seconds")
            self._thread = threading.Thread(target=self._save, daemon=True)
            self._thread.start()

    def look(self) -> None:
        """Tell in the window how it ended, on Qt's thread."""
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None
            self._window.spectrum_view.note(self._note)

    def _save(self) -> None:
        path = self._flowgraph.save()
        self._note = f"saved {path}" if path else "nothing could be saved; the console tells why"


class _SourceNews:
    """What becomes of the source, as a note in the window: told on another thread (the calls are
    those of a ``Listener``), shown by :meth:`look`."""

    def __init__(self, source: str | None, window):
        self._source, self._window = source, window
        self._note: str | None = None

    def lost(self, reason: str) -> None:
        """The last picture stays."""
        self._note = f"{self._source}: {reason}; trying again"

    def retry(self, reason: str, attempt: int, wait: float) -> None:
        """The same."""
        self.lost(reason)

    def found(self, after: float) -> None:
        """Nothing is to be said any more."""
        self._note = ""

    def overflowed(self, samples: int) -> None:
        """Shown as a gap."""

    def burst(self, burst) -> None:
        """There are none here."""

    def look(self) -> None:
        """Show what is new, on Qt's thread."""
        note, self._note = self._note, None
        if note is not None:
            self._window.spectrum_view.note(note)


def _show(application, window, flowgraph, source, lookers, stop, duration: float | None) -> None:
    """Qt's loop, until the window is closed, a signal came or the time is over."""
    from PyQt5 import QtCore

    passed = QtCore.QElapsedTimer()
    passed.start()

    def look() -> None:
        for each in lookers:
            each.look()
        is_over = duration is not None and passed.elapsed() >= 1e3 * duration
        if stop.requested or is_over:
            window.close()
        elif flowgraph.ended(0.0):
            problem = (source and source.error) or flowgraph.problem()
            window.spectrum_view.note(problem or "ended; this is all")
            window.spectrum_view.fit()

    timer = QtCore.QTimer()
    timer.timeout.connect(look)
    timer.start(POLL_MS)
    application.setQuitOnLastWindowClosed(True)
    application.exec_()
