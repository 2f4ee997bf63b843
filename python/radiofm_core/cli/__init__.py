# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``radiofm`` command."""

from .main import main

__all__ = ["main"]
