# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that says of windows of CSI what went on in them."""

from __future__ import annotations

import numpy as np

from ..model import Model, check_shapes, count_inputs
from .spec import CsiSpec


class ActivityModel(Model):
    """Classifies windows of CSI."""

    def __init__(self, info, module, device: str, precision: str, judge=None):
        super().__init__(info, module, device, precision, judge)
        self._takes_received = count_inputs(module) > 2

    @staticmethod
    def empty(spec: CsiSpec) -> tuple[np.ndarray, int, np.ndarray]:
        """What :meth:`classify` takes, of one window of one antenna without phase."""
        values = np.ones((1, spec.rows, spec.subcarriers, 1), np.float32)
        return values, 1, np.ones((1, spec.rows), bool)

    @classmethod
    def example(cls, spec: CsiSpec) -> tuple:
        """The same as the module takes it."""
        import torch

        values, antennas, received = cls.empty(spec)
        return torch.from_numpy(values), antennas, torch.from_numpy(received)

    def answer_empty(self) -> np.ndarray:
        """Classify one empty window."""
        return self.classify(*self.empty(self.info.spec))

    def classify(
        self, values: np.ndarray, antennas: int, received: np.ndarray | None = None
    ) -> np.ndarray:
        """What is going on in each window.

        Args:
            values: float32 (batch, rows, columns, channels), as in
                :class:`radiofm_core.csi.windows.CsiWindow`, of the same kind of link each.
            antennas: how many of the channels are amplitudes.
            received: bool (batch, rows), those with packets of their own; None: all. Models
                that were made before it was known are not told.

        Returns:
            Probabilities, float32 (batch, classes).

        Raises BundleError if the model answers another shape.
        """
        import torch

        with torch.inference_mode():
            x = self._to_device(torch.from_numpy(values))
            told = []
            if self._takes_received:
                if received is None:
                    received = np.ones(values.shape[:2], bool)
                told.append(torch.from_numpy(received).to(x.device))
            shares = self._module(x, antennas, *told)
            check_shapes((shares,), (len(values), len(self.info.classes)))
            return shares.float().cpu().numpy()
