# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares sets of generated frames, with several processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from radiofm_core.spectrum.spec import CELL_COLS, SpectrogramSpec

from ...waveforms import scene, side_by_side
from ...waveforms.arbitrary_spans import ArbitrarySpansMaker
from ...waveforms.kinds import KINDS
from ...waveforms.other_spans import OtherSpansMaker
from ...waveforms.wide_spans import WideSpanMaker
from . import store
from .sources import (
    ALL_SCENES,
    ARBITRARY_SCENES,
    ON_AIR_SCENES,
    OTHER_SCENES,
    PAPER_SCENES,
    WIDE_SCENES,
    FramesConfig,
)

CHUNK = 16
# Frames of a set that are drawn anew to see whether the code still draws it
RENDERED = 8
FACTS = "facts.json"
# The folder of what is known of each chunk while a set is made
BEGUN = "begun"
# Called as MakeMaker(spec, rows) in each process
MakeMaker = Callable[[SpectrogramSpec, int], scene.SceneMaker]
# By the sources' ``scenes``
MAKERS = {
    ALL_SCENES: scene.SceneMaker,
    PAPER_SCENES: side_by_side.PaperMaker,
    ON_AIR_SCENES: side_by_side.OnAirMaker,
    WIDE_SCENES: WideSpanMaker,
    OTHER_SCENES: OtherSpansMaker,
    ARBITRARY_SCENES: ArbitrarySpansMaker,
}


def wanted(config: FramesConfig, spec: SpectrogramSpec, make_maker: MakeMaker) -> dict:
    """What a set's frames are, JSON-ready: what was asked for, and what some of them look like as
    the code draws them now."""
    return {
        "source": config.kind,
        "frames": config.frames,
        "first_seed": config.first_seed,
        "rows": config.rows,
        "scenes": config.scenes,
        "spec_fingerprint": spec.fingerprint,
        "kinds": list(KINDS),
        "rendered": rendered_fingerprint(config, spec, make_maker),
    }


@lru_cache(maxsize=64)
def rendered_fingerprint(config: FramesConfig, spec: SpectrogramSpec, make_maker: MakeMaker) -> str:
    """:func:`.store.fingerprint` of some frames of a set, as the code draws them now. On one
    thread, as the set itself: the last bits, and so now and then a rounded step, depend on it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        maker = make_maker(spec, config.rows)
        seeds = np.linspace(0, config.frames - 1, min(config.frames, RENDERED)).astype(int)
        frames = [maker.frame(config.first_seed + int(i)) for i in seeds]
    finally:
        torch.set_num_threads(threads)
    return store.fingerprint((store.to_steps(f.level_db.numpy()), f.truth.numpy()) for f in frames)


def prepare(below: Path, config: FramesConfig, spec: SpectrogramSpec, workers: int) -> Path:
    """Generate a set in a folder ``below`` with ``workers`` processes; a complete one, whose frames
    the code still draws alike, is left as it is. Returns its folder; raises OutputError if it
    cannot be written."""
    kind = "" if config.scenes == ALL_SCENES else f"{config.scenes}-"
    name = f"{kind}frames-{config.first_seed}-{config.frames}x{config.rows}{channels(spec)}"
    maker = MAKERS[config.scenes]
    return generate(below / name, wanted(config, spec, maker), config, spec, workers, maker)


def channels(spec: SpectrogramSpec) -> str:
    """What the name of a set's folder ends with: the channels beside the first, and evidence."""
    lags = f"-{len(spec.evidence_lags)}-lags" if spec.evidence_lags else ""
    return "".join(f"-{name}" for name in spec.channels[1:]) + lags


def generate(
    folder: Path,
    fields: dict,
    config: FramesConfig,
    spec: SpectrogramSpec,
    workers: int,
    make_maker: MakeMaker,
) -> Path:
    """Generate the set ``folder`` unless it is there, complete, with the note's ``fields``.

    One that was begun with the same fields is gone on with. ``make_maker``: a class or function of
    a module. Where its maker's frames have ``facts`` (JSON-ready), those are kept in
    ``facts.json``, a list with an entry for each frame; of the names in its ``extra_arrays``, if it
    has any, what frames have by them (uint8 (rows, cols)) is kept as ``NAME.npy``. Returns
    ``folder``; raises OutputError if it cannot be written.
    """
    begun = folder / BEGUN
    if not store.is_prepared(folder, fields):
        with store.writing(folder):
            _generate(folder, begun, fields, config, spec, workers, make_maker)
            store.write_note(folder, fields)
    shutil.rmtree(begun, ignore_errors=True)
    return folder


def _generate(
    folder: Path, begun: Path, fields: dict, config, spec, workers: int, make_maker
) -> None:
    starts = range(0, config.frames, CHUNK)
    if store.is_prepared(begun, fields):
        left = [start for start in starts if not (begun / f"{start}.json").exists()]
    else:
        left = list(starts)
        _begin(folder, fields, config, spec, make_maker)
    jobs = [(folder, config.first_seed, start, min(start + CHUNK, config.frames)) for start in left]
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _start_worker, (make_maker, spec, config.rows)) as pool:
        made = pool.imap_unordered(_make_chunk, jobs)
        done = len(starts) - len(left)
        bar = tqdm(made, total=len(starts), initial=done, desc=folder.name, unit=f"x{CHUNK}")
        for _ in bar:
            pass
    chunks = [json.loads((begun / f"{start}.json").read_text()) for start in starts]
    resolution = [each for chunk in chunks for each in chunk["resolutions"]]
    np.save(folder / "resolution.npy", np.array(resolution, np.float32))
    facts = [each for chunk in chunks for each in chunk["facts"]]
    if any(facts):
        (folder / FACTS).write_text(json.dumps(facts) + "\n")


def _begin(folder: Path, fields: dict, config, spec: SpectrogramSpec, make_maker) -> None:
    """Make room for a set, and the folder of what is known of its chunks."""
    store.clear(folder)
    shutil.rmtree(folder / BEGUN, ignore_errors=True)
    size = (config.rows, spec.cols)
    pixels = size if len(spec.channels) == 1 else (len(spec.channels), *size)
    planes = (len(spec.evidence_lags), 2, config.rows // spec.row_multiple, CELL_COLS)
    arrays = [("levels", np.uint8, pixels), ("truth", np.uint8, size)]
    if spec.evidence_lags:
        arrays.append(("evidence", np.float16, planes))
    arrays += [(name, np.uint8, size) for name in getattr(make_maker, "extra_arrays", ())]
    for name, kind, of_frame in arrays:
        path = folder / f"{name}.npy"
        shape = (config.frames, *of_frame)
        np.lib.format.open_memmap(path, "w+", kind, shape).flush()
        with path.open("r+b") as file:
            # A full disk shows here, and not as a worker that is killed.
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    (folder / BEGUN).mkdir()
    (folder / BEGUN / store.NOTE).write_text(json.dumps(fields) + "\n")


_maker: scene.SceneMaker | None = None


def _start_worker(make_maker: MakeMaker, spec: SpectrogramSpec, rows: int) -> None:
    global _maker
    torch.set_num_threads(1)
    _maker = make_maker(spec, rows)


def _make_chunk(job) -> None:
    folder, first_seed, start, stop = job
    levels = np.load(folder / "levels.npy", mmap_mode="r+")
    truth = np.load(folder / "truth.npy", mmap_mode="r+")
    has_lags = (folder / "evidence.npy").exists()
    evidence = np.load(folder / "evidence.npy", mmap_mode="r+") if has_lags else None
    extra = {
        name: np.load(folder / f"{name}.npy", mmap_mode="r+")
        for name in getattr(_maker, "extra_arrays", ())
    }
    resolutions, facts = [], []
    for i in range(start, stop):
        frame = _maker.frame(first_seed + i)
        levels[i] = store.to_steps(frame.level_db.numpy())  # a single channel loses its axis
        truth[i] = frame.truth.numpy()
        if evidence is not None:
            evidence[i] = frame.evidence.numpy()
        for name, array in extra.items():
            array[i] = getattr(frame, name)
        resolutions.append(frame.resolution)
        facts.append(getattr(frame, "facts", None))
    for array in (levels, truth, evidence, *extra.values()):
        if array is not None:
            array.flush()
    path = folder / BEGUN / f"{start}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"resolutions": resolutions, "facts": facts}))
    part.replace(path)
