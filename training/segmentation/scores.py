# SPDX-License-Identifier: GPL-3.0-or-later
"""The scores of pixels: of a model in training, and of a model bundle as it was loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from radiofm_core.spectrum.model import SegmentationModel
from radiofm_core.spectrum.verdict import ModelJudge

from ..engine import processes
from ..engine.calibration import CalibrationError
from ..waveforms.span import IGNORE
from .benchmark import frames as benchmark
from .benchmark import strata
from .benchmark.scoring import score_frames
from .data.parts import frame_set
from .data.store import FrameSet
from .model import CalibratedSegmenter
from .patch_model import JudgingSegmenter
from .pixels import confusion, scores
from .recipe import Recipe
from .shown import ALL, Segment, batches_of


@contextmanager
def judging(model: nn.Module) -> Iterator[None]:
    """``model`` in eval mode meanwhile."""
    modes = {m: m.training for m in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def in_training(model: CalibratedSegmenter, precision: str = "auto") -> Segment:
    """How a model in eval mode segments, as the exported call does."""
    device = next(model.parameters()).device

    def segment(level: Tensor, resolution: Tensor, evidence: Tensor) -> tuple[Tensor, ...]:
        with torch.inference_mode(), processes.autocast(device.type, precision):
            there = [t.to(device) for t in (level, resolution, evidence)]
            return tuple(answer.cpu() for answer in model(*there))

    return segment


def as_loaded(model: SegmentationModel) -> Segment:
    """How a loaded model bundle segments: frame by frame, as in a flowgraph."""

    def segment(level: Tensor, resolution: Tensor, evidence: Tensor) -> tuple[Tensor, ...]:
        found = []
        for one, each, planes in zip(level, resolution, evidence, strict=True):
            shown = [planes[None].numpy()] if len(planes) else []
            answer = model.segment(one[None].numpy(), (float(each[0]), float(each[1])), *shown)
            # scores of classes are not told by every model
            found.append([part for part in answer if part is not None])
        return tuple(torch.from_numpy(np.concatenate(part)) for part in zip(*found, strict=True))

    return segment


def logits_of(
    model: CalibratedSegmenter, frames: FrameSet, what: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (B, classes, R, W) and truth (B, R, W), batch by batch, on the CPU; ``what``: for the
    progress bar."""
    device = next(model.parameters()).device
    with judging(model):
        for index in tqdm(batches_of(np.arange(len(frames))), desc=what, unit="batch"):
            level, truth, resolution, evidence = frames.batch(index)
            with torch.inference_mode(), processes.autocast(device.type):
                there = [t.to(device) for t in (level, resolution, evidence)]
                logits = model.logits(*there)
            yield logits.cpu(), truth


def answers(
    segment: Segment, frames: FrameSet, what: str = ""
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Mask uint8, confidence float32 and truth int64, (B, R, W) each, of this process's share of
    ``frames``; ``what``: for a progress bar, or none."""
    share = np.arange(processes.rank(), len(frames), processes.world())
    for index in tqdm(batches_of(share), desc=what, unit="batch", disable=not what):
        level, truth, resolution, evidence = frames.batch(index)
        mask, confidence = segment(level, resolution, evidence)[:2]
        yield mask, confidence, truth


def mean_iou(
    model: CalibratedSegmenter, frames: FrameSet, names: tuple[str, ...], precision: str
) -> float:
    """That of :func:`pixel_scores`."""
    return pixel_scores(model, frames, names, precision)["mean_iou"]


def pixel_scores(
    model: CalibratedSegmenter, frames: FrameSet, names: tuple[str, ...], precision: str
) -> dict:
    """:func:`.pixels.scores` of all ``frames``, whichever process looked at them; all processes
    call it."""
    counts = np.zeros((len(names), len(names)), np.int64)
    with judging(model):
        for mask, _, truth in answers(in_training(model, precision), frames):
            counts += confusion(mask.numpy(), truth.numpy(), len(names))
    return scores(processes.total(torch.from_numpy(counts)).numpy(), names)


def judge_in_training(model: CalibratedSegmenter) -> ModelJudge | None:
    """How a model judges emissions, as the exported one does; None of one without a judge."""
    if not isinstance(model, JudgingSegmenter):
        return None

    def judge(features: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            device = next(model.parameters()).device
            return model.judge(torch.from_numpy(features).to(device)).cpu().numpy()

    return judge


def score(segment: Segment, recipe: Recipe, model_judge: ModelJudge | None = None) -> dict:
    """The scores of the recipe's validation frames and, unless it leaves that out, of the
    benchmark; JSON-ready. ``model_judge``: the model's own judge of emissions, if it has one."""
    names = recipe.classes.names
    frames = frame_set(recipe, "validation")
    counts, error = np.zeros((len(names), len(names)), np.int64), CalibrationError()
    for mask, confidence, truth in answers(segment, frames, "validation"):
        counts += confusion(mask.numpy(), truth.numpy(), len(names))
        scored = truth != IGNORE
        error.add(confidence[scored], mask[scored] == truth[scored])
    found = {
        "validation": scores(counts, names) | {"calibration_error": round(error.value(), 4)},
        "frames": len(frames),
    }
    if recipe.benchmark:
        found["benchmark"] = score_benchmark(segment, recipe, model_judge)
    return found


def score_benchmark(
    segment: Segment, recipe: Recipe, model_judge: ModelJudge | None = None, way: str = ALL
) -> dict:
    """:func:`.benchmark.scoring.score_frames` of as many of its frames as the recipe says, or of
    all of them if it leaves the benchmark out."""
    count = recipe.benchmark or strata.FRAMES
    folder = benchmark.prepare(recipe.folder, count, recipe.spec, recipe.data.workers)
    fixed = benchmark.BenchmarkSet(folder, recipe.spec, recipe.classes)
    return score_frames(segment, fixed, recipe.spec, recipe.classes, model_judge, way)
