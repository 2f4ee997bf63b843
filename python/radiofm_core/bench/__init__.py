# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``radiofm bench`` shows and with what it compares: figures, machine, table, picture.

What it measures, and how, is in :mod:`gnuradio.radiofm.bench`, a module for each section.
"""
