# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a study and writes the report on it. A study that was stopped goes on where it was. Several
processes (torchrun), on one host or on several, share its runs.

``python -m training.study --study training/studies/NAME.yaml``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from radiofm_core.errors import InputError

from ..command import Parser, run
from ..engine import processes
from ..engine.revision import code_revision
from ..engine.runs import save_text
from ..tasks import TASKS
from .perform import perform_run, shared_out
from .plan import Run, Study, read_study, recipe_fields
from .records import add_record, held, kept_records
from .report import report


def main() -> None:
    """The command."""
    parser = Parser(prog="python -m training.study", description=__doc__)
    parser.add_argument("--study", required=True, help="YAML file")
    parser.add_argument(
        "--report", action="store_true", help="train nothing, write the report of what is recorded"
    )
    arguments = parser.parse_args()
    study = read_study(arguments.study)
    if not arguments.report:
        number, count = processes.rank(), processes.world()
        if count > 1:
            processes.check_shared(study.run_folder)
            processes.first_alone(lambda: prepare(study))
            processes.go_alone()
        perform(study, shared_out(study.runs, count)[number])
    # of several processes the last one writes it last
    print(f"wrote {write_report(study, arguments.study)}")


def prepare(study: Study) -> None:
    """Make the frames of all runs."""
    made = set()
    for planned in study.runs:
        fields = recipe_fields(planned.recipe)
        key = json.dumps([fields.get(name) for name in ("data", "benchmark", "spec")])
        if key not in made:
            TASKS[study.task].stages["prepare"](planned.recipe)
        made.add(key)


def perform(study: Study, runs: Sequence[Run]) -> None:
    """Train and score every one of ``runs`` that has no record yet, and record it."""
    score = TASKS[study.task].report.score
    done = kept_records(study, code_revision())
    for number, planned in enumerate(runs, 1):
        if planned.name in done:
            continue
        print(f"run {number} of {len(runs)}: {planned.name}", file=sys.stderr)
        record = perform_run(study, planned)
        with held(study.run_folder / "records.lock"):
            add_record(study.records_path, record)
        print(f"{planned.name}: {score(record):.3f}")


def write_report(study: Study, source: str) -> Path:
    """Write the report on ``study``, read from ``source``, from its records; returns its path.

    Raises InputError: there are no records, or one is of a run unlike the study's.
    """
    records = kept_records(study)
    if not records:
        raise InputError(
            f"{study.records_path} has no runs of this study; run it without --report first"
        )
    save_text(study.report_path, report(study, records, source))
    return study.report_path


if __name__ == "__main__":
    run(main, several=True)
