# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepared frames on disk, and the batches that training takes from them.

A prepared set is a folder with ``levels.npy`` (uint8 (frames, rows, cols), or, of a spec of several
channels, (frames, channels, rows, cols): steps of 0.4 dB above the median of the frame's first
channel less 32 dB), ``truth.npy`` (uint8, 255 = not scored), ``resolution.npy``, of a spec with
lags ``evidence.npy`` (float16 (frames, lags, 2, rows / row_multiple, cells)), and
``prepared.json``, which records how it was made, and what the numbers in the truth stand for: the
names under ``kinds`` (generated frames: they serve any classes) or ``classes``. It is written last:
without it a set is not there.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from radiofm_core.errors import InputError
from radiofm_core.outputs.files import output_errors
from radiofm_core.spectrum.detections import NOISE_CLASS
from radiofm_core.spectrum.evidence_grid import LONG_LAG_S
from radiofm_core.spectrum.spec import CELL_COLS, SpectrogramSpec

from ...waveforms.span import IGNORE
from ..classes import Classes

STEP_DB = 0.4
LOWEST_DB = -32.0
NOTE = "prepared.json"
# Rows and columns of a fingerprint's blocks
BLOCK = 16
# Columns on each side of the span's centre that a receiver's DC fills, and how many beyond them
# tell whether it lies in noise
DC_REACH, DC_BESIDE = 3, 5
# Share of the frames that are trained on without evidence, or without that of long lags
WITHOUT_EVIDENCE, WITHOUT_LONG_LAGS = 0.15, 0.2


def to_steps(level_db: np.ndarray) -> np.ndarray:
    """dB (rows, cols) or (channels, rows, cols) to the uint8 steps that are stored."""
    first = level_db if level_db.ndim == 2 else level_db[0]
    steps = (level_db - np.median(first) - LOWEST_DB) / STEP_DB
    return np.clip(np.round(steps), 0, 255).astype(np.uint8)


def fingerprint(frames: Iterable[tuple[np.ndarray, np.ndarray]]) -> str:
    """16 hexadecimal digits that stand for what frames look like: the mean of each BLOCK x BLOCK
    pixels to a dB, and how much of the truth is what, to a thousandth. The last bits of a number,
    which differ between processors, change nothing as a rule.

    Args:
        frames: levels as steps, uint8 (rows, cols) or (channels, rows, cols), and truth.
    """
    digest = hashlib.sha256()
    for steps, truth in frames:
        rows, cols = (size // BLOCK for size in steps.shape[-2:])
        blocks = steps[..., : rows * BLOCK, : cols * BLOCK]
        blocks = blocks.reshape(-1, rows, BLOCK, cols, BLOCK).mean((2, 4)) * STEP_DB
        counts = np.bincount(truth.ravel(), minlength=256) / truth.size
        digest.update(np.round(blocks).astype(np.int16).tobytes())
        digest.update(np.round(counts * 1000).astype(np.int16).tobytes())
    return digest.hexdigest()[:16]


def first_frames(frames: int, share: float) -> int:
    """How many of ``frames`` a ``share`` (a part of 1) is: the nearest number from 1 on."""
    return max(1, round(share * frames))


def is_prepared(folder: Path, wanted: dict) -> bool:
    """Whether ``folder`` holds a complete set whose note has the fields ``wanted``."""
    try:
        note = json.loads((folder / NOTE).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(note, dict) and all(note.get(k) == v for k, v in wanted.items())


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns what goes wrong while a set is written into an OutputError of one line."""
    advice = "make room there and run the command again"
    with output_errors(folder, "the prepared frames ", advice):
        yield


def clear(folder: Path) -> None:
    """Make the folder, without a note, for a new set."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NOTE).unlink(missing_ok=True)


def write_note(folder: Path, fields: dict) -> None:
    """Complete a set: its ``fields``, the command that made it, and its pixels by name."""
    truth = np.load(folder / "truth.npy", mmap_mode="r")
    counts = np.zeros(256, np.int64)
    for frame in truth:
        counts += np.bincount(frame.ravel(), minlength=256)
    names = fields.get("kinds") or fields["classes"]
    # of the many kinds, those that are there
    told = [i for i in range(len(names)) if counts[i] or "classes" in fields]
    pixels = {names[i]: int(counts[i]) for i in told}
    pixels["not scored"] = int(counts[len(names) :].sum())
    note = {**fields, "pixels": pixels, "command": shlex.join(sys.orig_argv)}
    (folder / NOTE).write_text(json.dumps(note, indent=1) + "\n")


def write(
    folder: Path,
    levels: np.ndarray,
    truth: np.ndarray,
    resolution: np.ndarray,
    fields: dict,
    evidence: np.ndarray | None = None,
) -> None:
    """Write a whole set; raises OutputError where that is not possible.

    Args:
        folder: made where it is not there; a set in it is replaced.
        levels: uint8 (frames, rows, cols), or with channels, from :func:`to_steps`.
        truth: uint8 (frames, rows, cols).
        resolution: float32 (frames, 2).
        fields: for the note; ``kinds`` or ``classes`` among them.
        evidence: (frames, lags, 2, rows / row_multiple, cells), of a spec with lags.
    """
    with writing(folder):
        clear(folder)
        for name, array in (("levels", levels), ("truth", truth), ("resolution", resolution)):
            np.save(folder / f"{name}.npy", array)
        (folder / "evidence.npy").unlink(missing_ok=True)
        if evidence is not None:
            np.save(folder / "evidence.npy", evidence.astype(np.float16))
        write_note(folder, fields)


class Batch(NamedTuple):
    """Frames to train on: dB float32 (B, C, R, W), truth int64 (B, R, W) or None where it was not
    asked for, resolution (B, 2), and evidence float32 (B, lags, 2, R / row_multiple, cells), NaN
    where not judged."""

    level: torch.Tensor
    truth: torch.Tensor | None
    resolution: torch.Tensor
    evidence: torch.Tensor


class Joined:
    """Arrays as one along their first axis, each read where it lies on disk when it is asked for.
    ``change``: of each array what makes of a part of it what is given out."""

    def __init__(
        self,
        arrays: Sequence[np.ndarray],
        change: Sequence[Callable[[np.ndarray], np.ndarray]] = (),
    ):
        self.arrays, self.change = arrays, change
        self.ends = np.cumsum([len(array) for array in arrays])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, index: np.ndarray | slice) -> np.ndarray:
        """The entries of numbers in ascending order, or of a slice."""
        if isinstance(index, slice):
            index = np.arange(len(self))[index]
        parts = np.split(index, np.searchsorted(index, self.ends[:-1]))
        found = []
        for number, (array, part) in enumerate(zip(self.arrays, parts, strict=True)):
            if len(part):
                taken = array[part - (self.ends[number] - len(array))]
                found.append(self.change[number](taken) if self.change else taken)
        return found[0] if len(found) == 1 else np.concatenate(found)


class FrameSet:
    """One or several prepared sets of frames of the same size, read from disk batch by batch (some
    150 KiB a frame, which the system keeps in memory while there is room), their truth as
    ``classes``; of each set the first frames, a ``share`` of them (a part of 1). ``with_dc``:
    :func:`label_dc`."""

    def __init__(
        self,
        folders: Path | Sequence[Path],
        spec: SpectrogramSpec,
        classes: Classes,
        share: float = 1.0,
        with_dc: bool = False,
    ):
        folders = [folders] if isinstance(folders, Path) else list(folders)
        notes = [_checked_note(folder, spec) for folder in folders]
        self.row_multiple = spec.row_multiple
        self.is_long = np.array([lag >= LONG_LAG_S for lag in spec.evidence_lags], bool)

        def joined(name: str, change: Sequence[Callable] = ()) -> Joined:
            return Joined([_part(folder, name, share) for folder in folders], change)

        self.levels = joined("levels")
        self.truth = joined(
            "truth",
            [
                _truth_reader(note, classes, folder, with_dc)
                for note, folder in zip(notes, folders, strict=True)
            ],
        )
        self.resolution = joined("resolution")
        self.evidence = joined("evidence") if spec.evidence_lags else None

    def __len__(self) -> int:
        return len(self.levels)

    def batch(self, index: np.ndarray, with_truth: bool = True) -> Batch:
        """The frames ``index``, in ascending order."""
        index = np.sort(index)
        level = _to_db(self.levels[index], STEP_DB, LOWEST_DB)
        truth = torch.from_numpy(self.truth[index]).long() if with_truth else None
        resolution = torch.from_numpy(self.resolution[index])
        return Batch(level, truth, resolution, self._evidence(index, level.shape[2]))

    def augmented(
        self, index: np.ndarray, rng: np.random.Generator, with_truth: bool = True
    ) -> Batch:
        """A batch mirrored in frequency at random, one time in three cut to fewer rows, so that
        short recordings are judged on what they hold, and with evidence left out of some frames:
        all of it, or that of the long lags, as in short recordings."""
        index = np.sort(index)
        steps, resolution = self.levels[index], torch.from_numpy(self.resolution[index])
        truth = self.truth[index] if with_truth else None
        flip = rng.random(len(index)) < 0.5
        for array in (steps,) if truth is None else (steps, truth):
            # Columns mirror about DC (column W/2); column 0, Nyquist, stays.
            array[flip, ..., 1:] = array[flip, ..., :0:-1]
        evidence = self._evidence(index, steps.shape[-2])
        # What is mirrored is conjugated, and so is its coherence; cells lie a column aside
        conjugate = evidence.flip(4) * torch.tensor([1.0, -1.0])[:, None, None]
        evidence = torch.where(
            torch.from_numpy(flip)[:, None, None, None, None], conjugate, evidence
        )
        if rng.random() < 1 / 3:
            most = steps.shape[-2] // self.row_multiple
            cells = int(rng.integers(1, max(2, most // 2) + 1))
            first = int(rng.integers(0, most - cells + 1))
            rows = slice(first * self.row_multiple, (first + cells) * self.row_multiple)
            steps, truth = steps[..., rows, :], truth if truth is None else truth[:, rows]
            evidence = evidence[:, :, :, first : first + cells]
        without = rng.random(len(index))[:, None]
        dropped = (without < WITHOUT_EVIDENCE) | (
            self.is_long & (without < WITHOUT_EVIDENCE + WITHOUT_LONG_LAGS)
        )
        dropped = torch.from_numpy(dropped)[:, :, None, None, None]
        evidence = torch.where(dropped, torch.nan, evidence)
        # what was rounded to a step can have lain anywhere in it
        finer = steps.astype(np.uint16) * 256 + rng.integers(0, 256, steps.shape, np.uint8)
        level = _to_db(finer, STEP_DB / 256, LOWEST_DB - STEP_DB / 2 + STEP_DB / 512)
        truth = truth if truth is None else torch.from_numpy(truth.astype(np.int64))
        return Batch(level, truth, resolution, evidence)

    def _evidence(self, index: np.ndarray, rows: int) -> torch.Tensor:
        if self.evidence is None:
            return torch.zeros(len(index), 0, 2, rows // self.row_multiple, CELL_COLS)
        return torch.from_numpy(self.evidence[index]).float()


def _to_db(steps: np.ndarray, step_db: float, lowest_db: float) -> torch.Tensor:
    """Steps (B, R, W) or (B, C, R, W) to dB float32 (B, C, R, W)."""
    level = steps.astype(np.float32)
    level *= step_db
    level += lowest_db
    return torch.from_numpy(level if level.ndim == 4 else level[:, None])


def _checked_note(folder: Path, spec: SpectrogramSpec) -> dict:
    try:
        note = json.loads((folder / NOTE).read_text())
        made_for = note["spec_fingerprint"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} holds no prepared frames; run python -m training.prepare"
        ) from error
    if made_for != spec.fingerprint:
        raise InputError(
            f"{folder} was made for spec {made_for}, this model has {spec.fingerprint}; prepare it "
            "again"
        )
    return note


def _table(note: dict, classes: Classes, folder: Path) -> np.ndarray:
    """uint8 (256,): class by the numbers in a set's truth."""
    try:
        if "kinds" in note:
            return classes.of_kinds(note["kinds"])
        table = np.full(256, IGNORE, np.uint8)
        table[: len(note["classes"])] = [classes.names.index(n) for n in note["classes"]]
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{folder} was made for other classes than {', '.join(classes.names)}; prepare it again"
        ) from error
    return table


def _truth_reader(
    note: dict, classes: Classes, folder: Path, with_dc: bool
) -> Callable[[np.ndarray], np.ndarray]:
    """What makes a set's truth, uint8 (frames, rows, cols), numbers of ``classes``."""
    table, has_dc = _table(note, classes, folder), with_dc and "kinds" in note

    def read(stored: np.ndarray) -> np.ndarray:
        truth = table[stored]
        if has_dc:
            label_dc(truth)
        return truth

    return read


def label_dc(truth: np.ndarray) -> None:
    """Of generated frames, (frames, rows, cols): a receiver's DC is noise where noise is on both
    sides of it. Other lines that receivers make cannot be told from a sender's, and are not scored;
    a line at the very centre of the span hardly ever is one."""
    centre = truth.shape[2] // 2
    low, high = centre - DC_REACH, centre + DC_REACH + 1
    left, right = truth[..., low - DC_BESIDE : low], truth[..., high : high + DC_BESIDE]
    in_noise = ((left == NOISE_CLASS).all(-1) & (right == NOISE_CLASS).all(-1))[..., None]
    middle = truth[..., low:high]
    middle[in_noise & (middle == IGNORE)] = NOISE_CLASS


def _part(folder: Path, name: str, share: float) -> np.ndarray:
    array = np.load(folder / f"{name}.npy", mmap_mode="r")
    return array[: first_frames(len(array), share)]
