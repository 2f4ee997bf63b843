# SPDX-License-Identifier: GPL-3.0-or-later
"""The Vision Transformer, its inputs, and how it is adapted."""
