# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepared frames on disk, and the batches that training takes from them.

A prepared set is a folder with ``levels.npy`` (uint8: steps of 0.4 dB above the frame's median
less 32 dB), ``truth.npy`` (uint8 classes, 255 = not scored), ``resolution.npy`` and
``prepared.json``, which records how it was made.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from radiofm_core import spectrogram
from radiofm_core.errors import InputError
from radiofm_core.spec import SpectrogramSpec

from .recipe import FramesConfig, Recipe
from .waveforms.scene import SceneMaker

STEP_DB = 0.4
LOWEST_DB = -32.0
CHUNK = 16


@dataclass(frozen=True)
class Prepared:
    """How a set was made."""

    frames: int
    first_seed: int
    rows: int
    spec_fingerprint: str
    generator: str


def generator_fingerprint() -> str:
    """16 hexadecimal digits that stand for the code that draws frames."""
    sources = sorted((Path(__file__).parent / "waveforms").rglob("*.py"))
    digest = hashlib.sha256()
    for path in (*sources, Path(spectrogram.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def frame_set(recipe: Recipe, part: str) -> FrameSet:
    """The recipe's ``train``, ``refine`` or ``validation`` frames, generated where they are not
    there yet."""
    data = recipe.data
    folder = prepare(recipe.folder, getattr(data, part), recipe.spec, data.workers)
    return FrameSet(folder, recipe.spec)


def prepare(below: Path, config: FramesConfig, spec: SpectrogramSpec, workers: int) -> Path:
    """Generate a set in a folder ``below`` with ``workers`` processes; a complete one that this
    code made is left as it is. Returns its folder."""
    folder = below / f"frames-{config.first_seed}-{config.frames}x{config.rows}"
    wanted = Prepared(
        config.frames, config.first_seed, config.rows, spec.fingerprint, generator_fingerprint()
    )
    note = folder / "prepared.json"
    if note.exists() and json.loads(note.read_text()) == asdict(wanted):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)
    shape = (config.frames, config.rows, spec.cols)
    for name in ("levels", "truth"):
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape).flush()
    resolution = np.zeros((config.frames, 2), np.float32)
    starts = range(0, config.frames, CHUNK)
    jobs = [
        (folder, config.first_seed, start, min(start + CHUNK, config.frames)) for start in starts
    ]
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _start_worker, (spec, config.rows)) as pool:
        made = pool.imap_unordered(_make_chunk, jobs)
        bar = tqdm(made, total=len(jobs), desc=folder.name, unit=f"x{CHUNK}")
        for start, part in bar:
            resolution[start : start + len(part)] = part
    np.save(folder / "resolution.npy", resolution)
    note.write_text(json.dumps(asdict(wanted), indent=1) + "\n")
    return folder


_maker: SceneMaker | None = None


def _start_worker(spec: SpectrogramSpec, rows: int) -> None:
    global _maker
    torch.set_num_threads(1)
    _maker = SceneMaker(spec, rows)


def _make_chunk(job) -> tuple[int, list[tuple[float, float]]]:
    folder, first_seed, start, stop = job
    levels = np.load(folder / "levels.npy", mmap_mode="r+")
    truth = np.load(folder / "truth.npy", mmap_mode="r+")
    part = []
    for i in range(start, stop):
        frame = _maker.frame(first_seed + i)
        level = frame.level_db[0].numpy()
        steps = (level - np.median(level) - LOWEST_DB) / STEP_DB
        levels[i] = np.clip(np.round(steps), 0, 255)
        truth[i] = frame.truth.numpy()
        part.append(frame.resolution)
    return start, part


class FrameSet:
    """A prepared set, held in memory (128 KiB a frame)."""

    def __init__(self, folder: Path, spec: SpectrogramSpec):
        note = folder / "prepared.json"
        if not note.exists():
            raise InputError(f"{folder} holds no prepared frames; run the recipe's preparation")
        self.info = json.loads(note.read_text())
        if self.info["spec_fingerprint"] != spec.fingerprint:
            raise InputError(
                f"{folder} was made for spec {self.info['spec_fingerprint']}, this model has "
                f"{spec.fingerprint}; prepare it again"
            )
        self.row_multiple = spec.row_multiple
        self.levels = np.load(folder / "levels.npy")
        self.truth = np.load(folder / "truth.npy")
        self.resolution = torch.from_numpy(np.load(folder / "resolution.npy"))

    def __len__(self) -> int:
        return len(self.levels)

    def batch(self, index: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """dB float32 (B, 1, R, W), truth int64 (B, R, W), resolution (B, 2)."""
        level = torch.from_numpy(self.levels[np.sort(index)]).float() * STEP_DB + LOWEST_DB
        truth = torch.from_numpy(self.truth[np.sort(index)]).long()
        return level[:, None], truth, self.resolution[np.sort(index)]

    def augmented(self, index: np.ndarray, rng: np.random.Generator):
        """A batch mirrored in frequency at random and, one time in three, cut to fewer rows, so
        that short recordings are judged on what they hold."""
        level, truth, resolution = self.batch(index)
        flip = torch.from_numpy(rng.random(len(index)) < 0.5)[:, None, None]
        # Columns mirror about DC (column W/2); column 0, Nyquist, stays.
        mirror = torch.cat(
            [torch.zeros(1, dtype=torch.long), torch.arange(level.shape[3] - 1, 0, -1)]
        )
        level = torch.where(flip[:, None], level[..., mirror], level)
        truth = torch.where(flip, truth[..., mirror], truth)
        level = level + (torch.rand(level.shape) - 0.5) * STEP_DB
        if rng.random() < 1 / 3:
            most = level.shape[2] // self.row_multiple
            rows = self.row_multiple * int(rng.integers(1, max(2, most // 2) + 1))
            start = int(rng.integers(0, level.shape[2] - rows + 1))
            level, truth = level[:, :, start : start + rows], truth[:, start : start + rows]
        return level, truth, resolution
