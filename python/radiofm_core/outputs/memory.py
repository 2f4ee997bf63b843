# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a long run's memory flat."""

from __future__ import annotations

import contextlib
import ctypes


def give_back_memory() -> None:
    """Return freed memory to the system, where the C library is glibc.

    A model's batches come in many sizes, and glibc keeps the pages between what is still in use:
    its heap grows by steps although nothing is held.
    """
    # another C library, without this call, keeps its own house
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
