# SPDX-License-Identifier: GPL-3.0-or-later
"""Training the activity classifier: labelled CSI, augmentation, stages, scores."""
