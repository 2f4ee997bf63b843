# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the frames of a recipe's sets, and say what is in them; training makes them too, if need
be."""

from .command import run_stage

if __name__ == "__main__":
    run_stage("prepare", __doc__)
