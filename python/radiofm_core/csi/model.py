# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that says of windows of CSI what went on in them."""

from __future__ import annotations

import numpy as np

from ..model import Model, check_shapes
from .spec import CsiSpec


class ActivityModel(Model):
    """Classifies windows of CSI."""

    @staticmethod
    def empty(spec: CsiSpec) -> tuple[np.ndarray, int]:
        """What :meth:`classify` takes, of one window of one antenna without phase."""
        return np.ones((1, spec.rows, spec.subcarriers, 1), np.float32), 1

    @classmethod
    def example(cls, spec: CsiSpec) -> tuple:
        """The same as the module takes it."""
        import torch

        values, antennas = cls.empty(spec)
        return torch.from_numpy(values), antennas

    def answer_empty(self) -> np.ndarray:
        """Classify one empty window."""
        return self.classify(*self.empty(self.info.spec))

    def classify(self, values: np.ndarray, antennas: int) -> np.ndarray:
        """What is going on in each window.

        Args:
            values: float32 (batch, rows, columns, channels), as in
                :class:`radiofm_core.csi.windows.CsiWindow`, of the same kind of link each.
            antennas: how many of the channels are amplitudes.

        Returns:
            Probabilities, float32 (batch, classes).

        Raises BundleError if the model answers another shape.
        """
        import torch

        with torch.inference_mode():
            x = self._to_device(torch.from_numpy(values))
            shares = self._module(x, antennas)
            check_shapes((shares,), (len(values), len(self.info.classes)))
            return shares.float().cpu().numpy()
