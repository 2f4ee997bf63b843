# SPDX-License-Identifier: GPL-3.0-or-later
"""Base of the blocks that have message ports only: nothing is lost when a flowgraph ends."""

from __future__ import annotations

import math
import threading
import time
import weakref

import pmt

from radiofm_core import keys
from radiofm_core.errors import one_line

from ..pmts.messages import describe, symbol, to_pmt
from .held_block import held_block
from .inference_stats import Failures

# How long all senders must have been quiet before they count as done, if their number is unknown
QUIET_S = 0.25
# Seconds between two reports of messages that could not be handled
TELL_S = 1.0
# Messages that wait on a port at most (as GNU Radio's `max_messages`) unless a block says less, and
# after how many that are handled they are counted
MOST_WAITING = 8192
COUNT_EVERY = 64

_SYSTEM = "system"
_DONE = "done"
_LOOK_AGAIN = "look_again"


# Those that exist: a block finds its receivers' Python halves here. A WeakSet must not change while
# another thread goes through it; each call on a plain set is one step for Python's threads
_blocks: set[weakref.ref[message_block]] = set()


class message_block(held_block):
    """Calls :meth:`handle` for each message and :meth:`finish` once at the end.

    GNU Radio ends a message block on the first ``done`` of any sender, although others still
    send and messages wait in its queues, and what it publishes in ``stop()`` finds the next
    block gone. So ``done`` is taken here: after the last sender's, the queues are emptied and
    the last messages go out before it passes on.

    GNU Radio's queues have no end where a block handles its messages. Here the oldest beyond
    ``most_waiting`` are dropped, and count as messages that could not be handled. Blocks that can
    wait look at :func:`backlog_after` and never come that far.

    Args:
        name: the block's name.
        senders: how many connections lead here: each tells once when its sender is done, and
            the block ends after the last one. None: unknown; as many as ports had a message,
            and QUIET_S without another one.
        tells_failures: whether the block has a port ``status`` for these alone: a dict with
            ``failed`` and ``error``, once a second while messages cannot be handled, and at the
            end.
        most_waiting: messages that wait on a port at most.
    """

    def __init__(
        self,
        name: str,
        senders: int | None,
        tells_failures: bool = False,
        most_waiting: int = MOST_WAITING,
    ):
        held_block.__init__(self, name=name, in_sig=None, out_sig=None)
        self._senders = senders
        self._most_waiting = most_waiting
        self._lock = threading.RLock()
        self._is_stopping = self._is_stopped = False
        _blocks.add(weakref.ref(self, _blocks.discard))
        self._handlers: dict[str, object] = {}
        self._done = self._received = 0
        self._active: set[str] = set()
        self._last_sign = 0.0
        self._finished = self._has_ended = True
        self._failures = Failures()
        self._tells_failures = tells_failures
        self._told_at = -math.inf
        if tells_failures:
            self.message_port_register_out(symbol(keys.PORT_STATUS))
        self.set_msg_handler(symbol(_SYSTEM), self._on_system)

    def add_input(self, port: str, handler) -> None:
        """Register ``port``; ``handler`` must be a method that calls ``self.receive(port, m)``.

        GNU Radio finds it by its name, so every port needs a method of its own.
        """
        self.message_port_register_in(symbol(port))
        self._handlers[port] = handler
        self.set_msg_handler(symbol(port), handler)

    def handle(self, port: str, message) -> None:
        """Take one message (a PMT); may raise: that is logged and the block goes on."""
        raise NotImplementedError

    def is_idle(self) -> bool:
        """Whether nothing is under way that the end of the stream has to wait for.

        A block for which that can be False calls :meth:`look_again` when it has become True.
        """
        return True

    def look_again(self) -> None:
        """Let the block see anew whether its end has come; any thread may call it."""
        self._post(symbol(_SYSTEM), symbol(_LOOK_AGAIN))

    def finish(self) -> None:
        """The last chance to publish; called once a run, after the last message."""

    def publish(self, port: str, message) -> None:
        """Send a PMT from ``port``, also while the flowgraph stops."""
        self.message_port_pub(symbol(port), message)
        if self._is_stopping:
            deliver_to_stopped(self.message_subscribers(symbol(port)))

    def backlog(self) -> int:
        """Messages that wait to be handled, over all ports."""
        return sum(self.nmsgs(symbol(port)) for port in self._handlers)

    @property
    def has_ended(self) -> bool:
        """Whether all of a run's messages were sent; also before the first run."""
        return self._has_ended

    @property
    def failures(self) -> int:
        """Messages of this run whose handling raised, or that were dropped."""
        return self._failures.count

    def failure_status(self) -> dict:
        """What a ``status`` message tells of them: nothing, or ``failed`` and ``error``."""
        return self._failures.status()

    def receive(self, port: str, message) -> None:
        """:meth:`handle`, without ever raising: an exception here would end the block silently."""
        self._active.add(port)
        self._received += 1
        if self._received % min(COUNT_EVERY, self._most_waiting) == 0:
            self._drop_oldest(port)
        self._guarded(f"a message on {port!r}", lambda: self.handle(port, message))
        self._last_sign = time.monotonic()

    def receive_waiting(self, port: str) -> bool:
        """:meth:`receive` the oldest message that waits on a port; whether there was one."""
        message = self.delete_head_nowait(symbol(port))
        if message is not None:
            self.receive(port, message)
        return message is not None

    def start(self) -> bool:
        """Begin a run."""
        self._is_stopping = self._is_stopped = False
        self._done = 0
        self._active.clear()
        self._failures.reset()
        self._told_at = -math.inf
        self._finished = self._has_ended = False
        return True

    def stop(self) -> bool:
        """End a run that was stopped before its senders were done."""
        with self._lock:
            self._is_stopping = True
            self._drain()
            self._finish_once()
            self._is_stopped = True
            # what was sent as this block was told to stop, to receivers that had stopped before it
            for port in pmt.to_python(self.message_ports_out()):
                deliver_to_stopped(self.message_subscribers(symbol(port)))
        return True

    def _on_system(self, message) -> None:
        if pmt.is_pair(message) and pmt.eqv(pmt.car(message), symbol(_DONE)):
            self._done += 1
            self._last_sign = time.monotonic()
            self._drain()
        elif not pmt.eqv(message, symbol(_LOOK_AGAIN)):
            # GNU Radio's own handler raises, which would end the block
            self._fail(f"a message on {_SYSTEM!r} is not GNU Radio's: {describe(message)}")
            return
        if self._finished:
            return
        if not self._all_done():
            if self._senders is None:
                # told to be a daemon: asked for this thread's own kind, Python would keep a record
                # of GNU Radio's thread for ever
                threading.Thread(target=self._look_later, daemon=True).start()
        elif self.is_idle():
            self._finish_once()
            self.gateway.system_handler(pmt.cons(symbol(_DONE), pmt.from_long(1)))

    def _look_later(self) -> None:
        time.sleep(QUIET_S)
        self.look_again()

    def _all_done(self) -> bool:
        if self._senders is not None:
            return self._done >= self._senders
        quiet = time.monotonic() - self._last_sign >= QUIET_S
        return quiet and self._done >= len(self._active)

    def _drop_oldest(self, port: str) -> None:
        for _ in range(self.nmsgs(symbol(port)) - self._most_waiting):
            if self.delete_head_nowait(symbol(port)) is None:
                return
            self._fail(f"dropped: more than {self._most_waiting} messages waited on {port!r}")

    def _drain(self) -> None:
        for port in self._handlers:
            while self.receive_waiting(port):
                pass

    def _finish_once(self) -> None:
        if not self._finished:
            self._finished = True
            self._guarded("the end of the stream", self.finish)
            self._tell_failures()
            self._has_ended = True

    def _guarded(self, what: str, call) -> None:
        try:
            call()
        except (Exception, SystemExit) as error:  # sys.exit() in a user's function
            self._fail(f"{what} could not be handled: {one_line(error)}")

    def _fail(self, reason: str) -> None:
        if self._failures.add(reason):
            self.logger.error(reason)
        if time.monotonic() - self._told_at >= TELL_S:
            self._tell_failures()

    def _tell_failures(self) -> None:
        if self._tells_failures and self.failures:
            self._told_at = time.monotonic()
            self.publish(keys.PORT_STATUS, to_pmt(self.failure_status()))


def backlog_after(block) -> int:
    """Messages that wait in the message blocks that get this block's messages, directly or not.

    GNU Radio's message queues have no bound: a source that can wait looks here. Blocks of other
    modules do not tell theirs.
    """
    seen, todo = set(), [block]
    while todo:
        sender = todo.pop()
        for port in pmt.to_python(sender.message_ports_out()):
            found = set(_receivers(sender.message_subscribers(symbol(port)))) - seen
            seen |= found
            todo += found
    return sum(receiver.backlog() for receiver in seen)


def _names(subscribers) -> set[str]:
    names = set()
    while pmt.is_pair(subscribers):
        names.add(pmt.symbol_to_string(pmt.car(pmt.car(subscribers))))
        subscribers = pmt.cdr(subscribers)
    return names


def _receivers(subscribers) -> list[message_block]:
    names = _names(subscribers)
    if not names:
        return []
    found = [block for reference in list(_blocks) if (block := reference()) is not None]
    return [block for block in found if block.alias() in names]


def senders_to(block: message_block) -> list[message_block]:
    """The message blocks that send to this one. Blocks of other kinds are not found."""
    found, own = [], block.alias()
    for reference in list(_blocks):
        sender = reference()
        if sender is None or sender is block:
            continue
        ports = pmt.to_python(sender.message_ports_out())
        if any(own in _names(sender.message_subscribers(symbol(port))) for port in ports):
            found.append(sender)
    return found


def deliver_to_stopped(subscribers) -> None:
    """Let receivers that have stopped already take what was just sent to them.

    Args:
        subscribers: of the port, as ``message_subscribers`` gives them.

    A stopped flowgraph ends its blocks in any order. A receiver that is still to stop empties
    its queue itself; the lock decides which of the two it is.
    """
    for block in _receivers(subscribers):
        with block._lock:
            if block._is_stopped:
                block._drain()
