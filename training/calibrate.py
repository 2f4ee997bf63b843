# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrate the confidences, after the stages before."""

from .command import run_stage

if __name__ == "__main__":
    run_stage("calibrate", __doc__)
