# SPDX-License-Identifier: GPL-3.0-or-later
"""How long is measured: a whole run, a quick one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Repetitions of comparisons, and how long each of their cases takes.

    Args:
        repetitions: of every comparison.
        framer_s: seconds of each of the framer's flowgraphs.
        model_calls: of each way to run the model, in a repetition.
        gemm_size: rows and columns of the matrices of which the rate of products is measured.
        frames: through the whole path from memory; an eighth of them by the naive one.
        live_s: seconds at each sample rate.
        scaling_s: seconds for each number of receivers.
        zmq_frames: over ZeroMQ.
    """

    repetitions: int
    framer_s: float
    model_calls: int
    gemm_size: int
    frames: int
    live_s: float
    scaling_s: float
    zmq_frames: int


FULL = Effort(5, 1.0, 3, 4096, 64, 30.0, 10.0, 256)
QUICK = Effort(3, 0.3, 1, 4096, 32, 10.0, 3.0, 64)
