# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tune with labels, after the stages before."""

from .command import run_stage

if __name__ == "__main__":
    run_stage("finetune", __doc__, several=True)
