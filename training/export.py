# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the model bundle, load it, score it in each precision, and write the scores into it, after
the stages before."""

from argparse import ArgumentParser

from .command import run_stage


def add_options(parser: ArgumentParser) -> None:
    """What ``export`` takes beside the recipe."""
    parser.add_argument(
        "--weights",
        metavar="MODEL",
        help="take the weights and calibration of this model bundle instead of training; the new "
        "bundle says so",
    )


if __name__ == "__main__":
    run_stage("export", __doc__, add_options=add_options)
