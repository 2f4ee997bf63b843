# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings that come with the package: something to look at before there are own ones.

They are `examples/demo` of the repository, installed beside this file.
"""

from __future__ import annotations

from pathlib import Path

from .errors import InputError

_FOLDER = Path(__file__).parent / "demo"


def demo_recording() -> Path:
    """30 ms of LTE, NR and Wi-Fi beside each other at 61.44 MS/s: a SigMF pair's ``.sigmf-meta``.

    Raises:
        InputError: it was not installed.
    """
    return _installed("demo.sigmf-meta")


def demo_csi() -> Path:
    """What happens in a simulated room, as Wi-Fi channel estimates: an ``.npz``.

    Raises:
        InputError: it was not installed.
    """
    return _installed("room.npz")


def _installed(name: str) -> Path:
    path = _FOLDER / name
    if not path.is_file():
        raise InputError(f"the demo file {path} is not installed; name a file of your own")
    return path
