# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of the segmentation task, in mask order."""

from radiofm_core.bundle import ClassInfo

NAMES = ("noise", "lte", "nr", "other")
COLORS = ("#5b6270", "#23c4ff", "#ffa01e", "#ff4fa3")
INFOS = tuple(ClassInfo(name, color) for name, color in zip(NAMES, COLORS, strict=True))
# For the loss: about the inverse square root of each class's share of the generated pixels
WEIGHTS = (1.0, 1.7, 2.0, 1.9)
