# SPDX-License-Identifier: GPL-3.0-or-later
"""Score the validation and benchmark frames, after the stages before."""

from .command import run_stage

if __name__ == "__main__":
    run_stage("evaluate", __doc__)
