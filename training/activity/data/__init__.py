# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled CSI: its sources, clips, windows, augmentation."""
