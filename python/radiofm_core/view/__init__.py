# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live view shows, without the window: rows of a waterfall, lists, the state of affairs."""
