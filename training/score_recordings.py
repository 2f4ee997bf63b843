# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores masks of real recordings: ``python -m training.score_recordings MASKS DATA``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .segmentation.recordings_score import Score, score


def main() -> int:
    """Print every score, and of each folder how many targets are met; exit 1 where one is
    missed."""
    parser = argparse.ArgumentParser(prog="python -m training.score_recordings")
    parser.description = "Score masks of real recordings against their known content."
    parser.add_argument("masks", type=Path, help="the folder that `radiofm segment` wrote")
    parser.add_argument("data", type=Path, help="the folder of recordings")
    options = parser.parse_args()
    masks, data = options.masks, options.data
    found: list[tuple[str, Score]] = []
    for meta in sorted(data.rglob("*.sigmf-meta")):
        if (masks / f"{meta.stem}.mask.npz").exists():
            found += [(meta.parent.name, one) for one in score(masks, meta)]
    if not found:
        parser.error(f"{masks} has no mask of a known recording in {data}")
    for _, one in found:
        print(_line(one))
    print()
    for folder, what in dict.fromkeys((folder, one.what) for folder, one in found):
        of_kind = [one for f, one in found if (f, one.what) == (folder, what)]
        print(_summary(folder, what, of_kind))
    met = sum(one.met for _, one in found)
    print(f"{met} of {len(found)} targets met")
    return 0 if met == len(found) else 1


def _line(one: Score) -> str:
    verdict = "ok" if one.met else "MISSED"
    note = f"  ({one.note})" if one.note else ""
    return f"{one.recording:48s} {one.what:26s} {_number(one)}  {verdict}{note}"


def _summary(folder: str, what: str, scores: list[Score]) -> str:
    worst = (max if scores[0].at_most else min)(scores, key=lambda one: one.value)
    met = sum(one.met for one in scores)
    return f"{folder:20s} {what:26s} {met:3d} of {len(scores):3d} met, worst {_number(worst)}"


def _number(one: Score) -> str:
    if one.at_most:
        return f"{one.value:5.0f} <= {one.bar:4.0f}"
    return f"{one.value:5.3f} >= {one.bar:4.2f}"


if __name__ == "__main__":
    sys.exit(main())
