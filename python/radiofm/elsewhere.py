# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of others that an example needs and no distribution packages.

``from gnuradio.radiofm.elsewhere import ieee802_11`` in a flowgraph's Import block names what is
missing, in GNU Radio Companion and in the program: a block that is missing shows its ID alone.
"""

from __future__ import annotations

import importlib

from radiofm_core.errors import RadiofmError

# By the name under which programs import them: what it is called, and where it is
WHERE = {"ieee802_11": "gr-ieee802-11 (https://github.com/bastibl/gr-ieee802-11)"}


class MissingModuleError(RadiofmError, ImportError):
    """A module of WHERE that is not installed."""


def missing(name: str) -> MissingModuleError:
    """The error that says what to install; ``name``: one of WHERE."""
    return MissingModuleError(f"this flowgraph needs {WHERE[name]}; install it first")


def __getattr__(name: str):
    """The module itself, on its own or below ``gnuradio``, as its version installs it."""
    if name not in WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for found in (name, f"gnuradio.{name}"):
        try:
            return importlib.import_module(found)
        except ModuleNotFoundError as error:
            # found, but not what it imports itself
            if error.name not in (name, f"gnuradio.{name}"):
                raise
    raise missing(name)
