# SPDX-License-Identifier: GPL-3.0-or-later
"""How studies of segmenters measure a run and tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from radiofm_core.errors import UsageError

from ..encoder.adapt import count_parameters
from ..engine.tables import Cell, different, listed, percent, rows_of, spread, table
from ..engine.task import Report
from .build import build_model
from .data.sources import FramesConfig
from .data.store import first_frames
from .recipe import CYCLES, PART_OF_STAGE, Recipe
from .stages import measure as measure_scores

# The smallest encoder of arXiv 2411.09996 (ViT-S), and what it was pre-trained for
PAPER_WIDTH, PAPER_BLOCKS = 512, 12
PAPER_STEPS, PAPER_BATCH = 80_000, 64
PAPER_ROWS = 256
COST_HEADS = ("variant", "labels", "parameters", "of them trained", "steps", "seconds")


def check(recipe: Recipe) -> None:
    """A batch that cannot be filled is told before hours of training, not after them."""
    for stage in CYCLES:
        config = getattr(recipe, stage)
        count = labelled_frames(recipe, PART_OF_STAGE[stage])
        if config is not None and count is not None and count < config.batch:
            raise UsageError(
                f"{recipe.name}: {count} labelled frames are fewer than {stage}'s batch of "
                f"{config.batch}; lower the batch at this label share, or give it more frames"
            )


def measure(recipe: Recipe, pretrain_log: Path | None) -> dict:
    """Train and score a run, or go on with it. Keys: ``labelled_frames``, ``parameters`` (``all``,
    and those ``learning`` in fine-tuning), ``scores`` (``validation``; ``benchmark``: all of its
    frames, or None), ``seconds`` by stage, ``curve`` (lists of stage, step, seconds of the stage,
    validation mIoU)."""
    found = measure_scores(recipe)
    logs = {} if pretrain_log is None else {"pretrain": pretrain_log}
    for stage in CYCLES:
        if getattr(recipe, stage) is not None:
            logs[stage] = recipe.run_folder / f"{stage}.csv"
    tables = {stage: rows_of(path) for stage, path in logs.items()}
    return {
        "labelled_frames": labelled_frames(recipe),
        "parameters": count_parameters(build_model(recipe), recipe.finetune),
        "scores": {
            "validation": found["validation"],
            "benchmark": _whole(found.get("benchmark")),
        },
        "seconds": {stage: float(rows[-1]["seconds"]) for stage, rows in tables.items() if rows},
        "curve": [
            [stage, int(row["step"]), float(row["seconds"]), float(row["validation_mean_iou"])]
            for stage, rows in tables.items()
            for row in rows
            if row["validation_mean_iou"]
        ],
    }


def labelled_frames(recipe: Recipe, part: str = "train") -> int | None:
    """How many frames of ``part`` are learnt from with labels; None where only its files tell."""
    sources = recipe.data.sources(part)
    if not all(isinstance(s, FramesConfig) for s in sources):
        return None
    return sum(first_frames(s.frames, recipe.label_share) for s in sources)


def _whole(benchmark: dict | None) -> dict | None:
    if benchmark is None:
        return None
    told = ("frames", "pixel_accuracy", "mean_iou", "iou")
    every = benchmark["whole"]["all"]
    return {"name": benchmark["name"]} | {k: every[k] for k in told}


def _validation(record: dict) -> float:
    """mIoU of the validation frames."""
    return record["scores"]["validation"]["mean_iou"]


def _benchmark(record: dict) -> float | None:
    """mIoU of the benchmark's frames, or None."""
    scores = record["scores"]["benchmark"]
    return scores and scores["mean_iou"]


def reached(record: dict, score: float) -> tuple[int, float] | None:
    """Steps and seconds of fine-tuning until the validation mIoU was first ``score`` or more;
    None where it never was."""
    steps, seconds, last = 0, 0.0, None
    for stage, step, second, value in record["curve"]:
        if last and stage != last[0]:
            steps, seconds = steps + last[1], seconds + last[2]
        last = stage, step, second
        if value >= score:
            return steps + step, seconds + second
    return None


def opening(records: Sequence[dict]) -> list[str]:
    """Paragraphs: what the scores are of."""
    return [
        "`mIoU` is of the validation frames, which were not used to select weights (unless a "
        "variant stops early); the benchmark's frames are never trained on either.",
        listed(
            [
                f"Frames: {different(map(_frames, records))}.",
                _benchmark_frames(records),
                _against_paper(records),
            ]
        ),
    ]


def _frames(record: dict) -> str:
    data = record["recipe"]["data"]
    told = []
    for part in ("pretrain", "train", "refine", "validation"):
        sources = data.get(part) or ()
        for source in sources if isinstance(sources, list) else (sources,):
            if source and "frames" in source:
                told.append(f"{part} {source['frames']:,} of {source['rows']} rows")
            elif source:
                told.append(f"{part} of files")
    return ", ".join(told)


def _benchmark_frames(records: Sequence[dict]) -> str:
    told = [r["scores"]["benchmark"] for r in records if r["scores"]["benchmark"]]
    if not told:
        return "Benchmark: not scored."
    sets = (f"the first {b['frames']:,} frames of {b['name']}" for b in told)
    return f"Benchmark: {different(sets)}."


def _against_paper(records: Sequence[dict]) -> str:
    models = {(r["recipe"]["model"]["dim"], r["recipe"]["model"]["depth"]) for r in records}
    width, blocks = max(models, key=lambda m: m[0] ** 2 * m[1])
    least = min(models, key=lambda m: m[0] ** 2 * m[1])
    steps = [r["recipe"]["pretrain"] for r in records if r["recipe"]["pretrain"]]
    frames = sum(s["steps"] * s["batch"] for s in steps) / max(1, len(steps))
    paper = PAPER_STEPS * PAPER_BATCH
    share = width**2 * blocks / (PAPER_WIDTH**2 * PAPER_BLOCKS)
    text = (
        f"Sizes: encoders from width {least[0]} and depth {least[1]} to width {width} and depth "
        f"{blocks}; pre-training sees {frames:,.0f} frames on average. The paper's smallest "
        f"encoder (ViT-S, arXiv 2411.09996) has width {PAPER_WIDTH}, depth {PAPER_BLOCKS} and sees "
        f"{paper:,} frames of {PAPER_ROWS} rows."
    )
    below = []
    if share < 1:
        below.append(f"the largest encoder's blocks have {100 * share:.2g} % of its weights")
    if frames < paper:
        below.append(f"pre-training sees {100 * frames / paper:.2g} % of its frames")
    if not below:
        return text
    return (
        f"{text} **This study is below the paper's size**: {' and '.join(below)}. Its results "
        "may not carry over to that size."
    )


def tables(by_share: Sequence[Sequence[Cell]], reach: float) -> list[str]:
    """Two tables of a group: scores; what they cost."""
    names = next((_names(cell) for cells in by_share for cell in cells if cell.by_seed), ())
    heads = (
        *("variant", "labels", "seeds", "mIoU", "difference"),
        *("IoU " + " / ".join(names), "benchmark mIoU", "difference"),
    )
    scores, costs = [], []
    for cells in by_share:
        scores += [_score_row(cell, cells[0]) for cell in cells]
        costs += [_cost_row(cell, reach) for cell in cells if cell.by_seed]
    told = [table(heads, scores)]
    if costs:
        text = (
            f"Cost, and when the validation mIoU first reached {reach:g} (checked at intervals "
            "during fine-tuning; steps and seconds are those of fine-tuning, with these checks "
            "but without pre-training, of the seeds that reached it):"
        )
        cost_heads = (*COST_HEADS, f"reached {reach:g}", "steps to reach it", "seconds to reach it")
        told += [text, table(cost_heads, costs)]
    return told


def _names(cell: Cell) -> tuple[str, ...]:
    """The classes of a cell's runs."""
    record = next(iter(cell.by_seed.values()), None)
    return tuple(record["scores"]["validation"]["iou"]) if record else ()


def _score_row(cell: Cell, reference: Cell) -> tuple[str, ...]:
    differs = [
        "reference" if cell.variant == reference.variant
        else spread(cell.differences(reference, number), "{:+.3f}")
        for number in (_validation, _benchmark)
    ]  # fmt: skip
    return (
        cell.variant,
        percent(cell.share),
        str(len(cell.by_seed)),
        spread(cell.values(_validation)),
        differs[0],
        " / ".join(_class_mean(cell, name) for name in _names(cell)),
        spread(cell.values(_benchmark)),
        differs[1] if cell.values(_benchmark) else "–",
    )


def _class_mean(cell: Cell, name: str) -> str:
    values = cell.values(lambda record: record["scores"]["validation"]["iou"].get(name))
    return f"{sum(values) / len(values):.2f}" if values else "–"


def _cost_row(cell: Cell, score: float) -> tuple[str, ...]:
    record = next(iter(cell.by_seed.values()))
    stages = [s for s in PART_OF_STAGE if record["recipe"][s]]
    steps = (f"{record['recipe'][s]['steps']:,} x {record['recipe'][s]['batch']}" for s in stages)
    seconds = (spread(cell.values(lambda r, s=s: r["seconds"].get(s)), "{:.0f}") for s in stages)
    found = [reached(r, score) for r in cell.by_seed.values()]
    times = [f for f in found if f is not None]
    return (
        cell.variant,
        percent(cell.share),
        f"{record['parameters']['all']:,}",
        f"{record['parameters']['learning']:,}",
        ", ".join(f"{s} {n}" for s, n in zip(stages, steps, strict=True)),
        ", ".join(f"{s} {n}" for s, n in zip(stages, seconds, strict=True)),
        f"{len(times)} of {len(found)}",
        spread([float(steps) for steps, _ in times], "{:,.0f}"),
        spread([seconds for _, seconds in times], "{:,.0f}"),
    )


REPORT = Report(_validation, opening, tables)
