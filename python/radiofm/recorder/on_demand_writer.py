# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the last seconds of a stream into a SigMF pair when that is asked for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from radiofm_core.errors import OutputError
from radiofm_core.outputs.emission_log import EmissionLog
from radiofm_core.outputs.sigmf_pairs import SigmfFolder

from .sigmf_writer import TURN_S, SigmfWriter

# Requests to save that may wait for each other: each keeps its samples in memory
MAX_REQUESTS = 2


class OnDemandWriter(SigmfWriter):
    """Writes the last seconds when that is asked for.

    Args:
        folder: makes the pairs.
        emissions: what is annotated.
        fail: called with a line for what could not be written.
        history: seconds.
    """

    def __init__(
        self,
        folder: SigmfFolder,
        emissions: EmissionLog,
        fail: Callable[[str], None],
        history: float,
    ):
        super().__init__(folder, emissions, fail)
        self._history = history
        self._requests: queue.Queue[tuple[object, Future]] = queue.Queue()
        # whether the thread takes requests; with the lock, so that none comes as it ends
        self._serves = False
        self._saving = threading.Lock()

    def request(self) -> Future:
        """Keep what there is now, and write it as soon as earlier requests are done; at once after
        the stream's end."""
        future: Future = Future()
        oldest = self._store.oldest() if self._store is not None else None
        if oldest is None:
            future.set_exception(OutputError("there are no samples yet"))
            return future
        kept = self._store.newest(max(round(self._history * oldest.sample_rate), 1))
        with self._saving:
            is_later = self._serves and self._requests.qsize() < MAX_REQUESTS
            if is_later:
                self._requests.put((kept, future))
            elif self._serves:
                what = f"{MAX_REQUESTS} earlier requests to save are still being written; try again"
                future.set_exception(OutputError(what))
            else:
                self._answer(kept, future)
        return future

    def start(self, store, on_end: Callable[[], None]) -> None:
        """Begin to write; ``on_end`` is called at the stream's end."""
        self._serves = True
        super().start(store, on_end)

    def _work(self) -> None:
        while True:
            has_ended = self._store.ended()
            try:
                self._answer(*self._requests.get(timeout=TURN_S))
                continue
            except queue.Empty:
                self._describe_now_and_then()
            if has_ended:
                return

    def _conclude(self) -> None:
        with self._saving:
            self._serves = False
            while not self._requests.empty():
                self._answer(*self._requests.get())

    def _answer(self, kept, future: Future) -> None:
        try:
            future.set_result(self._save(kept))
        except Exception as error:  # told by who asked for it
            future.set_exception(error)

    def _save(self, kept) -> Path:
        pair = self._open(kept.oldest())
        while kept.samples():
            reason = self._fill(pair, kept, 2**62)
            if reason:  # the rest would be the oldest samples, and take room from a later try
                self._give_up(pair)
                self.samples -= pair.samples
                self.lost += pair.samples + kept.discard()
                raise self._folder.failure(reason)
            self._describe_now_and_then()
        self._close(pair)
        return pair.data_path
