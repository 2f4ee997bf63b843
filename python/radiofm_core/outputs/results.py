# SPDX-License-Identifier: GPL-3.0-or-later
"""All results of one recording: collected during a run, written together at its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .. import keys
from ..bundle import BundleInfo
from ..spectrum.detections import FrameGeometry
from ..spectrum.recordings import Recording
from .bursts import find_pauses
from .emission_lines import EmissionSpool
from .files import prepare_folder, refuse_overwriting, write_together
from .mask_archive import MaskArchive
from .memory import give_back_memory
from .origin import origin_note, refuse_other_results
from .overview import Overview
from .paths import result_paths
from .picture import write_picture
from .sigmf_annotations import data_link, link_data, write_sigmf_meta

# A picture that names more than this is read by nobody
PICTURE_EMISSIONS = 60
# Frames after which memory that is not used any more goes back to the system
GIVE_BACK_FRAMES = 512


class RecordingResults:
    """Takes frames, masks and emission events in order; memory does not grow with the length.

    Nothing appears under its final name before :meth:`finish`, which writes all four files and
    renames them. The arguments of the ``add_`` methods are as in the messages, with Python's
    and NumPy's types.
    """

    def __init__(
        self, folder: Path, recording: Recording, info: BundleInfo, overwrite: bool = False
    ):
        """Check that results can be written.

        Args:
            folder: where they go.
            recording: what is segmented.
            info: of the model.
            overwrite: whether results of another recording may be replaced.

        Raises:
            OutputError: results cannot be written there.
            InputError: results of another recording are there.
        """
        self.paths = result_paths(folder, recording.stem)
        self._recording = recording
        self._info = info
        # its own description must not be replaced by that of the results
        own = [path for path in (recording.data_path, recording.meta_path) if path is not None]
        refuse_overwriting(self.paths.values(), own, "the recording itself")
        if not overwrite:
            link = data_link(self.paths["sigmf"])
            refuse_other_results(self.paths, recording.data_path, link)
        prepare_folder(folder)
        names = info.class_names
        self._spool = EmissionSpool(folder)
        self._archive = MaskArchive(folder, names)
        self._overview = Overview(recording.num_samples, info.spec.cols, len(names))
        self.frames = 0
        self.next_index = 0
        self.dropped = 0

    @property
    def emissions(self) -> int:
        """How many emissions have ended."""
        return len(self._spool)

    def add_frame(self, frame: Mapping, power_db: np.ndarray) -> None:
        """A frame of the framer: float32 (channels, rows, cols) or (rows, cols)."""
        mean = power_db if power_db.ndim == 2 else power_db[0]
        self._overview.add_power(mean, FrameGeometry.from_frame(frame))

    def add_mask(self, frame: Mapping, mask: np.ndarray) -> None:
        """A mask of the segmenter: uint8 (rows, cols)."""
        geometry = FrameGeometry.from_frame(frame)
        self.dropped += max(int(frame[keys.FRAME_INDEX]) - self.next_index, 0)
        self.next_index = int(frame[keys.FRAME_INDEX]) + 1
        self.frames += 1
        self._archive.add(mask, geometry)
        self._overview.add_mask(mask, geometry)
        if self.frames % GIVE_BACK_FRAMES == 0:
            give_back_memory()

    def add_event(self, event: Mapping) -> None:
        """An event of the tracker."""
        self._spool.add(event)

    def prominent(self, limit: int) -> list[dict]:
        """Up to ``limit`` emissions of the largest bandwidth x time on the air, by start."""
        best: list[tuple[float, int, dict]] = []
        for order, emission in enumerate(self._spool.emissions()):
            area = emission[keys.BANDWIDTH] * emission[keys.ACTIVE_TIME]
            best.append((-area, order, emission))
            if len(best) >= 2 * limit:
                best = sorted(best)[:limit]
        return [emission for _, _, emission in sorted(sorted(best)[:limit], key=lambda b: b[1])]

    def finish(self, complete: bool = True) -> dict[str, Path]:
        """Write all files, then give them their names; return the paths by kind.

        ``complete`` False marks the results of an interrupted run (``radiofm:complete`` in the
        SigMF description). Raises OutputError, and leaves nothing behind, if a write fails. No
        masks can be added any more; :meth:`discard` is still to be called.
        """
        give_back_memory()
        # the picture is the first: it says what a run that ends in between left behind
        write_together(self.paths, lambda kind, file: self._write(kind, file, complete))
        return dict(self.paths)

    def _write(self, kind: str, file, complete: bool) -> None:
        if kind == "picture":
            write_picture(
                file,
                self._recording,
                self._overview,
                self.prominent(PICTURE_EMISSIONS),
                len(self._spool),
                self._info.classes,
                self._info.name,
                origin_note(self.paths[kind].parent, self._recording.data_path),
            )
        elif kind == "sigmf":
            pauses = find_pauses(
                self._archive.frames(), self._spool.emissions(), self._info.class_names
            )
            linked = link_data(self._recording, self.paths[kind])
            write_sigmf_meta(
                file,
                self._recording,
                self._spool.emissions(),
                self._info.name,
                complete,
                linked,
                pauses,
            )
        elif kind == "jsonl":
            self._spool.write(file)
        else:
            self._archive.write(file)

    def discard(self) -> None:
        """Give up what was collected and not finished; may be called twice."""
        self._spool.close()
        self._archive.close()
