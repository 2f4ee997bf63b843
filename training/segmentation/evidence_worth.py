# SPDX-License-Identifier: GPL-3.0-or-later
"""What each part of the evidence is worth to a segmenter: its scores on the benchmark with it and
without."""

from __future__ import annotations

from collections.abc import Sequence

from radiofm_core.bundle import find_model
from radiofm_core.errors import UsageError
from radiofm_core.inference import load_bundle

from . import stages
from .recipe import Recipe
from .scores import as_loaded, in_training, judge_in_training, judging, score_benchmark


def score_on_benchmark(recipe: Recipe, bundle: str | None, ways: Sequence[str]) -> dict[str, dict]:
    """Scores of the benchmark by way (:data:`.shown.WAYS`), of the ``bundle`` (a bundled model's
    name or a file) or, if None, of what the recipe trains.

    Raises UsageError where the bundle has other classes or another spec than the recipe.
    """
    if bundle is None:
        model = stages.judge(recipe)
        own = judge_in_training(model)
        with judging(model):
            segment = in_training(model)
            return {way: score_benchmark(segment, recipe, own, way) for way in ways}
    loaded = load_bundle(find_model(bundle), "cpu")
    names = tuple(c.name for c in loaded.info.classes)
    for what, has, wants in (
        ("classes", ", ".join(names), ", ".join(recipe.classes.names)),
        ("spec", loaded.info.spec.fingerprint, recipe.spec.fingerprint),
    ):
        if has != wants:
            raise UsageError(
                f"{bundle} has the {what} {has}, recipe {recipe.name} has {wants}; give the recipe "
                "that the model was made with"
            )
    segment = as_loaded(loaded)
    return {way: score_benchmark(segment, recipe, loaded.judge, way) for way in ways}
