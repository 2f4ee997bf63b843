# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing GNU Radio and our blocks only when a command needs them."""

from __future__ import annotations

import argparse
import importlib
import os
from types import ModuleType

from radiofm_core.bundle import BundleInfo
from radiofm_core.errors import RadiofmError, reason_of

from .console import StopRequest


def import_flowgraphs() -> ModuleType:
    """``gnuradio.radiofm.flowgraphs``; raises RadiofmError where GNU Radio or it is missing."""
    return import_with_blocks("gnuradio.radiofm.flowgraphs")


def import_with_blocks(name: str) -> ModuleType:
    """A module that needs GNU Radio; raises RadiofmError where that or our blocks are missing."""
    # GNU Radio's own chatter (buffer preferences and the like) belongs to no command's output
    os.environ.setdefault("GR_CONF_LOG_LOG_LEVEL", "warn")
    os.environ.setdefault("UHD_LOG_CONSOLE_LEVEL", "warning")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        reason = reason_of(error)
        raise RadiofmError(
            f"the GNU Radio blocks cannot be imported ({reason}); `radiofm doctor` shows what is "
            "missing"
        ) from error


def make_segmenter(info: BundleInfo, options: argparse.Namespace, overload: str, stop: StopRequest):
    """The segmenter block that the options of :func:`.console.add_model_options` ask for; a stop
    waits until it is loaded. Raises RadiofmError as :func:`import_flowgraphs` and the block do."""
    with stop.held():
        return import_flowgraphs().make_segmenter(
            model=str(info.path),
            device=options.device,
            precision=options.precision,
            threads=options.threads,
            overload=overload,
            min_confidence=options.min_confidence,
        )
