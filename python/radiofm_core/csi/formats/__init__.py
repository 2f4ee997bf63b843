# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats of CSI files, a module each: NAME, ADVICE, ``sniff(head)`` and ``read(file, tally)``."""
