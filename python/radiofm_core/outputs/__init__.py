# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of a run: SigMF annotations, JSON lines, the mask, the picture."""
