# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on a study: Markdown whose every number comes from the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from radiofm_core.bundle import TASK_ACTIVITY

from ..segmentation import classes
from ..segmentation.recipe import PART_OF_STAGE
from .plan import Group, Study

# The smallest encoder of arXiv 2411.09996 (ViT-S), and what it was pre-trained for
PAPER_WIDTH, PAPER_BLOCKS = 512, 12
PAPER_STEPS, PAPER_BATCH = 80_000, 64
PAPER_ROWS = 256
HEADS = (
    "variant",
    "labels",
    "seeds",
    "mIoU",
    "difference",
    "IoU " + " / ".join(classes.NAMES),
    "benchmark mIoU",
    "difference",
)
COST_HEADS = (
    "variant",
    "labels",
    "parameters",
    "of them learning",
    "steps",
    "seconds",
)


@dataclass(frozen=True)
class Cell:
    """The records of a variant at a label share, by seed."""

    variant: str
    share: float
    by_seed: dict[int, dict]

    def values(self, number: Callable[[dict], float | None]) -> list[float]:
        """``number`` of each record that has it."""
        found = (number(r) for r in self.by_seed.values())
        return [v for v in found if v is not None]

    def differences(self, other: Cell, number: Callable[[dict], float | None]) -> list[float]:
        """``number`` less that of ``other``, seed by seed, of the seeds that both have."""
        pairs = (
            (number(record), number(other.by_seed[seed]))
            for seed, record in self.by_seed.items()
            if seed in other.by_seed
        )
        return [a - b for a, b in pairs if a is not None and b is not None]


def report(study: Study, records: dict[str, dict], path: str | Path) -> str:
    """Markdown on the ``records`` (by name of run) of ``study``, which the file ``path`` holds:
    what was run and where, two tables a group, and what is missing."""
    from . import activity

    opening, group_tables = _opening, _group
    if study.task == TASK_ACTIVITY:
        opening, group_tables = activity.opening, activity.group_tables
    parts = [f"# Results of the study `{study.name}`", *opening(study, records, path)]
    for group in study.groups:
        parts += group_tables(study, group, records)
    parts += ["## Missing runs", _missing(study, records)]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def validation(record: dict) -> float:
    """mIoU of the validation frames."""
    return record["scores"]["validation"]["mean_iou"]


def benchmark(record: dict) -> float | None:
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


def spread(values: list[float], show: str = "{:.3f}") -> str:
    """Mean (least to most); the value alone where there is one, a dash where there is none."""
    if not values:
        return "–"
    mean = show.format(sum(values) / len(values))
    if len(values) == 1:
        return mean
    return f"{mean} ({show.format(min(values))} to {show.format(max(values))})"


def _opening(study: Study, records: dict[str, dict], path: str | Path) -> list[str]:
    everyone = list(records.values())
    return [
        study.about,
        f"Written by `python -m training.study --study {path} --report` from the records "
        f"in `{study.records_path}`, one of each run; no number here has another source. Scores "
        "are means over seeds, in brackets the least and the most of a single seed. Differences "
        "are taken seed by seed from the variant that a table begins with, at the same labels: "
        "where the brackets hold zero, the seeds do not agree which is better. `mIoU` is of the "
        "validation frames, which no weights were chosen by (unless a variant stops early); the "
        "benchmark's frames are never trained on either.",
        listed(
            [
                *where_made(study, records),
                f"Frames: {different(map(_frames, everyone))}.",
                _benchmark_frames(everyone),
                _against_paper(everyone),
            ]
        ),
    ]


def where_made(study: Study, records: dict[str, dict]) -> list[str]:
    """Sentences: how many runs there are, of which machines and code."""
    everyone = list(records.values())
    return [
        f"{len(records)} of {len(study.runs)} runs are recorded.",
        f"Machine: {different(r['machine'] for r in everyone)}.",
        f"Code: {different(r['git_revision'] for r in everyone)}.",
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


def _benchmark_frames(records: list[dict]) -> str:
    told = [r["scores"]["benchmark"] for r in records if r["scores"]["benchmark"]]
    if not told:
        return "Benchmark: not scored."
    sets = (f"the first {b['frames']:,} frames of {b['name']} (code {b['code']})" for b in told)
    return f"Benchmark: {different(sets)}."


def _against_paper(records: list[dict]) -> str:
    models = {(r["recipe"]["model"]["dim"], r["recipe"]["model"]["depth"]) for r in records}
    width, blocks = max(models, key=lambda m: m[0] ** 2 * m[1])
    least = min(models, key=lambda m: m[0] ** 2 * m[1])
    steps = [r["recipe"]["pretrain"] for r in records if r["recipe"]["pretrain"]]
    frames = sum(s["steps"] * s["batch"] for s in steps) / max(1, len(steps))
    paper = PAPER_STEPS * PAPER_BATCH
    share = width**2 * blocks / (PAPER_WIDTH**2 * PAPER_BLOCKS)
    text = (
        f"Sizes: encoders are {least[0]} wide and {least[1]} deep to {width} wide and {blocks} "
        f"deep; pre-training sees {frames:,.0f} frames in the mean. The paper's smallest encoder "
        f"(ViT-S, arXiv 2411.09996) is {PAPER_WIDTH} wide and {PAPER_BLOCKS} deep and sees "
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
        f"{text} **This study is below the paper's size**: {' and '.join(below)}. What holds here "
        "need not hold there."
    )


def _group(study: Study, group: Group, records: dict[str, dict]) -> list[str]:
    scores, costs = [], []
    heads = (*COST_HEADS, f"reached {study.reach:g}", "steps until then", "seconds until then")
    for share in group.labels:
        cells = [cell_of(study, variant, share, records) for variant in group.variants]
        for cell in cells:
            scores.append(_score_row(cell, cells[0]))
            if cell.by_seed:
                costs.append(_cost_row(cell, study.reach))
    told = [f"## {group.title}", group.note, table(HEADS, scores)]
    if costs:
        text = (
            f"What it cost, and when the validation mIoU was first {study.reach:g} or more (looked "
            "at now and then during fine-tuning; steps and seconds are those of fine-tuning, the "
            "looks included and pre-training not, of the seeds that reached it):"
        )
        told += [text, table(heads, costs)]
    return told


def cell_of(study: Study, variant: str, share: float, records: dict[str, dict]) -> Cell:
    """What ``records`` (by name of run) has of a variant at a label share."""
    names = {seed: study.run_name(variant, share, seed) for seed in study.seeds}
    return Cell(variant, share, {s: records[n] for s, n in names.items() if n in records})


def _score_row(cell: Cell, reference: Cell) -> tuple[str, ...]:
    differs = [
        "reference" if cell.variant == reference.variant
        else spread(cell.differences(reference, number), "{:+.3f}")
        for number in (validation, benchmark)
    ]  # fmt: skip
    return (
        cell.variant,
        percent(cell.share),
        str(len(cell.by_seed)),
        spread(cell.values(validation)),
        differs[0],
        " / ".join(_class_mean(cell, name) for name in classes.NAMES),
        spread(cell.values(benchmark)),
        differs[1] if cell.values(benchmark) else "–",
    )


def _class_mean(cell: Cell, name: str) -> str:
    values = cell.values(lambda record: record["scores"]["validation"]["iou"][name])
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


def _missing(study: Study, records: dict[str, dict]) -> str:
    names = [run.name for run in study.runs if run.name not in records]
    return "\n".join(f"- {name}" for name in names) or "None."


def different(values: Iterable[str]) -> str:
    """Each once."""
    return "; ".join(dict.fromkeys(values))


def listed(lines: list[str]) -> str:
    """A list in Markdown."""
    return "\n".join(f"- {line}" for line in lines)


def percent(share: float) -> str:
    """A part of 1 in words."""
    return f"{100 * share:g} %"


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """In Markdown."""
    ruled = ("---",) * len(heads)
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ruled, *rows))
