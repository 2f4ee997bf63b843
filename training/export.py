# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the model bundle, load it, score it in each precision, and write the scores into it, after
the stages before."""

from .command import run_stage

if __name__ == "__main__":
    run_stage("export", __doc__)
