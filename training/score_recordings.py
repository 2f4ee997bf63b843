# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores masks of real recordings: ``python -m training.score_recordings MASKS DATA``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .segmentation.recordings_score import score


def main() -> int:
    """Print every score; exit 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m training.score_recordings")
    parser.description = "Score masks of real recordings against their known content."
    parser.add_argument("masks", type=Path, help="the folder that `radiofm segment` wrote")
    parser.add_argument("data", type=Path, help="the folder of recordings")
    options = parser.parse_args()
    masks, data = options.masks, options.data
    found = []
    for meta in sorted(data.rglob("*.sigmf-meta")):
        if (masks / f"{meta.stem}.mask.npz").exists():
            found += score(masks, meta)
    for s in found:
        sign = "<=" if s.at_most else ">="
        verdict = "ok" if s.met else "MISSED"
        print(f"{s.recording:42s} {s.what:32s} {s.value:.3f} {sign} {s.bar:.2f}  {verdict}")
    if not found:
        parser.error(f"{masks} has no mask of a known recording in {data}")
    print(f"{sum(s.met for s in found)} of {len(found)} targets met")
    return 0 if all(s.met for s in found) else 1


if __name__ == "__main__":
    sys.exit(main())
