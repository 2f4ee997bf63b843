# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of the segmentation task, in mask order."""

NAMES = ("noise", "lte", "nr", "other")
COLORS = ("#5b6270", "#23c4ff", "#ffa01e", "#ff4fa3")
# For the loss: about the inverse square root of each class's share of the generated pixels
WEIGHTS = (1.0, 1.7, 2.0, 1.9)
