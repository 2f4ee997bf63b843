# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated signals of radio systems, and the scenes that they make."""
