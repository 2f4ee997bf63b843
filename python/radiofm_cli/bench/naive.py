# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user would write without this module: GNU Radio's FFT, NumPy and PyTorch in Python."""

from __future__ import annotations

import numpy as np
from gnuradio import gr

from radiofm_core.spectrum.spec import SpectrogramSpec

from .eager import EagerModel


class naive_segmenter(gr.sync_block):
    """Averages vectors of power into rows of a frame and runs the model on each frame in work().

    Takes a whole number of rows at a time, so that NumPy works on large arrays. It does less than
    the blocks here: the FFTs do not overlap, and there are no tags, detections or messages.

    Args:
        eager: the model.
        spec: of the frames.
        meta: what the model is told of the frames.
        vectors_per_row: vectors that are averaged into one row.
    """

    def __init__(self, eager: EagerModel, spec: SpectrogramSpec, meta: dict, vectors_per_row: int):
        gr.sync_block.__init__(self, "naive_segmenter", [(np.float32, spec.fft_size)], None)
        self.set_output_multiple(vectors_per_row)
        self._eager, self._meta = eager, meta
        self._vectors_per_row = vectors_per_row
        self._frame = np.empty((spec.rows, spec.fft_size), np.float32)
        self._rows = 0
        # a sum of |FFT|^2 to a full-scale tone at 0 dB, as the spectrogram's
        self._scale = np.float32(1 / (0.5 * spec.fft_size) ** 2)
        self.masks: list[np.ndarray] = []

    def work(self, input_items, output_items) -> int:
        """GNU Radio's call."""
        power = input_items[0]
        count = len(power) // self._vectors_per_row * self._vectors_per_row
        rows = power[:count].reshape(-1, self._vectors_per_row, power.shape[1]).mean(axis=1)
        rows = 10 * np.log10(np.maximum(rows * self._scale, np.float32(1e-20)))
        while len(rows):
            taken = rows[: len(self._frame) - self._rows]
            self._frame[self._rows : self._rows + len(taken)] = taken
            self._rows += len(taken)
            rows = rows[len(taken) :]
            if self._rows == len(self._frame):
                self.masks.append(self._eager.segment(self._frame[None, None], self._meta)[0])
                self._rows = 0
        return count
