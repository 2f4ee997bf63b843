# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm table``: tables of what `radiofm segment` found in folders, made anew."""

from __future__ import annotations

import argparse
from pathlib import Path

from radiofm_core.archive.record import RECORDS_FOLDER
from radiofm_core.archive.table_files import FORMATS, usual_format, write_tables
from radiofm_core.errors import InputError

from ..console import EXIT_DONE, EXIT_USAGE, report_error

HELP = "tables of what was found in folders of recordings"
DESCRIPTION = (
    "Write recordings and emissions as tables into DIR, a folder of results of `radiofm segment "
    "FOLDER`: also while that is still at work, or after it was killed. GNU Radio is not needed."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("folder", metavar="DIR", help="what was given to segment as --out")
    parser.add_argument(
        "--format",
        action="append",
        choices=FORMATS,
        help="may be given twice (default: parquet if PyArrow is installed, else csv)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the tables and name them."""
    folder = Path(options.folder)
    if not (folder / RECORDS_FOLDER).is_dir():
        raise InputError(
            f"{folder} holds no results of a folder of recordings; give the --out of "
            "`radiofm segment FOLDER --out DIR`"
        )
    problems: list[str] = []
    formats = tuple(dict.fromkeys(options.format or (usual_format(),)))
    for path in write_tables(folder, formats, problems.append):
        print(path)
    for text in problems:
        report_error(text)
    return EXIT_USAGE if problems else EXIT_DONE
