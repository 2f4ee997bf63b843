# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that says of each pixel of a spectrogram what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..model import Model, check_shapes
from .spec import SpectrogramSpec

if TYPE_CHECKING:
    from torch import Tensor


class SegmentationModel(Model):
    """Classifies the pixels of spectrograms."""

    @staticmethod
    def empty(spec: SpectrogramSpec) -> tuple[np.ndarray, tuple[float, float]]:
        """What :meth:`segment` takes, of one empty frame."""
        shape = (1, len(spec.channels), spec.rows, spec.cols)
        rate = spec.sample_rate_min
        resolution = spec.resolution(rate, spec.hops_per_row(rate))
        return np.full(shape, spec.floor_db, np.float32), resolution

    @classmethod
    def example(cls, spec: SpectrogramSpec) -> tuple:
        """The same as the module takes it."""
        import torch

        frames, resolution = cls.empty(spec)
        return torch.from_numpy(frames), torch.tensor([resolution])

    @property
    def judge(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """The model's own judge of emissions (its method ``judge``), if it has one.

        From float32 (emissions, features) of :func:`.verdict.features` to probabilities, float32
        (emissions, classes). Raises BundleError if the model answers another shape.
        """
        return None if self._judge is None else self._probabilities

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            answer = self._judge(torch.from_numpy(features))
        check_shapes((answer,), (len(features), len(self.info.classes)))
        return answer.numpy()

    def answer_empty(self) -> tuple[np.ndarray, np.ndarray]:
        """Classify one empty frame."""
        return self.segment(*self.empty(self.info.spec))

    def segment(
        self, frames_db: np.ndarray, resolution: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Classify each pixel.

        Args:
            frames_db: float32 (batch, channels, rows, cols) in dB; rows a multiple of the
                spec's ``row_multiple``.
            resolution: (Hz per bin, seconds per row).

        Returns:
            mask uint8 (batch, rows, cols) of class indexes, and the winning class's
            probability, float32, same shape.

        Raises BundleError if the model answers other shapes.
        """
        import torch

        with torch.inference_mode():
            x = self._to_device(torch.from_numpy(frames_db))
            res = torch.tensor(resolution, dtype=torch.float32, device=self.device)
            mask, confidence = self._module(x, res.expand(x.shape[0], 2))[:2]
            expected = (len(frames_db), *frames_db.shape[2:])
            check_shapes((mask, confidence), expected)
            if mask.is_cuda and (mask.dtype, confidence.dtype) == (torch.uint8, torch.float32):
                mask, confidence = fetched_together(mask, confidence)
            return mask.cpu().numpy(), confidence.cpu().numpy()


def fetched_together(mask: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """A mask (uint8) and confidences (float32) of one shape in the host's memory, by one copy."""
    import torch

    both = torch.cat([mask.flatten(), confidence.flatten().view(torch.uint8)]).cpu()
    count = mask.numel()
    values = both[count:].clone().view(torch.float32)
    return both[:count].view(mask.shape), values.view(confidence.shape)
