# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares sets of generated frames, with several processes."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from radiofm_core import spectrogram
from radiofm_core.spec import SpectrogramSpec

from ..waveforms import scene
from . import store
from .sources import FramesConfig

CHUNK = 16


def generator_fingerprint() -> str:
    """16 hexadecimal digits that stand for the code that draws frames."""
    sources = sorted(Path(scene.__file__).parent.rglob("*.py"))
    digest = hashlib.sha256()
    for path in (*sources, Path(spectrogram.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def wanted(config: FramesConfig, spec: SpectrogramSpec) -> dict:
    """What a set's frames depend on, JSON-ready."""
    return {
        "source": config.kind,
        "frames": config.frames,
        "first_seed": config.first_seed,
        "rows": config.rows,
        "spec_fingerprint": spec.fingerprint,
        "code": generator_fingerprint(),
    }


def prepare(below: Path, config: FramesConfig, spec: SpectrogramSpec, workers: int) -> Path:
    """Generate a set in a folder ``below`` with ``workers`` processes; a complete one that this
    code made is left as it is. Returns its folder; raises OutputError if it cannot be written."""
    folder = below / f"frames-{config.first_seed}-{config.frames}x{config.rows}"
    fields = wanted(config, spec)
    if store.is_prepared(folder, fields):
        return folder
    with store.writing(folder):
        _generate(folder, config, spec, workers)
        store.write_note(folder, fields)
    return folder


def _generate(folder: Path, config: FramesConfig, spec: SpectrogramSpec, workers: int) -> None:
    store.clear(folder)
    shape = (config.frames, config.rows, spec.cols)
    for name in ("levels", "truth"):
        path = folder / f"{name}.npy"
        np.lib.format.open_memmap(path, "w+", np.uint8, shape).flush()
        with path.open("r+b") as file:
            # A full disk shows here, and not as a worker that is killed.
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
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


_maker: scene.SceneMaker | None = None


def _start_worker(spec: SpectrogramSpec, rows: int) -> None:
    global _maker
    torch.set_num_threads(1)
    _maker = scene.SceneMaker(spec, rows)


def _make_chunk(job) -> tuple[int, list[tuple[float, float]]]:
    folder, first_seed, start, stop = job
    levels = np.load(folder / "levels.npy", mmap_mode="r+")
    truth = np.load(folder / "truth.npy", mmap_mode="r+")
    part = []
    for i in range(start, stop):
        frame = _maker.frame(first_seed + i)
        levels[i] = store.to_steps(frame.level_db[0].numpy())
        truth[i] = frame.truth.numpy()
        part.append(frame.resolution)
    return start, part
