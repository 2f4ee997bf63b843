# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's scores as a table for the terminal."""

from __future__ import annotations

SECTIONS = {
    "whole": "whole benchmark, labels as on the air",
    "mixed": "mixed part, labels as on the air",
    "paper": "paper's part, labels of whole bands",
    "paper_on_air": "paper's part, labels as on the air",
}
HEADS = ("SNR (dB)", "frames", "accuracy", "mIoU"), ("edge", "missed", "ECE")


def table(result: dict) -> str:
    """Lines on what :func:`.scoring.score_frames` returns: pixel accuracy, IoU, the median error of
    carriers' edges in bins, the share of carriers missed, expected calibration error."""
    names = tuple(result["whole"]["all"]["iou"])
    heads = (*HEADS[0], *names, *HEADS[1])
    lines = [f"{result['name']}: {result['frames']} frames", _line(heads)]
    for section, title in SECTIONS.items():
        if result[section]:
            lines.append(title)
        for snr, found in result[section].items():
            numbers = (found["pixel_accuracy"], found["mean_iou"], *found["iou"].values())
            edges = found["edges"]
            median = "-" if edges["median_bins"] is None else f"{edges['median_bins']:g}"
            tail = (median, _share(edges["missed"]), _share(found["calibration_error"]))
            lines.append(_line((snr, str(found["frames"]), *map(_share, numbers), *tail)))
    return "\n".join(lines)


def _line(cells: tuple[str, ...]) -> str:
    return f"  {cells[0]:<9}" + "".join(f"{cell:>9}" for cell in cells[1:])


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
