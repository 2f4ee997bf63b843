# SPDX-License-Identifier: GPL-3.0-or-later
"""A live source that is opened again when it is lost; behind it the flowgraph goes on."""

from __future__ import annotations

import math
import threading
import time

from radiofm_core.errors import InputError, UsageError, reason_of

from .. import radiofm_python
from ..live_sources import RECEIVERS, LiveSource, check_source, open_live_source
from ..receivers import ReceiverSettings
from .bursts import BurstPlan, BurstRunner, TuneError
from .capacity import pipe_capacity
from .patience import Listener, Patience, wait_before
from .source_run import SourceRun

NO_SAMPLES = "no samples"
POLL_S = 0.1
# Of bursts, which begin when the one before ends, and before the first samples
SHORT_POLL_S = 0.01
HALT_S = 3.0
# A receiver may have been unplugged; one that cannot be tuned so often in a row never will be
MOST_FAILED_TUNES = 3


class ReconnectingSource:
    """A live source as a stream that does not end when the source does.

    What comes after a loss is marked as such: frames and emissions end there. Sample offsets count
    on over all connections; times of day are the receiver's, else the host's.

    Args:
        source, sample_rate, center_frequency, settings: as of ``open_live_source``.
        patience: how long to wait for it.
        plan: of the bursts to take; None: all samples.
        listener: is told what happens.
        datatype: as of ``open_live_source``.

    Raises:
        UsageError: see ``open_live_source``; bursts that are too long, a plan that does not fit.
        InputError: the source cannot be opened, and ``patience.fail_after`` is None.
    """

    def __init__(
        self,
        source: str,
        sample_rate: float | None = None,
        center_frequency: float | None = None,
        settings: ReceiverSettings | None = None,
        patience: Patience | None = None,
        plan: BurstPlan | None = None,
        listener: Listener | None = None,
        datatype: str | None = None,
    ):
        if plan is not None and plan.dwells[0].frequency is not None:
            center_frequency = plan.dwells[0].frequency
        kind, _ = check_source(source, sample_rate, center_frequency)
        self.name = source
        self.error = ""
        self._given = (source, sample_rate, settings, datatype)
        self._patience = patience or Patience()
        self._listener = listener or Listener()
        self._tuned_to = center_frequency
        self._live, self._reason = self._open_first(kind in RECEIVERS)
        rate = self._live.sample_rate if self._live else sample_rate
        center = self._live.center_frequency if self._live else center_frequency
        self.pipe = radiofm_python.sample_pipe(pipe_capacity(rate, plan))
        self._bursts = plan and BurstRunner(plan, self.pipe, self._listener.burst)
        self.is_lossless = plan is not None and plan.is_lossless
        can_tune = kind in RECEIVERS and plan is None
        self.stream = LiveSource(
            radiofm_python.pipe_source(self.pipe),
            rate,
            center,
            self._tune if can_tune else None,
            has_date=True,
            tags_retunes=True,
            notes=self._live.notes if self._live else (),
        )
        self._run: SourceRun | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="radiofm-connect", daemon=True)
        self._lock = threading.Lock()
        self._is_found = self._is_told_lost = False
        self._failed_tunes = 0
        # For whoever watches over it: when it last looked after its source, by time.monotonic()
        self.beat = self._last_samples = time.monotonic()

    @property
    def is_found(self) -> bool:
        """Whether samples come."""
        return self._is_found

    @property
    def late_rounds(self) -> int:
        """Bursts that began late, as the ones before were not all judged."""
        return self._bursts.late if self._bursts else 0

    def start(self) -> None:
        """Begin to take samples, on a thread of its own."""
        self.beat = self._last_samples = time.monotonic()
        self._thread.start()

    def stop(self, timeout: float = 2 * HALT_S) -> None:
        """End; waits up to ``timeout`` seconds for the source's driver."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self.pipe.close()

    def _tune(self, frequency: float) -> None:
        with self._lock:
            if self._run is not None:
                self._run.live.tune(frequency)
                self._run.sink.set_center_frequency(frequency)
            self._tuned_to = frequency

    # On the thread

    def _work(self) -> None:
        try:
            self._follow_all()
        except Exception as error:  # the flowgraph must not wait for ever
            self.error = f"{self.name}: unexpected {type(error).__name__}: {reason_of(error)}"
        finally:
            self.pipe.close()

    def _follow_all(self) -> None:
        live, reason, attempt = self._live, self._reason, 0
        self._live = None
        while not self._stop.is_set():
            if live is not None:
                reason = self._follow(live, attempt)
                if live.ends:
                    self.error = reason and f"{self.name}: {reason}"
                    return
                if self._is_found:
                    attempt, self._is_found = 0, False
            if self._stop.is_set() or self._is_over(reason):
                return
            if self._failed_tunes == MOST_FAILED_TUNES:
                self.error = f"{self.name}: {reason}; leave it out"
                return
            self._tell_lost(reason)
            attempt += 1
            listens = live is not None and live.listens
            live = None  # a receiver can be opened again once it is let go
            wait = self._patience_of(attempt) if listens else wait_before(attempt)
            self._listener.retry(reason, attempt, wait)
            if not listens and self._rest(wait, reason):
                return
            live, reason = self._open_again(reason)

    def _patience_of(self, attempt: int) -> float:
        """How long the samples of a source that listens are waited for (s)."""
        return max(self._patience.lost_after, wait_before(attempt) if attempt else 0.0)

    def _follow(self, live: LiveSource, attempt: int) -> str:
        """Take samples until they stop coming; why, or empty where the source came to its end."""
        patience = self._patience_of(attempt) if live.listens else self._patience.lost_after
        if live.ends:
            patience = math.inf
        try:
            run = SourceRun(live, self.pipe, gate_open=self._bursts is None)
            run.start()
        except (RuntimeError, ValueError) as error:
            return f"it cannot be started ({reason_of(error)})"
        with self._lock:
            self._run = run
        try:
            reason = self._watch(run, patience)
        except TuneError as error:
            self._failed_tunes += 1
            reason = str(error)
        except BaseException:
            run.halt(HALT_S)
            raise
        if reason and not live.ends:
            self._tell_lost(reason)
        with self._lock:
            self._run = None
        if not run.halt(HALT_S):
            reason += "; its driver does not return, and is left behind"
        return reason

    def _tell_lost(self, reason: str) -> None:
        if not self._is_told_lost:
            self._is_told_lost = True
            self._listener.lost(reason)

    def _watch(self, run: SourceRun, patience: float) -> str:
        seen, since, dropped = 0, time.monotonic(), 0
        while not self._stop.wait(POLL_S if self._is_found and not self._bursts else SHORT_POLL_S):
            self.beat = now = time.monotonic()
            if run.received != seen:
                seen, since = run.received, now
                self._see(now)
            elif now - since >= patience or self._must_give_up(now):
                return f"{NO_SAMPLES} for {now - self._last_samples:.0f} s"
            if run.sink.dropped() > dropped:
                self._listener.overflowed(run.sink.dropped() - dropped)
                dropped = run.sink.dropped()
            if run.has_ended:
                return run.problem or ("" if run.live.ends else "it ended")
            if self._bursts and self._is_found and self._bursts.step(run):
                self._failed_tunes = 0
        return ""

    def _see(self, now: float) -> None:
        if not self._is_found:
            self._is_found, self._is_told_lost = True, False
            self._listener.found(now - self._last_samples)
        self._last_samples = now

    def _rest(self, wait: float, reason: str) -> bool:
        """Wait before the source is opened again; True when it is to be given up."""
        end = time.monotonic() + wait
        while not self._stop.wait(POLL_S):
            self.beat = now = time.monotonic()
            if self._is_over(reason):
                return True
            if now >= end:
                return False
        return True

    def _must_give_up(self, now: float) -> bool:
        limit = self._patience.fail_after
        return limit is not None and now - self._last_samples >= limit

    def _is_over(self, reason: str) -> bool:
        if not self._must_give_up(time.monotonic()):
            return False
        seconds = time.monotonic() - self._last_samples
        why = "" if reason.startswith(NO_SAMPLES) else f": {reason}"
        self.error = f"{self.name}: given up after {seconds:.0f} s without samples{why}"
        return True

    def _open(self) -> LiveSource:
        source, sample_rate, settings, datatype = self._given
        return open_live_source(
            source, sample_rate, self._tuned_to, settings=settings, datatype=datatype
        )

    def _open_first(self, is_receiver: bool) -> tuple[LiveSource | None, str]:
        """The source; or nothing, and why, where it may come later."""
        try:
            return self._open(), ""
        except InputError as error:
            if self._patience.fail_after is None or not is_receiver:
                raise
            return None, str(error).removeprefix(f"{self.name}: ")

    def _open_again(self, reason: str) -> tuple[LiveSource | None, str]:
        try:
            return self._open(), reason
        except (InputError, UsageError) as error:
            return None, str(error).removeprefix(f"{self.name}: ")
        finally:
            self.beat = time.monotonic()
