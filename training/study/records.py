# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a study's runs: a file of JSON lines, one a run."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

from radiofm_core.errors import InputError
from radiofm_core.outputs.files import output_errors

from ..engine.recipe import flat
from ..engine.runs import save_text
from .plan import Run, Study, recipe_fields


def read_records(path: Path) -> list[dict]:
    """All lines of ``path``; none where there is no such file. Raises InputError for a line that
    is no record."""
    records = []
    lines = path.read_text().splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            record["run"], record["recipe"], record["scores"]["validation"]
            record["code_revision"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}, line {number} is not a record of a run; delete the line and run the "
                "study again"
            ) from error
        records.append(record)
    return records


def add_record(path: Path, record: dict) -> None:
    """Write ``record`` as the last line; the file is whole at any time. Raises OutputError."""
    lines = [json.dumps(r) for r in (*read_records(path), record)]
    save_text(path, "\n".join(lines) + "\n")


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Until no other process, on this host or another, is in here with the file ``path``, which is
    made where it is not there. Raises OutputError."""
    with output_errors(path, advice="make room there and run the command again"):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    with file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def kept_records(study: Study, revision: str | None = None) -> dict[str, dict]:
    """The records of the study's runs by name.

    Raises InputError: one was made by another recipe than the study now has for it, or two by
    different code (or one by other code than ``revision``, that of the runs to come): such runs
    differ by more than what the study compares.
    """
    records = {r["run"]: r for r in read_records(study.records_path)}
    kept = {}
    for run in study.runs:
        if run.name in records:
            _check(study, run, records[run.name])
            kept[run.name] = records[run.name]
    for name, record in kept.items():
        found = record["code_revision"]
        revision = revision or found
        if found != revision:
            raise InputError(
                f"{study.records_path}: {name} was made by the code of {found}, others are of "
                f"{revision}, and runs of different code cannot be compared; delete the lines of "
                "one of them (and their folders), and run these again"
            )
    return kept


def _check(study: Study, run: Run, record: dict) -> None:
    # What the code has learnt to set since then had one meaning only.
    wanted = flat(json.loads(json.dumps(recipe_fields(run.recipe))))
    for key, value in flat(record["recipe"]).items():
        if wanted.get(key) != value:
            raise InputError(
                f"{study.records_path}: {run.name} was made with {key} {value}, the study has "
                f"{wanted.get(key)}; give the study another name, or delete the line and "
                f"remove {run.recipe.run_folder}"
            )
