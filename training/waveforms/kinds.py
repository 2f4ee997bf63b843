# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of what is on the air in generated frames: names by the numbers in their truth."""

from . import other

__all__ = ["KINDS", "WIFI"]

KINDS = ("noise", "lte", "nr", *other.NAMES)
# Those that are 802.11
WIFI = other.WIFI
