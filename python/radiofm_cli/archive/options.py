# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of `radiofm segment` for folders."""

from __future__ import annotations

import argparse
from pathlib import Path

from radiofm_core.archive.table_files import FORMATS
from radiofm_core.errors import InputError

NO_TABLE = "none"


def add_archive_options(parser: argparse.ArgumentParser) -> None:
    """The options for many recordings, and for a cluster."""
    group = parser.add_argument_group("folders of recordings")
    group.add_argument(
        "--resume",
        action="store_true",
        help="treat named files as those of a folder: skip what is done, keep a table",
    )
    group.add_argument(
        "--table",
        choices=(*FORMATS, "both", NO_TABLE),
        help="of what was found, in DIR (default: parquet if PyArrow is installed, else csv)",
    )
    group.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="segment on the workers of a Dask cluster: its scheduler's address, such as "
        "tcp://host:8786, or the path of its scheduler file",
    )
    group.add_argument(
        "--dask-tls",
        nargs=3,
        metavar=("CA", "CERT", "KEY"),
        help="PEM files for a scheduler at tls://",
    )


def is_archive(options: argparse.Namespace) -> bool:
    """Whether the inputs are taken as many recordings, with records and a table; raises InputError
    where one names nothing, which as a path would be the folder that the command runs in."""
    if "" in options.inputs:
        raise InputError("no file is named; give a recording, or a folder of them")
    return bool(
        options.resume or options.dask or any(Path(text).is_dir() for text in options.inputs)
    )
