# SPDX-License-Identifier: GPL-3.0-or-later
"""The accuracy of an activity classifier: cross-validation over groups, and test sets; of a
model in training, and of a model bundle as it was loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from radiofm_core.csi.model import ActivityModel

from ..engine import processes
from ..engine.calibration import CalibrationError, fit_temperature
from .data.augment import BATCH, augmented, batches, truth
from .data.clips import Clip
from .data.windows import WindowSet, scored_set, training_set
from .model import ActivityClassifier
from .recipe import Recipe

# finetune_fold(recipe, fold) gives a model and the clips that it has not seen
FinetuneFold = Callable[[Recipe, int], tuple[ActivityClassifier, list[Clip]]]
# Windows, float32 (B, R, W, C), their antennas, and which of their rows were received, bool (B, R),
# to probabilities, float32 (B, classes)
Classify = Callable[[Tensor, int, Tensor], Tensor]


def in_training(model: ActivityClassifier, precision: str) -> Classify:
    """How a model classifies, as the exported call does; in eval mode from now on."""
    model.eval()
    device = next(model.parameters()).device

    def classify(values: Tensor, antennas: int, received: Tensor) -> Tensor:
        with torch.inference_mode(), processes.autocast(device.type, precision):
            return model(values.to(device), antennas, received.to(device)).float().cpu()

    return classify


def as_loaded(model: ActivityModel) -> Classify:
    """How a loaded model bundle classifies."""
    return lambda values, antennas, received: torch.from_numpy(
        model.classify(values.numpy(), antennas, received.numpy())
    )


def score_tests(classify: Classify, recipe: Recipe) -> dict:
    """Scores of the recipe's ``test`` sets by name (``test``, ``test 2`` ...); JSON-ready."""
    found = {}
    for number, source in enumerate(recipe.data.sources("test"), 1):
        windows = scored_set(source.clips(), recipe.spec, recipe.class_names)
        name = "test" if number == 1 else f"test {number}"
        found[name] = scores(*answers(classify, windows, recipe), recipe.class_names)
    return found


def cross_validated(
    recipe: Recipe, finetune_fold: FinetuneFold, temperature: float = 1.0
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Probabilities (N, classes), at a ``temperature``, and classes (N,) of answers on clips that
    the model had not seen, and the accuracy of each fold."""
    shares, right = [], []
    for fold in range(recipe.folds):
        model, held = finetune_fold(recipe, fold)
        model.temperature.fill_(temperature)
        windows = scored_set(held, recipe.spec, recipe.class_names)
        classify = in_training(model, recipe.finetune.precision)
        found, wanted = answers(classify, windows, recipe)
        shares.append(found)
        right.append(wanted)
    by_fold = [
        round(float((found.argmax(1) == wanted).mean()), 4)
        for found, wanted in zip(shares, right, strict=True)
    ]
    return np.concatenate(shares), np.concatenate(right), by_fold


def answers(
    classify: Classify, windows: WindowSet, recipe: Recipe
) -> tuple[np.ndarray, np.ndarray]:
    """What is scored: probabilities float32 (A, classes) and classes (A,) of single windows, and
    of clips that are scored as a whole, for which those of their windows are averaged."""
    every = [
        classify(values, windows.antennas, received)
        for values, received in batches(windows, recipe.spec)
    ]
    _, first, number = np.unique(windows.answers, return_index=True, return_inverse=True)
    shares = np.zeros((len(first), every[0].shape[1]))
    np.add.at(shares, number, torch.cat(every).numpy())
    shares /= np.bincount(number)[:, None]
    return shares.astype(np.float32), truth(windows, recipe.spec)[first]


def temperature(recipe: Recipe, finetune_fold: FinetuneFold) -> float:
    """By which logits are divided so that confidences mean what they say.

    Fitted on windows of held-out clips that are changed as in training: another room differs more
    from those that were trained on than a held-out run of the same hour does. On what is like the
    training, confidences are rather too low.
    """
    logits, right = [], []
    for fold in range(recipe.folds):
        model, held = finetune_fold(recipe, fold)
        windows = training_set(held, recipe.spec, recipe.class_names)
        found = _changed_logits(model, windows, recipe)
        logits.append(found[0])
        right.append(found[1])
    return fit_temperature(torch.cat(logits), torch.cat(right))


def _changed_logits(
    model: ActivityClassifier, windows: WindowSet, recipe: Recipe
) -> tuple[Tensor, Tensor]:
    """Logits (N, classes) of windows that were changed as in training, the same each time, and
    their classes (N,); those of more than one class are left out."""
    every = np.arange(len(windows))
    values, received, targets = augmented(
        windows, every, recipe.spec, recipe.augment, np.random.default_rng(0)
    )
    sure = targets.max(1) == 1
    model.eval()
    device = next(model.parameters()).device
    parts: Iterable[tuple[Tensor, Tensor]] = zip(
        torch.from_numpy(values[sure]).split(BATCH),
        torch.from_numpy(received[sure]).split(BATCH),
        strict=True,
    )
    found = []
    for part, rows in parts:
        with torch.inference_mode(), processes.autocast(device.type, recipe.finetune.precision):
            logits = model.logits(part.to(device), windows.antennas, rows.to(device))
            found.append(logits.float().cpu())
    return torch.cat(found), torch.from_numpy(targets[sure].argmax(1))


def scores(shares: np.ndarray, right: np.ndarray, names: tuple[str, ...]) -> dict:
    """Accuracy, recall by class (None where there is none of it), calibration error, counts of
    (truth, answer).

    Args:
        shares: probabilities (N, classes).
        right: classes (N,).
        names: the classes'.
    """
    counts = np.zeros((len(names), len(names)), int)
    found = shares.argmax(1)
    np.add.at(counts, (right, found), 1)
    error = CalibrationError()
    error.add(torch.from_numpy(shares.max(1)), torch.from_numpy(found == right))
    return {
        "answers": len(right),
        "accuracy": round(float(np.diag(counts).sum() / max(1, len(right))), 4),
        "recall": {
            name: round(counts[i, i] / counts[i].sum(), 4) if counts[i].any() else None
            for i, name in enumerate(names)
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
