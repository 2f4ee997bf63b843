# SPDX-License-Identifier: GPL-3.0-or-later
"""What an encoder in pre-training is worth: the score of a segmenter that starts from it and learns
from the recipe's few labels."""

from __future__ import annotations

import copy

import torch
from torch import nn

from ..encoder.adapt import adapt, layer_scale
from ..engine import processes
from ..engine.batches import Batches
from ..engine.loop import learning_rate
from ..engine.optimizers import make_optimizer
from .build import build_model
from .data.parts import frame_set
from .objective import Segmentation
from .recipe import Recipe
from .scores import pixel_scores


def probe(recipe: Recipe, encoder: nn.Module) -> float:
    """The mean IoU of :func:`probe_scores`."""
    return probe_scores(recipe, encoder)["mean_iou"]


def probe_scores(recipe: Recipe, encoder: nn.Module | None) -> dict:
    """Scores of the validation frames (:func:`.pixels.scores`) after the recipe's ``finetune``
    stage from a copy of ``encoder``, or from scratch; the same on each process, which are all to
    call it. Nothing is kept but the scores, and what is drawn at random meanwhile changes nothing
    for the caller."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(recipe.seed)
        model = build_model(recipe)
        if encoder is not None:
            model.encoder.load_state_dict(copy.deepcopy(encoder.state_dict()))
        model.to(processes.device())
        train(recipe, model)
        held_out = frame_set(recipe, "validation")
        return pixel_scores(model, held_out, recipe.classes.names, recipe.finetune.precision)


def train(recipe: Recipe, model: nn.Module) -> None:
    """The recipe's ``finetune`` stage in memory, without logs and checkpoints."""
    config = recipe.finetune
    adapt(model, config)
    frames = frame_set(recipe, "train")
    objective = Segmentation(model, frames, config, recipe.classes.weights)
    scale = layer_scale(model, config.layer_decay)
    optimizer = make_optimizer(model.named_parameters(), config, scale)
    parts = Batches(objective.batch, config, len(frames), recipe.seed, lambda: 0)
    for number, batch in enumerate(parts):
        step, part = divmod(number, config.accumulate)
        loss = objective.loss(*(tensor.to(processes.device()) for tensor in batch))
        (loss / config.accumulate).backward()
        if part + 1 < config.accumulate:
            continue
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = group["scale"] * learning_rate(step, config)
        optimizer.step()
        optimizer.zero_grad()
