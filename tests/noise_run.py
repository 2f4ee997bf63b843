# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise alone through ``radiofm segment``: nothing may be found.

``python -m tests.noise_run FOLDER [SECONDS]`` makes white noise at three sample rates (ci8, a
minute each by default) behind each of five decimation filters, segments it, and prints the
emissions found by label and the share of pixels called anything but noise; exit 1 where anything
was reported. The recordings are deleted afterwards.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from scipy import signal

RATES = (1.92e6, 15.36e6, 30.72e6)
LEVEL_DBFS = -14.0
BLOCK_S = 0.5
SEED = 11
# Impulse responses of what receivers do before they lower the rate to this one
FILTERS = {
    "none": np.ones(1),
    # 80 % of the span left, 60 dB down beyond
    "steep": signal.firwin(127, 0.8, window=("kaiser", 5.7)),
    # half of it, 40 dB down
    "half": signal.firwin(63, 0.5, window=("kaiser", 3.4)),
    # a third, 80 dB down
    "narrow": signal.firwin(255, 0.33, window=("kaiser", 8.0)),
    # four sections of a comb, which lowers the ends of the span by 42 dB
    "comb": np.convolve(*[np.convolve([0.5, 0.3], [0.5, 0.3])] * 2),
}


def make_recording(folder: Path, rate: float, seconds: float, taps: np.ndarray) -> Path:
    """Write a SigMF pair of white noise through a filter."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    scale = 128 * 10 ** (LEVEL_DBFS / 20) * 0.5**0.5 / np.sqrt(np.sum(taps**2))
    state = np.zeros(len(taps) - 1, np.complex64)
    with (folder / "noise.sigmf-data").open("wb") as file:
        for _ in range(round(seconds / BLOCK_S)):
            noise = rng.standard_normal(2 * int(BLOCK_S * rate), np.float32).view(np.complex64)
            block = np.concatenate([state, noise])
            state = block[len(block) - len(state) :]
            parts = signal.oaconvolve(block, (taps * scale).astype(np.float32), "valid")
            parts = parts.astype(np.complex64).view(np.float32)
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
    subprocess.run([*command, "--overwrite"], check=True, stdout=subprocess.DEVNULL)
    lines = (out / f"{meta.stem}.jsonl").read_text().splitlines()
    with np.load(out / f"{meta.stem}.mask.npz") as archive:
        share = float((archive["mask"] != 0).mean())
    return Counter(json.loads(line)["label"] for line in lines), share


def main() -> int:
    """Make, segment, print, clean up, for each rate and filter."""
    folder = Path(sys.argv[1])
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    false = 0
    for rate in RATES:
        for name, taps in FILTERS.items():
            meta = make_recording(folder, rate, seconds, taps)
            try:
                labels, share = found(meta, folder / "out")
            finally:
                meta.with_suffix(".sigmf-data").unlink()
            false += labels.total()
            told = ", ".join(f"{n} {label}" for label, n in labels.items()) or "nothing"
            where = f"{seconds:.0f} s at {rate / 1e6:g} MS/s, filter: {name}"
            print(f"{where}: {told}; {share:.6f} of the pixels", flush=True)
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
