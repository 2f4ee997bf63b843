# SPDX-License-Identifier: GPL-3.0-or-later
"""A long recording through ``radiofm segment``: every frame accounted for, memory flat.

``python -m tests.long_run FOLDER [SECONDS]`` makes a synthetic recording at 19.2 MS/s (ci8,
38 MB a second, 10 minutes by default), segments it, and prints the figures; exit 1 where one is
off. The recording is deleted afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.waveforms import lte, nr
from training.waveforms.ofdm import emit
from training.waveforms.rng import Rng
from training.waveforms.span import LTE, NR, NoiseBank, Span

RATE = 19.2e6
BLOCK_S = 1.0
POLL_S = 0.1
MOST_GROWTH_MB = 50.0
# The C library's allocator gives back at once what is freed, so that what stays is in use
ALLOCATOR = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "262144"}


@dataclass(frozen=True)
class Figures:
    """What a run showed; ``memory_mb`` is resident memory, looked at every POLL_S."""

    rows: int
    expected_rows: int
    even: bool
    memory_mb: list[float]
    seconds: float

    @property
    def growth_mb(self) -> float:
        """See :func:`growth_mb`."""
        return growth_mb(self.memory_mb)


def growth_mb(memory_mb: list[float]) -> float:
    """From the second quarter of a run, when all is loaded, to the last one.

    Medians: the allocator holds tens of MB more from one moment to the next.
    """
    quarter = len(memory_mb) // 4
    if not quarter:
        return 0.0
    settled, last = memory_mb[quarter : 2 * quarter], memory_mb[3 * quarter :]
    return float(np.median(last) - np.median(settled))


def make_block() -> bytes:
    """One second of an LTE and an NR carrier in noise, ci8."""
    spec = SpectrogramSpec()
    hops = spec.hops_per_row(RATE)
    span = Span(1280, hops, int(BLOCK_S * RATE) // spec.row_samples(hops) + 1, spec)
    rng = Rng(5)
    iq = NoiseBank(rng.generator).draw(span.samples)
    cell = lte.LteCarrier(25, None, 7, 2, 7, 0.5, 0.5, 3.0)
    iq += emit(lte.build_grid(cell, 1010, -300, 0.0, rng), span, LTE, 20.0, rng).iq
    cell = nr.NrCarrier(25, 15e3, None, 1, 20, 2, 0.3, 0.5, 40, 0.0, 25)
    iq += emit(nr.build_grid(cell, 1010, 250, 0.0, rng), span, NR, 20.0, rng).iq
    iq *= 10 ** (-14 / 20) / iq.abs().square().mean().sqrt()
    parts = (torch.view_as_real(iq[: int(BLOCK_S * RATE)]) * 128).round().clamp(-128, 127)
    return parts.to(torch.int8).numpy().tobytes()


def make_recording(folder: Path, seconds: float) -> Path:
    """Write the pair; the second block and later ones repeat the first."""
    folder.mkdir(parents=True, exist_ok=True)
    block = make_block()
    with (folder / "long.sigmf-data").open("wb") as file:
        for _ in range(int(seconds / BLOCK_S)):
            file.write(block)
    meta = {
        "global": {"core:datatype": "ci8", "core:sample_rate": RATE, "core:version": "1.2.0"},
        "captures": [{"core:sample_start": 0, "core:frequency": 1.8e9}],
        "annotations": [],
    }
    path = folder / "long.sigmf-meta"
    path.write_text(json.dumps(meta))
    return path


def resident_mb(pid: int) -> float:
    """Resident anonymous memory of a process: what grows, without files that it has mapped."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


def memory_of(*words: object) -> list[float]:
    """Run ``radiofm`` with these words; its resident memory (MB) every POLL_S. Ends this program
    where the command fails."""
    command = [sys.executable, "-m", "radiofm_cli", *map(str, words)]
    memory = []
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env=os.environ | ALLOCATOR
    ) as process:
        while process.poll() is None:
            time.sleep(POLL_S)
            try:
                memory.append(resident_mb(process.pid))
            except OSError:
                break
    if process.returncode:
        raise SystemExit(f"radiofm {words[0]} ended with {process.returncode}")
    return memory


def segment(meta: Path, out: Path) -> Figures:
    """Run the command, watching its memory."""
    start = time.monotonic()
    memory = memory_of("segment", meta, "--out", out)
    spec = SpectrogramSpec()
    samples = meta.with_suffix(".sigmf-data").stat().st_size // 2
    with np.load(out / f"{meta.stem}.mask.npz") as archive:
        times = archive["time_s"]
    row_s = spec.row_samples(spec.hops_per_row(RATE)) / RATE
    return Figures(
        rows=len(times),
        expected_rows=samples // spec.row_samples(spec.hops_per_row(RATE)),
        even=bool(np.abs(times - np.arange(len(times)) * row_s).max() < 0.5 / RATE),
        memory_mb=memory,
        seconds=time.monotonic() - start,
    )


def main() -> int:
    """Make, segment, print, clean up."""
    folder = Path(sys.argv[1])
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 600.0
    meta = make_recording(folder, seconds)
    try:
        figures = segment(meta, folder / "out")
    finally:
        meta.with_suffix(".sigmf-data").unlink()
    print(f"rows {figures.rows} of {figures.expected_rows}, evenly spaced: {figures.even}")
    print(f"memory {max(figures.memory_mb):.0f} MB at most")
    print(f"growth {figures.growth_mb:.1f} MB (at most {MOST_GROWTH_MB:.0f})")
    print(f"{seconds:.0f} s of signal in {figures.seconds:.0f} s")
    whole = figures.rows == figures.expected_rows and figures.even
    return 0 if whole and figures.growth_mb <= MOST_GROWTH_MB else 1


if __name__ == "__main__":
    sys.exit(main())
