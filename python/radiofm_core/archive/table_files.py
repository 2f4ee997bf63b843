# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables as files: CSV, which needs nothing, and Parquet, which needs PyArrow."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from ..errors import UsageError, reason_of
from ..installation import how_to_install
from ..outputs.files import write_together
from .table import NUMBER, TEXT, TIME, WHOLE, Table, emissions_table, recordings_table

PARQUET, CSV = "parquet", "csv"
FORMATS = (PARQUET, CSV)
_ROWS_AT_ONCE = 16384


def check_format(table_format: str) -> None:
    """Raise UsageError where a format needs a package that is not there."""
    if table_format == PARQUET:
        _import_pyarrow()


def usual_format() -> str:
    """Parquet where PyArrow is installed, else CSV."""
    try:
        _import_pyarrow()
    except UsageError:
        return CSV
    return PARQUET


def write_tables(out: Path, formats: Sequence[str], tell: Callable[[str], None]) -> list[Path]:
    """Write ``recordings`` and ``emissions`` into a folder of results, whole or not at all.

    Args:
        out: the folder.
        formats: of :data:`FORMATS`.
        tell: see :func:`.table.emissions_table`.

    Returns:
        The files' paths.

    Raises:
        UsageError: PyArrow is not installed.
        OutputError: a file cannot be written.
    """
    tables = {table.name: table for table in (recordings_table(out), emissions_table(out, tell))}
    written = []
    for table_format in formats:
        write = {PARQUET: write_parquet, CSV: write_csv}[table_format]
        paths = {name: out / f"{name}.{table_format}" for name in tables}
        write_together(paths, lambda name, file, write=write: write(tables[name], file))
        written += paths.values()
    return written


def write_csv(table: Table, file: BinaryIO) -> None:
    """UTF-8 with a line of names; dates as 2026-01-31T12:00:00.000000Z."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows():
        writer.writerow([_csv_cell(row[name]) for name in table.columns])
    text.detach()


def _csv_cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return "" if value is None else value


def write_parquet(table: Table, file: BinaryIO) -> None:
    """Columns of string, int64, double and timestamp[us, UTC]; a group for every 16,384 rows."""
    pyarrow, parquet = _import_pyarrow()
    kinds = {
        TEXT: pyarrow.string(),
        WHOLE: pyarrow.int64(),
        NUMBER: pyarrow.float64(),
        TIME: pyarrow.timestamp("us", tz="UTC"),
    }
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in table.columns.items()])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in _groups(table.rows()):
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))


def _groups(rows: Iterator[dict]) -> Iterator[list[dict]]:
    while group := list(islice(rows, _ROWS_AT_ONCE)):
        yield group


def _import_pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError(
            f"Parquet needs PyArrow ({reason_of(error)}); {how_to_install('pyarrow')}, or choose "
            "--table csv"
        ) from error
    return pyarrow, pyarrow.parquet
