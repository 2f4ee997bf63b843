# SPDX-License-Identifier: GPL-3.0-or-later
"""A study: many runs of one recipe that differ in a few of its keys, and the report on them."""
