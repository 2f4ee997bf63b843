# SPDX-License-Identifier: GPL-3.0-or-later
"""A class of one's own from a few marked bursts."""
