# SPDX-License-Identifier: GPL-3.0-or-later
"""What the training of every task needs: recipes, the loop, runs, calibration, bundle files."""
