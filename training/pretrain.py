# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-train by masked modelling; labels are not looked at."""

from .command import run_stage

if __name__ == "__main__":
    run_stage("pretrain", __doc__, several=True)
