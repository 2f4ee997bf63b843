# SPDX-License-Identifier: GPL-3.0-or-later
"""Teaches a segmenter a class from a few marked bursts: from checks to a scored bundle."""

from __future__ import annotations

import json
import time
from pathlib import Path

import torch

from radiofm_core.bundle import TASK_SEGMENTATION, BundleInfo, read_bundle_info
from radiofm_core.errors import UsageError
from radiofm_core.inference import load_bundle
from radiofm_core.spectrum.model import SegmentationModel
from radiofm_core.spectrum.verdict import ModelJudge

from ...engine import runs
from ...engine.bundle_file import Origin, export_scored, weights_of
from .. import stages
from ..data import generated, recordings
from ..data.parts import data_fingerprint, prepare_part
from ..data.store import FrameSet
from ..model import CalibratedSegmenter
from ..recipe import Recipe
from ..scores import as_loaded, in_training, score
from .judge import with_judge
from .lesson import Lesson, scratch_recipe, taught_classes, teach_recipe
from .marks import Marked, Split, read_marks, split_marks
from .scores import Judged, held_frames, score_kept, score_marks

NOTE = "lesson.json"
# Below this, more marks are asked for
GOOD_F1 = 0.8


def teach(lesson: Lesson, with_scratch: bool = True) -> Path:
    """Run the whole lesson, or go on with it; prints what it did and what came of it. Returns the
    bundle's path.

    Raises:
        UsageError, InputError: what is wrong with the options or the marks; nothing is written.
        OutputError: a file cannot be written.
    """
    began = time.monotonic()
    start = read_bundle_info(lesson.model, TASK_SEGMENTATION)
    classes = taught_classes(lesson, start)
    found = read_marks(lesson.folder, lesson.labels, classes, lesson.name, start.spec)
    split = split_marks(found)
    recipe = teach_recipe(lesson, split)
    learn, held = recipe.data.train[0], recipe.data.validation[0]
    _check_folder(recipe)
    frames = recordings.count_frames(learn, recipe.spec, classes)
    print(_opening(lesson, found, split, frames))
    for part in recipe.data.parts:
        prepare_part(recipe, part)
    runs.save_text(recipe.run_folder / NOTE, json.dumps(_facts(recipe), indent=1) + "\n")

    kept_folder = generated.prepare(recipe.folder, lesson.kept, recipe.spec, recipe.data.workers)
    kept = FrameSet(kept_folder, recipe.spec, classes, with_dc=True)
    to_score = held_frames(held, recipe)
    results: dict[str, dict] = {}

    def scored(name: str, model: Judged) -> None:
        results[name] = {
            "marks": score_marks(model, to_score, recipe, lesson.name),
            "kept": score_kept(model, kept, recipe),
        }

    before = load_bundle(lesson.model, "auto", "auto", TASK_SEGMENTATION)
    scored("before", Judged(as_loaded(before), before.judge, before.info.class_names))
    model = _taught(recipe, start)
    scored("taught", _as_judged(model, classes.names))
    if with_scratch:
        other = scratch_recipe(recipe)
        scored(
            "scratch", _as_judged(_calibrated(stages.finetune(other), other, start), classes.names)
        )
    path = _export(recipe, model, lesson, results)
    print(report(lesson, results, path, time.monotonic() - began))
    return path


def _check_folder(recipe: Recipe) -> None:
    """Raises UsageError where the run's folder holds anything else than this very lesson."""
    note, bundle = recipe.run_folder / NOTE, recipe.run_folder / f"{recipe.name}.pt"
    advice = "name another folder with --out, or move that one away"
    if note.exists():
        try:
            told = json.loads(note.read_text())
        except ValueError:
            told = {}
        if told != _facts(recipe):
            raise UsageError(
                f"{recipe.run_folder} holds a model that was taught with other marks or options; "
                + advice
            )
    elif bundle.exists():
        raise UsageError(f"{bundle} is there already; {advice}")


def _facts(recipe: Recipe) -> dict:
    facts = recipe.facts("finetune") | {"data": data_fingerprint(recipe)}
    return json.loads(json.dumps(facts))


def _taught(recipe: Recipe, start: BundleInfo) -> torch.nn.Module:
    return with_judge(_calibrated(stages.finetune(recipe), recipe, start), recipe.model, start)


def _calibrated(
    model: CalibratedSegmenter, recipe: Recipe, start: BundleInfo
) -> CalibratedSegmenter:
    """The model with the calibration of ``start``, which still holds for the old classes: they are
    trained on as before. The new one has that of the class that takes the rest, which it was part
    of, or, if there is none, of the one that is lowered most."""
    weights = weights_of(start)
    model.temperature.copy_(weights["temperature"].float())
    offsets = weights["offsets"].float()
    rest = recipe.classes.rest
    new = offsets.min() if rest is None else offsets[start.class_names.index(rest)]
    model.offsets.copy_(torch.cat([offsets, new[None]]))
    return model.eval()


def _as_judged(model: torch.nn.Module, names: tuple[str, ...]) -> Judged:
    return Judged(in_training(model), _judge(model), names)


def _judge(model: torch.nn.Module) -> ModelJudge | None:
    if not hasattr(model, "judge"):
        return None

    def judge(features):
        with torch.inference_mode():
            return model.judge(torch.from_numpy(features)).numpy()

    return judge


def _export(recipe: Recipe, model: torch.nn.Module, lesson: Lesson, results: dict) -> Path:
    def score_loaded(loaded: SegmentationModel) -> dict:
        return score(as_loaded(loaded), recipe, loaded.judge)

    taught = {
        "class": lesson.name,
        **{
            f"{name} {key}": results[name][part][key]
            for name in results
            for part, key in (("marks", "f1"), ("marks", "iou"), ("kept", "mean_iou"))
        },
    }
    origin = Origin(data_fingerprint(recipe))
    return export_scored(
        recipe, recipe.classes.infos, model, origin, {"taught": taught}, score_loaded
    )


def _opening(lesson: Lesson, found: list[Marked], split: Split, frames: int) -> str:
    rates: dict[float, int] = {}
    for one in found:
        rates[one.recording.sample_rate] = rates.get(one.recording.sample_rate, 0) + 1
    told = ", ".join(f"{n} at {rate / 1e6:g} MS/s" for rate, n in sorted(rates.items()))
    mixed = "; the model is told the rate of each frame" if len(rates) > 1 else ""
    apart = set(split.learn) & set(split.held)
    how = "later in the same recordings" if apart else f"recordings {', '.join(split.held)}"
    return (
        f"{lesson.name}: {split.learn_marks + split.held_marks} marks in {len(found)} recordings "
        f"({told}{mixed})\n"
        f"  {split.learn_marks} to learn from, in {frames} frames; {split.held_marks} held back "
        f"to score what was learnt ({how})"
    )


ROWS = {"before": "before", "taught": "taught", "scratch": "the same from random weights"}


def report(lesson: Lesson, results: dict[str, dict], path: Path, seconds: float) -> str:
    """Plain lines on what came of a lesson."""
    marks, kept = results["taught"]["marks"], results["before"]["kept"]
    heads = ("", "found", "F1", "pixel IoU", "old classes", f"false {lesson.name}")
    rows = [heads]
    for name, result in results.items():
        own, old = result["marks"], result["kept"]
        is_new = name != "before"
        rows.append(
            (
                ROWS[name],
                f"{own['found']} of {own['marks']}" if is_new else "-",
                _figure(own["f1"]) if is_new else "-",
                _figure(own["iou"]) if is_new else "-",
                _figure(old["mean_iou"]),
                str(old["claims"]) if is_new else "-",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    lines = [
        "  "
        + "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    lost = 100 * (kept["mean_iou"] - results["taught"]["kept"]["mean_iou"])
    lines += [
        f"  found, F1, pixel IoU: of {marks['marks']} bursts held back; old classes: mean IoU on "
        f"{kept['frames']} generated frames; false {lesson.name}: emissions there "
        "that are reported as it",
        f"  the old classes {'lost' if lost > 0 else 'gained'} {abs(lost):.1f} points",
    ]
    if (marks["f1"] or 0) < GOOD_F1:
        lines.append(
            f"  F1 is below {GOOD_F1}: mark more bursts of {lesson.name}, above all missed ones"
        )
    lines += [f"  {seconds / 60:.1f} minutes", f"{path}"]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
