# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing GNU Radio and our blocks only when a command needs them."""

from __future__ import annotations

import os
from types import ModuleType

from ..errors import RadiofmError


def import_flowgraphs() -> ModuleType:
    """``gnuradio.radiofm.flowgraphs``; raises RadiofmError where GNU Radio or it is missing."""
    # GNU Radio's own chatter (buffer preferences and the like) belongs to no command's output
    os.environ.setdefault("GR_CONF_LOG_LOG_LEVEL", "warn")
    try:
        from gnuradio.radiofm import flowgraphs
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise RadiofmError(
            f"the GNU Radio blocks cannot be imported ({reason}); `radiofm doctor` tells what is "
            "missing"
        ) from error
    return flowgraphs
