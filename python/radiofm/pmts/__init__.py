# SPDX-License-Identifier: GPL-3.0-or-later
"""Between PMTs, GNU Radio's messages, and Python's types."""
