# SPDX-License-Identifier: GPL-3.0-or-later
"""The model that a recipe starts from: random weights, or those of a model bundle."""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor

from radiofm_core.archive_check import check_archive
from radiofm_core.bundle import TASK_SEGMENTATION, BundleInfo, read_bundle_info
from radiofm_core.errors import BundleError, UsageError

from . import classes
from .build import build_segmenter
from .model import CalibratedSegmenter
from .recipe import Recipe


def first_model(recipe: Recipe) -> CalibratedSegmenter:
    """A segmenter of the recipe's kind and sizes, with the weights of ``start`` where it names a
    bundle, but not its calibration, which training makes wrong.

    Raises:
        BundleError: ``start`` is no readable model bundle.
        UsageError: its task, classes, spec or sizes are not the recipe's.
    """
    model = build_segmenter(recipe.model, len(recipe.spec.channels))
    if recipe.start is None:
        return model
    info = read_bundle_info(recipe.start)
    facts = (
        ("task", info.task, TASK_SEGMENTATION),
        ("classes", info.class_names, classes.NAMES),
        ("spec", info.spec.fingerprint, recipe.spec.fingerprint),
    )
    for what, theirs, ours in facts:
        if theirs != ours:
            raise UsageError(
                f"recipe {recipe.name}: start {recipe.start} has {what} {theirs}, the recipe "
                f"needs {ours}; start from another model"
            )
    weights = weights_of(info)
    try:
        # Scripting keeps buffers that a state dict leaves out.
        kept = {k: weights[k] for k in model.state_dict() if k in weights}
        own = {name: getattr(model, name) for name in ("temperature", "offsets")}
        model.load_state_dict(kept | own)
    except RuntimeError as error:
        raise UsageError(
            f"recipe {recipe.name}: start {recipe.start} is a model of sizes "
            f"{info.recipe.get('model')}, the recipe's are {asdict(recipe.model)}; set them alike, "
            "or, if they are, take a model that this version of the code exported"
        ) from error
    return model


def weights_of(info: BundleInfo) -> dict[str, Tensor]:
    """Those of a bundle's model, by name; raises BundleError where it cannot be loaded."""
    try:
        check_archive(info.path)
        return torch.jit.load(str(info.path), map_location="cpu").state_dict()
    except Exception as error:  # as in load_bundle
        raise BundleError(f"{info.path}: the model inside cannot be loaded; export it again") from (
            error
        )
