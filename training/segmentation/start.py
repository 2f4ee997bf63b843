# SPDX-License-Identifier: GPL-3.0-or-later
"""The model that a recipe starts from: random weights, or those of a model bundle."""

from __future__ import annotations

from dataclasses import asdict

from torch import Tensor, nn

from radiofm_core.bundle import TASK_ENCODER, TASK_SEGMENTATION, BundleInfo
from radiofm_core.errors import UsageError

from ..engine.bundle_file import weights_of
from .build import build_model, new_segmenter
from .classes import Classes
from .model import CalibratedSegmenter
from .recipe import Recipe

LAST_LAYER = "classify."
CALIBRATION = ("temperature", "offsets")
# By so much are a new class's logits, before training, less than those of what it begins as
LOWERED = 2.0
# The judge of emissions, and the parts of an encoder's bundle
JUDGE, ENCODER, DECODER = "emissions.", "encoder.", "decoder."


def first_model(recipe: Recipe) -> CalibratedSegmenter:
    """A segmenter of the recipe's kind and sizes, with the weights of ``start`` where it names a
    bundle: of an encoder's those of the encoder, of a segmenter's all but its calibration, which
    training makes wrong. Classes may be others than the bundle's: those of one name go on from its
    weights; a new one begins as the class that takes the rest, which is what its signals are to the
    bundle, but :data:`LOWERED`, so that it takes nothing from the others yet; without such a class
    it begins anew. Its judge of emissions is taken, too, unless the recipe trains
    one, or the classes are others.

    Raises:
        BundleError: ``start`` is no readable model bundle of spectrograms.
        UsageError: its spec or sizes are not the recipe's.
    """
    if recipe.start is None:
        return build_model(recipe)
    info = _checked(recipe)
    weights = weights_of(info)
    if info.task == TASK_ENCODER:
        model = build_model(recipe)
        _load(model.encoder, recipe, info, _below(ENCODER, weights))
        return model
    takes_judge = (
        recipe.judge is None
        and info.class_names == recipe.classes.names
        and any(name.startswith(JUDGE) for name in weights)
    )
    model = build_model(recipe, takes_judge)
    own = model.state_dict()
    anew = {
        name: value
        for name, value in own.items()
        if name in CALIBRATION or (name.startswith(JUDGE) and not takes_judge)
    }
    kept = {k: v for k, v in weights.items() if k in own and k not in anew}
    if info.class_names != recipe.classes.names:
        for name in [name for name in kept if name.startswith(LAST_LAYER)]:
            kept[name] = _by_class(kept[name].float(), info.class_names, own[name], recipe.classes)
    _load(model, recipe, info, kept | anew)
    return model


def start_model(recipe: Recipe) -> CalibratedSegmenter:
    """The segmenter ``start`` as it is, with its own classes, in eval mode.

    Raises BundleError and UsageError as :func:`first_model`, and where ``start`` is no segmenter.
    """
    info = _checked(recipe)
    if info.task != TASK_SEGMENTATION:
        raise UsageError(
            f"recipe {recipe.name}: keep holds on to what a segmenter says, and start "
            f"{recipe.start} is an encoder; set keep to 0"
        )
    channels, lags = len(recipe.spec.channels), len(recipe.spec.evidence_lags)
    model = new_segmenter(recipe.model, channels, len(info.classes), lags)
    weights = weights_of(info)
    _load(model, recipe, info, {k: v for k, v in weights.items() if not k.startswith(JUDGE)})
    return model.eval()


def take_decoder(masked: nn.Module, recipe: Recipe) -> None:
    """Let pre-training go on with the decoder of ``start``, where that is an encoder, which has
    one; raises as :func:`first_model` does."""
    if recipe.start is None:
        return
    info = _checked(recipe)
    if info.task == TASK_ENCODER:
        _load(masked.decoder, recipe, info, _below(DECODER, weights_of(info)))


def _checked(recipe: Recipe) -> BundleInfo:
    info = recipe.start_info()
    if info.spec.fingerprint != recipe.spec.fingerprint:
        raise UsageError(
            f"recipe {recipe.name}: start {recipe.start} has spec {info.spec.fingerprint}, the "
            f"recipe needs {recipe.spec.fingerprint}; start from another model"
        )
    return info


def _below(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def _load(model: nn.Module, recipe: Recipe, info: BundleInfo, weights: dict[str, Tensor]) -> None:
    # Scripting keeps buffers that a state dict leaves out.
    own = model.state_dict()
    try:
        model.load_state_dict({k: v.float() for k, v in weights.items() if k in own})
    except RuntimeError as error:
        raise UsageError(
            f"recipe {recipe.name}: start {recipe.start} is a model of sizes "
            f"{info.recipe.get('model')}, the recipe's are {asdict(recipe.model)}; set them alike, "
            "or, if they are, take a model that this version of the code exported"
        ) from error


def _by_class(
    theirs: Tensor, their_names: tuple[str, ...], own: Tensor, classes: Classes
) -> Tensor:
    """``own``, the last layer's weights or biases, (classes x pixels, ...), with those of
    ``theirs`` where a class has the same name, or begins as one that has."""
    out = own.clone().unflatten(0, (len(classes), -1))
    found = theirs.unflatten(0, (len(their_names), -1))
    if found.shape[1:] != out.shape[1:]:
        return own
    for number, name in enumerate(classes):
        if name in their_names:
            out[number] = found[their_names.index(name)]
        elif classes.rest in their_names:
            out[number] = found[their_names.index(classes.rest)]
            if own.ndim == 1:  # biases
                out[number] -= LOWERED
    return out.flatten(0, 1)
