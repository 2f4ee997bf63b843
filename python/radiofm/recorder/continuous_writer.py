# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes all samples of a stream, into one SigMF pair after the other."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future

from radiofm_core.errors import OutputError, RadiofmError
from radiofm_core.outputs.emission_log import EmissionLog
from radiofm_core.outputs.sigmf_pairs import SigmfFolder, SigmfPair

from .sigmf_writer import TURN_S, SigmfWriter

# After samples could not be written: until it is tried again (s)
RETRY_S = 1.0
# A file with more captures is slow to open: the next one begins
MAX_CAPTURES = 10_000


class ContinuousWriter(SigmfWriter):
    """Writes all samples, into a new pair whenever one is full.

    Args:
        folder: makes the pairs.
        emissions: what is annotated.
        fail: called with a line for what could not be written.
        file_size: most bytes of a file's samples; 0 for no limit.
        file_duration: most seconds of them; 0 for no limit.
    """

    def __init__(
        self,
        folder: SigmfFolder,
        emissions: EmissionLog,
        fail: Callable[[str], None],
        file_size: int = 0,
        file_duration: float = 0.0,
    ):
        super().__init__(folder, emissions, fail)
        self._file_size = file_size
        self._file_duration = file_duration
        self._pair: SigmfPair | None = None
        self._requests: queue.SimpleQueue[Future] = queue.SimpleQueue()

    def request(self) -> Future:
        """End the pair that is being written: the next sample begins another one."""
        future: Future = Future()
        self._requests.put(future)
        if not self.is_running:
            self._answer_requests()
        return future

    def _work(self) -> None:
        retry_at = -math.inf
        self._pair = None
        while True:
            has_ended = self._store.ended()
            waiting = self._store.wait(TURN_S)
            if waiting and time.monotonic() >= retry_at:
                problem = self._write()
                if problem:
                    self._fail(problem)
                    retry_at = time.monotonic() + RETRY_S
            elif waiting:
                self.lost += self._store.discard()
            elif has_ended:
                break
            self._answer_requests()
            self._describe_now_and_then()

    def _conclude(self) -> None:
        self._end_pair()
        self._answer_requests()

    def _write(self) -> str:
        """Write what waits, as far as it goes into one pair; returns what went wrong."""
        first = self._store.oldest()
        if self._pair is not None and (
            first.sample_rate != self._pair.sample_rate or self._pair.captures >= MAX_CAPTURES
        ):
            self._end_pair()
        try:
            self._pair = self._pair or self._open(first)
        except RadiofmError as error:
            self.lost += self._store.discard()
            return str(error)
        left = self._limit(self._pair) - self._pair.samples
        reason = self._fill(self._pair, self._store, left)
        if reason or self._pair.samples >= self._limit(self._pair):
            self._end_pair()
        return str(self._folder.failure(reason)) if reason else ""

    def _limit(self, pair: SigmfPair) -> int:
        """Most samples of a pair."""
        limits = [2**62]
        if self._file_size:
            limits.append(self._file_size // self._store.sample_bytes())
        if self._file_duration:
            limits.append(round(self._file_duration * pair.sample_rate))
        return max(min(limits), 1)

    def _end_pair(self) -> None:
        pair, self._pair = self._pair, None
        if pair is not None:
            self._close(pair)

    def _answer_requests(self) -> None:
        while True:
            try:
                future = self._requests.get_nowait()
            except queue.Empty:
                return
            path = self._pair.data_path if self._pair is not None else self.path
            self._end_pair()
            if path is None:
                future.set_exception(OutputError("there are no samples yet"))
            else:
                future.set_result(path)
