# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing what needs ZeroMQ only when a command needs it."""

from __future__ import annotations

import importlib
from types import ModuleType

from radiofm_core.errors import RadiofmError, reason_of
from radiofm_core.installation import how_to_install


def import_network(name: str) -> ModuleType:
    """A module of ``radiofm_net``; raises RadiofmError where pyzmq is missing or knows no keys."""
    try:
        import zmq

        module = importlib.import_module(name)
    except ImportError as error:
        raise RadiofmError(
            f"this needs pyzmq, which cannot be imported ({reason_of(error)}); "
            f"{how_to_install('zmq')}"
        ) from error
    if not zmq.has("curve"):
        raise RadiofmError(
            f"the ZeroMQ library here is built without CURVE; {how_to_install('zmq')}"
        )
    return module
