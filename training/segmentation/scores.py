# SPDX-License-Identifier: GPL-3.0-or-later
"""The scores of pixels: of a model in training, and of a model bundle as it was loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from radiofm_core.spectrum.model import SegmentationModel

from ..engine import processes
from ..engine.calibration import CalibrationError
from ..waveforms.span import IGNORE
from .benchmark import frames as benchmark
from .benchmark.scoring import score_frames
from .data.parts import frame_set
from .data.store import FrameSet
from .model import CalibratedSegmenter
from .pixels import confusion, scores
from .recipe import Recipe

SCORE_BATCH = 16
# Levels (B, C, R, W) dB, resolutions (B, 2) and evidence planes to mask uint8 and confidence
# float32, (B, R, W), and log probabilities of 4 x 4 pixels (B, classes, R/4, W/4)
Segment = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


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
            found.append(answer)
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


def batches_of(index: np.ndarray) -> list[np.ndarray]:
    """``index`` in parts of SCORE_BATCH."""
    return [index[start : start + SCORE_BATCH] for start in range(0, len(index), SCORE_BATCH)]


def mean_iou(
    model: CalibratedSegmenter, frames: FrameSet, names: tuple[str, ...], precision: str
) -> float:
    """Of all ``frames``, whichever process looked at them; all processes call it."""
    counts = np.zeros((len(names), len(names)), np.int64)
    with judging(model):
        for mask, _, truth in answers(in_training(model, precision), frames):
            counts += confusion(mask.numpy(), truth.numpy(), len(names))
    return scores(processes.total(torch.from_numpy(counts)).numpy(), names)["mean_iou"]


def score(segment: Segment, recipe: Recipe) -> dict:
    """The scores of the recipe's validation frames and, unless it leaves that out, of the
    benchmark; JSON-ready."""
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
        folder = benchmark.prepare(
            recipe.folder, recipe.benchmark, recipe.spec, recipe.data.workers
        )
        fixed = benchmark.BenchmarkSet(folder, recipe.spec, recipe.classes)
        judged = partial(answers, segment, fixed, benchmark.NAME)
        found["benchmark"] = score_frames(judged(), fixed, recipe.classes)
    return found
