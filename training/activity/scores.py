# SPDX-License-Identifier: GPL-3.0-or-later
"""How often an activity classifier is right: cross-validation over groups, and test sets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import numpy as np
import torch

from ..calibrate import CalibrationError, fit_temperature
from ..engine import runs
from .data.clips import Clip
from .data.windows import WindowSet, scored_set, training_set
from .model import ActivityClassifier
from .objective import predict, predict_changed, truth
from .recipe import ActivityRecipe, classes_of

# A probability of 0 has no logarithm
LEAST_SHARE = 1e-12
# finetune_fold(recipe, fold) gives a model and the clips that it has not seen
FinetuneFold = Callable[[ActivityRecipe, int], tuple[ActivityClassifier, list[Clip]]]


def evaluate(
    recipe: ActivityRecipe, finetune_fold: FinetuneFold, model: ActivityClassifier
) -> dict:
    """Scores of the cross-validation (``validation``) and of the ``test`` set, where there are
    such; printed but for the counts, returned, and written to ``evaluation.json`` in the recipe's
    run folder."""
    classes = classes_of(recipe.data.clips("train"))
    result: dict = {}
    if recipe.folds:
        logits, right, by_fold = cross_validated(recipe, finetune_fold)
        result["validation"] = scores(logits / float(model.temperature), right, classes)
        result["validation"]["accuracy_by_fold"] = by_fold
        result["calibration"] = {"temperature": round(float(model.temperature), 3)}
    for number, source in enumerate(recipe.data.sources("test"), 1):
        windows = scored_set(source.clips(), recipe.spec, classes)
        logits, right = answers(model, windows, recipe)
        name = "test" if number == 1 else f"test {number}"
        result[name] = scores(logits / float(model.temperature), right, classes)
    told = {
        part: {key: value for key, value in found.items() if key != "confusion"}
        for part, found in result.items()
    }
    print(json.dumps(told, indent=1))
    runs.save_text(recipe.run_folder / "evaluation.json", json.dumps(result, indent=1) + "\n")
    return result


def cross_validated(
    recipe: ActivityRecipe, finetune_fold: FinetuneFold
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Logits (N, classes) and classes (N,) of answers on clips that the model had not seen, and
    the accuracy of each fold."""
    classes = classes_of(recipe.data.clips("train"))
    logits, right = [], []
    for fold in range(recipe.folds):
        model, held = finetune_fold(recipe, fold)
        windows = scored_set(held, recipe.spec, classes)
        found, wanted = answers(model, windows, recipe)
        logits.append(found)
        right.append(wanted)
    by_fold = [
        round(float((found.argmax(1) == wanted).mean()), 4)
        for found, wanted in zip(logits, right, strict=True)
    ]
    return np.concatenate(logits), np.concatenate(right), by_fold


def answers(
    model: ActivityClassifier, windows: WindowSet, recipe: ActivityRecipe
) -> tuple[np.ndarray, np.ndarray]:
    """What is scored: logits float32 (A, classes) and classes (A,) of single windows, and of clips
    that are scored as a whole, for which the probabilities of their windows are averaged."""
    logits = predict(model, windows, recipe.spec, recipe.finetune.precision)
    _, first, number = np.unique(windows.answers, return_index=True, return_inverse=True)
    shares = np.zeros((len(first), logits.shape[1]))
    np.add.at(shares, number, torch.from_numpy(logits).softmax(1).numpy())
    shares /= np.bincount(number)[:, None]
    found = np.log(np.maximum(shares, LEAST_SHARE)).astype(np.float32)
    return found, truth(windows, recipe.spec)[first]


def temperature(recipe: ActivityRecipe, finetune_fold: FinetuneFold) -> float:
    """By which logits are divided so that confidences mean what they say.

    Fitted on windows of held-out clips that are changed as in training: another room differs more
    from those that were trained on than a held-out run of the same hour does. On what is like the
    training, confidences are rather too low.
    """
    classes = classes_of(recipe.data.clips("train"))
    logits, right = [], []
    for fold in range(recipe.folds):
        model, held = finetune_fold(recipe, fold)
        windows = training_set(held, recipe.spec, classes)
        precision = recipe.finetune.precision
        found = predict_changed(model, windows, recipe.spec, recipe.augment, precision)
        logits.append(found[0])
        right.append(found[1])
    return fit_temperature(
        torch.from_numpy(np.concatenate(logits)), torch.from_numpy(np.concatenate(right))
    )


def scores(logits: np.ndarray, right: np.ndarray, classes: tuple[str, ...]) -> dict:
    """Accuracy, recall by class (None where there is none of it), calibration error, counts of
    (truth, answer)."""
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (right, logits.argmax(1)), 1)
    error = CalibrationError()
    shares = torch.from_numpy(logits).softmax(1)
    error.add(shares[:, :, None, None], torch.from_numpy(right)[:, None, None])
    return {
        "answers": len(right),
        "accuracy": round(float(np.diag(counts).sum() / max(1, len(right))), 4),
        "recall": {
            name: round(counts[i, i] / counts[i].sum(), 4) if counts[i].any() else None
            for i, name in enumerate(classes)
        },
        "calibration_error": round(error.value(), 4),
        "confusion": counts.tolist(),
    }


def fingerprint(clips: list[Clip]) -> str:
    """16 hexadecimal digits that change with any packet or label."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(f"{clip.name} {clip.spans}".encode())
        for packet in clip.packets:
            digest.update(packet.time_ns.to_bytes(8, "little", signed=True))
            digest.update(np.ascontiguousarray(packet.csi).tobytes())
    return digest.hexdigest()[:16]
