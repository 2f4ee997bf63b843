# SPDX-License-Identifier: GPL-3.0-or-later
"""The sets of a recipe: prepared where they are not there yet, then read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from radiofm_core.errors import UsageError

from ...engine import processes
from ..recipe import HELD_OUT, Recipe
from . import generated, own
from .items import Item
from .sources import FramesConfig, OwnConfig
from .store import FrameSet


def frame_set(recipe: Recipe, part: str) -> FrameSet:
    """The recipe's frames for a part of :data:`~training.segmentation.recipe.PARTS`.

    Raises UsageError: unlabelled data where labels are needed, or fewer frames than a batch.
    """
    if part != "pretrain":
        _check_labelled(recipe, part)
    made = processes.first_alone(lambda: prepare_part(recipe, part))
    sources = recipe.data.sources(part)
    times = [source.repeat for source in sources]
    folders = [folder for folder, n in zip(made, times, strict=True) for _ in range(n)]
    share = recipe.label_share if part in ("train", "refine") else 1.0
    frames = FrameSet(folders, recipe.spec, recipe.classes, share, with_dc=True)
    stage = recipe.stage_of(part)
    if stage is not None and len(frames) < stage.batch:
        raise UsageError(
            f"recipe {recipe.name}: {part} has {len(frames)} frames, fewer than a batch of "
            f"{stage.batch}; lower the batch, or give it more recordings or generated frames"
        )
    if not len(frames):
        raise UsageError(
            f"recipe {recipe.name}: {part} has no frames; give it more recordings, or generated "
            "frames beside them"
        )
    return frames


def prepare_part(recipe: Recipe, part: str) -> list[Path]:
    """Prepare every source of a part; returns the folder of each."""
    folders = []
    for source in recipe.data.sources(part):
        if isinstance(source, FramesConfig):
            workers = recipe.data.workers
            folders.append(generated.prepare(recipe.folder, source, recipe.spec, workers))
        else:
            items = _items(recipe, part, source)
            # training sets of one source are one set on disk
            role = part if part in HELD_OUT else "train"
            made = own.prepare(recipe.folder, source, items, recipe.spec, recipe.classes, role)
            folders.append(made)
    return folders


def data_fingerprint(recipe: Recipe) -> str:
    """16 hexadecimal digits that change with any frame of the recipe's ``data``; what the benchmark
    is made of stands with its scores."""
    made_of = []
    for part in recipe.data.parts:
        for source in recipe.data.sources(part):
            if isinstance(source, FramesConfig):
                maker = generated.MAKERS[source.scenes]
                made_of.append([part, generated.wanted(source, recipe.spec, maker)])
            else:
                items = _items(recipe, part, source)
                made_of.append([part, own.wanted(source, items, recipe.spec, recipe.classes)])
    text = json.dumps(made_of, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _items(recipe: Recipe, part: str, source: OwnConfig) -> list[Item]:
    held_out = [recipe.data.sources(p) for p in HELD_OUT]
    if part not in HELD_OUT:
        return own.left_to_train(source, *held_out)
    taken = own.held_back(*held_out[: HELD_OUT.index(part) + 1])
    return next(items for other, items in reversed(taken) if other is source)


def _check_labelled(recipe: Recipe, part: str) -> None:
    for source in recipe.data.sources(part):
        if not source.labelled:
            raise UsageError(
                f"recipe {recipe.name}: {part} takes {source.folder} without labels "
                "(labelled: false), which suit pre-training only; name it under pretrain, and "
                f"labelled data under {part}"
            )
