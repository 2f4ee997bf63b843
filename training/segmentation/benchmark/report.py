# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's scores as tables for the terminal."""

from __future__ import annotations

SECTIONS = {
    "whole": "whole benchmark, labels as on the air",
    "mixed": "mixed part, labels as on the air",
    "paper": "paper's part, labels of whole bands",
    "paper_on_air": "paper's part, labels as on the air",
    "scenarios": "by scenario, 0 dB and more, labels as on the air",
}
HEADS = ("SNR (dB)", "frames", "accuracy", "mIoU"), ("edge", "missed", "ECE")
VERDICT = "verdict"
# What is told of emissions, by its head
EMISSIONS = {
    "there": "true",
    "reported": "reported",
    "precision": "precision",
    "recall": "recall",
    "F1": "f1",
    "F1 boxes": "f1_of_boxes",
    "each": "reported_each",
    "unknown": "unknown",
    "on noise": "on_noise",
}
CONFUSED = {"LTE as NR": "lte_as_nr", "NR as LTE": "nr_as_lte", "claims": "claims"}
FIRST, WIDTH = 18, 10


def table(result: dict) -> str:
    """Lines on what :func:`.scoring.score_frames` returns. Of pixels: accuracy, IoU (``verdict``:
    their mean in the mask that follows the verdicts), the median error of carriers' edges in bins,
    the share of carriers missed, expected calibration error. Of emissions:
    :mod:`.emission_scores`."""
    lines = [f"{result['name']}: {result['frames']} frames"]
    whole = result["whole"]["all"]
    if result.get("way", "all") != "all":
        lines[0] += f", evidence: {result['way']}"
    lines += ["pixels", *_rows(result, _pixel_heads(whole), _pixel_cells)]
    if "emissions" in whole:
        missing = whole["emissions"].get("without")
        heads = (HEADS[0][0], *EMISSIONS, *_confused(whole))
        lines += ["emissions", *_rows(result, heads, _emission_cells)]
        lines += _labels(whole["emissions"])
        if missing:
            lines.append(f"the model has no class {', '.join(missing)}: left out")
    return "\n".join(lines)


def _rows(result: dict, heads: tuple[str, ...], cells) -> list[str]:
    lines = [_line(heads)]
    for section, title in SECTIONS.items():
        rows = [(key, cells(found)) for key, found in result.get(section, {}).items()]
        rows = [_line((key, *row)) for key, row in rows if row]
        lines += [title, *rows] if rows else []
    return lines


def _pixel_heads(whole: dict) -> tuple[str, ...]:
    return (*HEADS[0], *_verdict(whole), *whole["iou"], *HEADS[1])


def _verdict(found: dict) -> tuple[str, ...]:
    return (VERDICT,) if VERDICT in found else ()


def _pixel_cells(found: dict) -> tuple[str, ...]:
    edges = found["edges"]
    median = "-" if edges["median_bins"] is None else f"{edges['median_bins']:g}"
    numbers = [found["pixel_accuracy"], found["mean_iou"]]
    numbers += [found[v]["mean_iou"] for v in _verdict(found)]
    tail = (median, _share(edges["missed"]), _share(found["calibration_error"]))
    return (str(found["frames"]), *map(_share, [*numbers, *found["iou"].values()]), *tail)


def _confused(found: dict) -> tuple[str, ...]:
    return tuple(head for head, key in CONFUSED.items() if key in found["emissions"])


def _emission_cells(found: dict) -> tuple[str, ...]:
    emissions = found.get("emissions")
    if emissions is None:
        return ()
    numbers = [emissions[key] for key in EMISSIONS.values()]
    numbers += [emissions[CONFUSED[head]]["share"] for head in _confused(found)]
    return tuple(str(n) if isinstance(n, int) else _share(n) for n in numbers)


def _labels(emissions: dict) -> list[str]:
    lines = ["what was reported as what (emissions)"]
    for label, counts in emissions.get("labels", {}).items():
        told = ", ".join(f"{n} {name}" for name, n in counts.items())
        lines.append(f"  {label}: {told}")
    return lines


def _line(cells: tuple[str, ...]) -> str:
    return f"  {cells[0]:<{FIRST}}" + "".join(f"{cell:>{WIDTH}}" for cell in cells[1:])


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
