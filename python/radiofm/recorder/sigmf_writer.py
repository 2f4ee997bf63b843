# SPDX-License-Identifier: GPL-3.0-or-later
"""A thread that writes the samples of a stream into SigMF pairs, and their descriptions."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from radiofm_core.errors import one_line
from radiofm_core.outputs.emission_log import EmissionLog
from radiofm_core.outputs.sigmf_pairs import SigmfFolder, SigmfPair

# How long a wait for samples, or a write of them, takes at most (s)
TURN_S = 0.1
# Between two descriptions of a file (s), and how many times the time that they took
DESCRIBE_S = 1.0
DESCRIBE_SHARE = 20
# A file that got its last sample is still told of emissions: the model lags behind. For so long at
# least, and at most (s), and until emissions so much later were told of (s of the signal)
SETTLE_S = 10.0
SETTLE_MOST_S = 120.0
SETTLE_SIGNAL_S = 2.0
SETTLE_FILES = 64


class SigmfWriter:
    """Writes on a thread of its own from :meth:`start` until the stream has ended.

    ``store`` is a ``radiofm_python.sample_store``. Any thread may call the methods.
    """

    def __init__(self, folder: SigmfFolder, emissions: EmissionLog, fail: Callable[[str], None]):
        self._folder = folder
        self._emissions = emissions
        self._fail = fail
        # of the emissions, and of what pairs hold
        self._lock = threading.Lock()
        self._store = None
        self._finished = threading.Event()
        self._finished.set()
        self.forget()

    def forget(self) -> None:
        """A run is to begin: what comes from now on belongs to it."""
        with self._lock:
            self._emissions.clear()
            self._recent: list[SigmfPair] = []
        self._next_description = 0.0
        self.files = self.samples = self.lost = 0
        self.path: Path | None = None

    def start(self, store, on_end: Callable[[], None]) -> None:
        """Begin to write; ``on_end`` is called when all is written."""
        self._store = store
        self._finished = threading.Event()
        threading.Thread(
            target=self._run, args=(on_end, self._finished), name="radiofm-sigmf", daemon=True
        ).start()

    @property
    def is_running(self) -> bool:
        """Whether samples may still be written."""
        return not self._finished.is_set()

    def join(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for the end; whether it has come."""
        return self._finished.wait(timeout)

    def add_emission(self, event: dict) -> None:
        """Take an event of the tracker; raises InputError for what is none."""
        with self._lock:
            self._emissions.add(event)
            has_files = bool(self._recent)
        if has_files and not self.is_running:  # told when all samples are written
            self.describe()

    def request(self) -> Future:
        """Ask for a pair with what there is; the future gives its data's path, or raises
        OutputError."""
        raise NotImplementedError

    def describe(self) -> None:
        """Write the descriptions of the newest pairs as far as they have changed."""
        with self._lock:
            begin = time.monotonic()
            for pair in self._recent:
                try:
                    pair.describe(self._emissions.between(pair.start, pair.stop))
                except OSError as error:
                    self._fail(str(self._folder.failure(error.strerror or str(error))))
            now = time.monotonic()
            self._next_description = now + max(DESCRIBE_S, DESCRIBE_SHARE * (now - begin))
            surplus = len(self._recent) - SETTLE_FILES
            self._recent = [
                pair
                for number, pair in enumerate(self._recent)
                if number >= surplus and not self._is_settled(pair, now)
            ]
            self._emissions.forget_before(self._oldest_needed())

    def _is_settled(self, pair: SigmfPair, now: float) -> bool:
        """Whether no more is to be told of a pair."""
        if pair.is_open or now - pair.closed_at < SETTLE_S:
            return pair.is_removed
        later = self._emissions.seen - pair.stop
        is_behind = later < SETTLE_SIGNAL_S * pair.sample_rate
        return not is_behind or now - pair.closed_at > SETTLE_MOST_S

    def _oldest_needed(self) -> int:
        """The stream's first sample that is in a pair to be described, or may come into one."""
        oldest = self._store.oldest()
        starts = [pair.start for pair in self._recent]
        return min([*starts, *([] if oldest is None else [oldest.offset])], default=0)

    @abstractmethod
    def _work(self) -> None:
        """Write until the stream has ended."""

    @abstractmethod
    def _conclude(self) -> None:
        """End what is open and answer what was asked: after :meth:`_work`, also if that raised."""

    def _run(self, on_end: Callable[[], None], finished: threading.Event) -> None:
        self._attempt(self._work)
        while not self._store.ended():  # it failed; a flowgraph would wait for ever
            self._store.wait(TURN_S)
            self.lost += self._store.discard()
        self._attempt(self._conclude)
        finished.set()
        self._attempt(self._conclude)  # what was asked meanwhile
        on_end()

    def _attempt(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            self._fail(f"writing ended: {one_line(error)}")

    def _describe_now_and_then(self) -> None:
        if time.monotonic() >= self._next_description:
            self.describe()

    def _open(self, first) -> SigmfPair:
        """A new pair; raises OutputError."""
        pair = self._folder.open(first)
        self.files += 1
        self.path = pair.data_path
        with self._lock:
            self._recent.append(pair)
        return pair

    def _fill(self, pair: SigmfPair, store, most: int) -> str:
        """Write some samples into a pair; returns what went wrong."""
        written = store.write_to(pair.descriptor, most, TURN_S)
        with self._lock:
            for stretch in written.stretches:
                pair.add(stretch)
                self.samples += stretch.samples
        self.lost += written.lost
        return written.error

    def _close(self, pair: SigmfPair) -> None:
        """End a pair, and describe it; one without samples is deleted."""
        with self._lock:
            pair.close()
        if pair.samples == 0:
            self._give_up(pair)
        self.describe()

    def _give_up(self, pair: SigmfPair) -> None:
        """Delete a pair that is nothing worth."""
        with self._lock:
            self._recent.remove(pair)
            self._folder.give_up(pair)
            self.files -= 1
            self.path = self._recent[-1].data_path if self._recent else None
