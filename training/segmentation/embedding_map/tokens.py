# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoder of a model bundle, and what it makes of patches of energy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from radiofm_core.bundle import BundleInfo
from radiofm_core.errors import BundleError

from ...encoder.inputs import PATCH
from ...engine import processes
from ...engine.bundle_file import weights_of
from ...engine.recipe_files import build
from ..build import new_segmenter
from ..model import ModelConfig
from .patches import SQUARE, Frame, Patch, find_patches

ENCODER = "encoder."
BATCH = 8


def encoder_of(info: BundleInfo) -> nn.Module:
    """The encoder of a bundle, a segmenter's or an encoder's own. Raises BundleError: there is
    none."""
    where = f"{info.path}: model"
    lags, channels = len(info.spec.evidence_lags), len(info.spec.channels)
    try:
        config = build(ModelConfig, info.recipe["model"], where)
        encoder = new_segmenter(config, channels, 1, lags).encoder
        weights = {
            name.removeprefix(ENCODER): value.float()
            for name, value in weights_of(info).items()
            if name.startswith(ENCODER)
        }
        own = encoder.state_dict()
        encoder.load_state_dict({name: weights[name] for name in own})
    except (KeyError, RuntimeError) as error:
        raise BundleError(
            f"{info.path} has no encoder that this version can build; take a segmenter or an "
            "encoder that it exported"
        ) from error
    return encoder.eval().to(processes.device())


def encode(
    encoder: nn.Module, frames: Iterable[Frame]
) -> tuple[list[tuple[Frame, Patch]], np.ndarray]:
    """The patches of the frames, each with its frame, and for each a vector, float32 (patches,
    width): the mean of the tokens that it lies in, weighed by how many of its squares are in each.
    """
    found, vectors, batch = [], [], []

    def run() -> None:
        tokens = _tokens(encoder, [frame for frame, _ in batch])
        for (frame, patches), grid in zip(batch, tokens, strict=True):
            # What is still needed of it, for pictures
            kept = frame._replace(level=frame.level.astype(np.float16), evidence=frame.evidence[:0])
            for patch in patches:
                found.append((kept, patch))
                vectors.append(_pooled(grid, patch.squares))
        batch.clear()

    for frame in frames:
        patches = find_patches(frame)
        if not patches:
            continue
        batch.append((frame, patches))
        if len(batch) == BATCH:
            run()
    if batch:
        run()
    return found, np.array(vectors, np.float32)


def _tokens(encoder: nn.Module, frames: list[Frame]) -> np.ndarray:
    """(frames, rows / 16, cols / 16, width)."""
    device = next(encoder.parameters()).device
    level = torch.from_numpy(np.stack([f.level for f in frames]))[:, None].to(device)
    resolution = torch.tensor([f.resolution for f in frames], dtype=torch.float32, device=device)
    evidence = torch.from_numpy(np.stack([f.evidence for f in frames])).float().to(device)
    with torch.inference_mode(), processes.autocast(device.type):
        tokens = _encoded(encoder, encoder.normalise(level), resolution, evidence)
    rows, cols = level.shape[2] // PATCH, level.shape[3] // PATCH
    return tokens.float().cpu().reshape(len(frames), rows, cols, -1).numpy()


def _encoded(encoder: nn.Module, x: Tensor, resolution: Tensor, evidence: Tensor) -> Tensor:
    """(B, T, D)."""
    if not hasattr(encoder, "encode"):
        return encoder(x)[:, 1:]
    given = (evidence,) if hasattr(encoder, "evidence") and evidence.shape[1] else ()
    return encoder.encode(x, resolution, *given)[2].flatten(2).transpose(1, 2)


def _pooled(grid: np.ndarray, squares: np.ndarray) -> np.ndarray:
    rows, cols, _ = grid.shape
    side = PATCH // SQUARE
    weight = squares.reshape(rows, side, cols, side).sum((1, 3)).astype(np.float32)
    return np.einsum("rc,rcd->d", weight / weight.sum(), grid)
