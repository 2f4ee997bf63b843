# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a study and writes the report on it. A study that was stopped goes on where it was.

``python -m training.study --study training/studies/NAME.yaml``
"""

from __future__ import annotations

import sys
from pathlib import Path

from radiofm_core.errors import InputError

from ..command import Parser, run
from ..engine.revision import code_revision
from ..engine.runs import save_text
from ..tasks import TASKS
from .perform import perform_run
from .plan import Study, read_study
from .records import add_record, kept_records
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
        perform(study)
    print(f"wrote {write_report(study, arguments.study)}")


def perform(study: Study) -> None:
    """Train and score every run that has no record yet, and record it."""
    score = TASKS[study.task].report.score
    done = kept_records(study, code_revision())
    for number, planned in enumerate(study.runs, 1):
        if planned.name in done:
            continue
        print(f"run {number} of {len(study.runs)}: {planned.name}", file=sys.stderr)
        record = perform_run(study, planned)
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
    run(main)
