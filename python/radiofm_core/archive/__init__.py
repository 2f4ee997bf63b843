# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of many recordings: what is to be done, what is done, and a table of what was found."""
