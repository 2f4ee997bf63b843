# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may connect to a server: sensors whose public keys it knows, and nobody else."""

from __future__ import annotations

import zmq
from zmq.auth.thread import ThreadAuthenticator

from .curve_keys import KnownSensors
from .refusals import Refusals

DOMAIN = "radiofm"


class Doorkeeper(ThreadAuthenticator):
    """Answers ZeroMQ's question whether a key may connect, and names the sensor that it is of.

    Args:
        context: the server's.
        known: the sensors that may.
        refusals: gets each unknown key, on the doorkeeper's thread.
    """

    def __init__(self, context: zmq.Context, known: KnownSensors, refusals: Refusals):
        super().__init__(context)
        self._known = known
        self._refusals = refusals
        self._address = ""
        self.configure_curve_callback(DOMAIN, self)

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        """One question; see :class:`zmq.auth.Authenticator`."""
        self._address = msg[3].decode("ascii", "replace") if len(msg) > 3 else ""
        await super().handle_zap_message(msg)

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether the public key ``key`` may connect."""
        if self._known.name_of(key) is not None:
            return True
        text = (
            f"refused a sensor at {self._address}: its key {key.decode()} is not among those in "
            "sensors/"
        )
        self._refusals.add("connections", text, key.decode())
        return False

    def curve_user_id(self, client_public_key: bytes) -> str:
        """The name under which ZeroMQ hands on the sensor's messages."""
        return self._known.name_of(zmq.utils.z85.encode(client_public_key)) or ""
