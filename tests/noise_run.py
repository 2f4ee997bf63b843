# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise alone through ``radiofm segment``: nothing may be found.

``python -m tests.noise_run FOLDER [SECONDS]`` makes white noise at three sample rates (ci8, a
minute each by default), segments it, and prints the emissions found by label and the share of
pixels called anything but noise; exit 1 where LTE or NR was reported. The recordings are deleted
afterwards.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

RATES = (1.92e6, 15.36e6, 30.72e6)
LEVEL_DBFS = -14.0
BLOCK_S = 0.5
SEED = 11


def make_recording(folder: Path, rate: float, seconds: float) -> Path:
    """Write a SigMF pair of white noise."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    scale = np.float32(128 * 10 ** (LEVEL_DBFS / 20) * 0.5**0.5)
    with (folder / "noise.sigmf-data").open("wb") as file:
        for _ in range(round(seconds / BLOCK_S)):
            parts = rng.standard_normal(2 * int(BLOCK_S * rate), np.float32) * scale
            file.write(parts.round().clip(-128, 127).astype(np.int8).tobytes())
    meta = {
        "global": {"core:datatype": "ci8", "core:sample_rate": rate, "core:version": "1.2.0"},
        "captures": [{"core:sample_start": 0, "core:frequency": 1e9}],
        "annotations": [],
    }
    path = folder / "noise.sigmf-meta"
    path.write_text(json.dumps(meta))
    return path


def found(meta: Path, out: Path) -> tuple[Counter, float]:
    """Emissions by label, and the share of pixels that are not noise."""
    command = [sys.executable, "-m", "radiofm_cli", "segment", str(meta), "--out", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    lines = (out / f"{meta.stem}.jsonl").read_text().splitlines()
    with np.load(out / f"{meta.stem}.mask.npz") as archive:
        share = float((archive["mask"] != 0).mean())
    return Counter(json.loads(line)["label"] for line in lines), share


def main() -> int:
    """Make, segment, print, clean up, for each rate."""
    folder = Path(sys.argv[1])
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    false = 0
    for rate in RATES:
        meta = make_recording(folder, rate, seconds)
        try:
            labels, share = found(meta, folder / "out")
        finally:
            meta.with_suffix(".sigmf-data").unlink()
        false += labels["lte"] + labels["nr"]
        told = ", ".join(f"{n} {label}" for label, n in labels.items()) or "nothing"
        print(f"{seconds:.0f} s at {rate / 1e6:g} MS/s: {told}; {share:.6f} of the pixels")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
