# SPDX-License-Identifier: GPL-3.0-or-later
"""All results of one file of CSI: collected during a run, written together at its end."""

from __future__ import annotations

from pathlib import Path

from ..bundle import BundleInfo
from ..csi.classify import Answer
from .activity_lines import ActivitySpool
from .activity_picture import write_activity_picture
from .activity_record import ActivityRecord
from .files import prepare_folder, refuse_overwriting, write_together
from .origin import origin_note, refuse_other_results
from .paths import activity_paths


class ActivityResults:
    """Takes answers in order; memory does not grow with the file.

    Nothing appears under its final name before :meth:`finish`.

    Args:
        folder: where the results go.
        path: the file of CSI.
        info: of the model.
        min_confidence: below it labels are ``unknown``.
        overwrite: whether results of another input may be replaced.

    Raises:
        OutputError: results cannot be written there.
        InputError: results of another input are there.
    """

    def __init__(
        self,
        folder: Path,
        path: Path,
        info: BundleInfo,
        min_confidence: float,
        overwrite: bool = False,
    ):
        self.paths = activity_paths(folder, path.stem)
        self._stem = path.stem
        self._note = origin_note(folder, path)
        self._info = info
        self._min_confidence = min_confidence
        refuse_overwriting(self.paths.values(), [path], "the file of CSI itself")
        if not overwrite:
            refuse_other_results(self.paths, path)
        prepare_folder(folder)
        self._spool = ActivitySpool(folder)
        self.record = ActivityRecord()

    def add(self, answer: Answer) -> None:
        """Take the next answer."""
        self._spool.add(answer.activity)
        self.record.add(answer)

    def finish(self, facts: list[str], complete: bool = True) -> dict[str, Path]:
        """Write both files, then give them their names; return the paths by kind.

        Args:
            facts: what the picture is to say of the file.
            complete: False for an interrupted run: the picture and the last line say so.

        Raises:
            OutputError: a write failed; nothing is left behind.
        """

        def write(kind: str, file) -> None:
            if kind == "jsonl":
                self._spool.write(file, complete)
                return
            notes = [*facts, self._info.name, *([] if complete else ["incomplete"])]
            write_activity_picture(
                file,
                self._stem,
                notes,
                self.record,
                self._info,
                self._min_confidence,
                self._note,
            )

        # the picture first: it says what a run that ends between the two left behind
        write_together({kind: self.paths[kind] for kind in ("picture", "jsonl")}, write)
        return dict(self.paths)

    def discard(self) -> None:
        """Give up what was collected and not finished; may be called twice."""
        self._spool.close()
