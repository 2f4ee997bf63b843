# SPDX-License-Identifier: GPL-3.0-or-later
"""All results of one recording: collected during a run, written together at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
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
from .origin import origin_note, refuse_results_of_others
from .overview import Overview
from .paths import RESULT_KINDS, result_paths
from .picture import write_picture
from .sigmf_annotations import link_data, write_sigmf_meta

# A picture that names more than this is read by nobody
PICTURE_EMISSIONS = 60
# Frames after which memory that is not used any more goes back to the system
GIVE_BACK_FRAMES = 512


class RecordingResults:
    """Takes frames, masks and emission events in order; memory does not grow with the length.

    Nothing appears under its final name before :meth:`finish`, which writes all files and renames
    them. The arguments of the ``add_`` methods are as in the messages, with Python's
    and NumPy's types.
    """

    def __init__(
        self,
        folder: Path,
        recording: Recording,
        info: BundleInfo,
        overwrite: bool = False,
        outputs: Collection[str] = RESULT_KINDS,
        stem: str = "",
    ):
        """Check that results can be written.

        Args:
            folder: where they go.
            recording: what is segmented.
            info: of the model.
            overwrite: whether results of another recording may be replaced.
            outputs: which of RESULT_KINDS are written.
            stem: what they are called by; empty: as the recording.

        Raises:
            OutputError: results cannot be written there.
            InputError: results of another recording are there.
        """
        stem = stem or recording.stem
        every = result_paths(folder, stem)
        self.paths = {kind: path for kind, path in every.items() if kind in outputs}
        self._recording = recording
        self._info = info
        # its own description must not be replaced by that of the results
        own = (recording.data_path, recording.origin, recording.meta_path)
        own = [path for path in own if path is not None]
        refuse_overwriting(self.paths.values(), own, "the recording itself")
        if not overwrite:
            refuse_results_of_others(folder, stem, recording.origin, outputs)
        prepare_folder(folder)
        names = info.class_names
        self._spool = EmissionSpool(folder)
        self._archive = MaskArchive(folder, names)
        self._overview = None
        if "picture" in outputs:
            self._overview = Overview(recording.num_samples, info.spec.cols, len(names))
        self.frames = 0
        self.next_index = 0
        self.dropped = 0

    @property
    def emissions(self) -> int:
        """How many emissions have ended."""
        return len(self._spool)

    @property
    def needs_power(self) -> bool:
        """Whether anything is made of what :meth:`add_frame` takes."""
        return self._overview is not None

    def labels(self) -> Counter[str]:
        """How many emissions of each label have ended."""
        return Counter(emission[keys.LABEL] for emission in self._spool.emissions())

    def add_frame(self, frame: Mapping, power_db: np.ndarray) -> None:
        """A frame of the framer: float32 (channels, rows, cols) or (rows, cols)."""
        if self._overview is None:
            return
        mean = power_db if power_db.ndim == 2 else power_db[0]
        self._overview.add_power(mean, FrameGeometry.from_frame(frame))

    def add_mask(self, frame: Mapping, mask: np.ndarray) -> None:
        """A mask of the segmenter: uint8 (rows, cols)."""
        geometry = FrameGeometry.from_frame(frame)
        self.dropped += max(int(frame[keys.FRAME_INDEX]) - self.next_index, 0)
        self.next_index = int(frame[keys.FRAME_INDEX]) + 1
        self.frames += 1
        self._archive.add(mask, geometry)
        if self._overview is not None:
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
        """Write the files, then give them their names; return the paths by kind.

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
                origin_note(self.paths[kind].parent, self._recording.origin),
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
