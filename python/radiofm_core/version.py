# SPDX-License-Identifier: GPL-3.0-or-later
"""The version that results and messages name."""

__version__ = "0.1.0"
