# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sensors are there: their sessions, from the first hello to the end."""

from __future__ import annotations

import time
from collections.abc import Callable

from radiofm_core.errors import UsageError

from . import protocol
from .session import Session

# One that was heard of within this time is there (s)
ALIVE_S = 2.5 * protocol.HEARTBEAT_S


class KeyInUse(UsageError):
    """Another sensor sends with the same key; it may go."""


class Attendance:
    """The latest session of each sensor, by its name and by its connection. Of one thread, but for
    :attr:`sensors`.

    Args:
        changed: called as ``changed(session, what, why)``: ``found``, ``lost``, and once ``ended``.
    """

    def __init__(self, changed: Callable[[Session, str, str], None]):
        self._changed = changed
        self._sessions: dict[str, Session] = {}
        self._by_identity: dict[bytes, Session] = {}

    @property
    def sensors(self) -> list[Session]:
        """The latest session of each sensor that ever came, by name."""
        return [session for _, session in sorted(self._sessions.copy().items())]

    def of(self, identity: bytes) -> Session | None:
        """The session of a connection; None of a server before this one, of a connection that was
        given up, and of a session that is over."""
        session = self._by_identity.get(identity)
        return None if session is None or session.is_over else session

    def check_key(self, session: Session) -> None:
        """Raises KeyInUse where another sensor of the same name is there."""
        old = self._sessions.get(session.name)
        if old is not None and old.id != session.id and _is_alive(old):
            raise KeyInUse(
                f"another sensor at {old.address} sends with this key; make one for each: "
                "radiofm keys new DIR NAME"
            )

    def enter(self, session: Session) -> Session:
        """One that said hello comes in; returns the session that it goes on with."""
        old = self._sessions.get(session.name)
        if old is not None:
            self._by_identity.pop(old.identity, None)
        if old is not None and old.id == session.id and not old.is_over:
            old.identity, old.address = session.identity, session.address
            old.heard = time.monotonic()
            session = old
        else:
            if old is not None:
                self.end(old, "its sensor has started again")
            self._sessions[session.name] = session
            session.is_linked = False
        self._by_identity[session.identity] = session
        self._found(session)
        return session

    def hear(self, session: Session) -> None:
        """Something came of it."""
        session.heard = time.monotonic()
        self._found(session)

    def expel(self, session: Session, reason: str) -> None:
        """It may not send any more; what it sends on this connection is passed over."""
        self._by_identity.pop(session.identity, None)
        self._lost(session, reason)

    def end(self, session: Session, reason: str) -> None:
        """Nothing more can come of it."""
        if not session.is_over:
            session.is_over = True
            self._lost(session, reason)
            self._changed(session, "ended", reason)

    def look(self, gone_after: float) -> None:
        """Those that are silent are lost, and after ``gone_after`` s they have ended."""
        now = time.monotonic()
        for session in list(self._sessions.values()):
            silent = now - session.heard
            reason = f"nothing came of it for {silent:.0f} s"
            if session.is_linked and silent > protocol.SILENCE_S:
                self._lost(session, reason)
            if not session.is_linked and silent > gone_after:
                self.end(session, reason)

    def _found(self, session: Session) -> None:
        if not session.is_linked:
            session.is_linked = True
            self._changed(session, "found", "")

    def _lost(self, session: Session, reason: str) -> None:
        if session.is_linked:
            session.is_linked = False
            self._changed(session, "lost", reason)


def _is_alive(session: Session) -> bool:
    return session.is_linked and time.monotonic() - session.heard < ALIVE_S
