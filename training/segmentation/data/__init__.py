# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled frames: their sources, how they are read and kept."""
