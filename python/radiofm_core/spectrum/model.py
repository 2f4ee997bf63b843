# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that says of each pixel of a spectrogram what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import BundleError
from ..model import check_shapes
from .frame_model import FrameModel
from .verdict import feature_count

if TYPE_CHECKING:
    from torch import Tensor

# Rows and columns of a cell of class scores
SCORE_CELL = 4


class Answer(NamedTuple):
    """What a model says of a batch of frames.

    ``mask``: uint8 (batch, rows, cols) of class indexes. ``confidence``: the winning class's
    probability, float32, same shape. ``scores``: log-probabilities float32 (batch, classes,
    rows / 4, cols / 4), of a model that tells them.
    """

    mask: np.ndarray
    confidence: np.ndarray
    scores: np.ndarray | None = None


class SegmentationModel(FrameModel):
    """Classifies the pixels of spectrograms.

    The module answers mask and confidence and, if it likes, class scores, as :class:`Answer` has
    them.
    """

    def __init__(self, info, module, device: str, precision: str, judge=None):
        super().__init__(info, module, device, precision, judge)
        if judge is not None:
            self._check_judge()

    def _check_judge(self) -> None:
        """Raises BundleError unless the judge takes what emissions are described by here."""
        import torch

        count = feature_count(len(self.info.classes), len(self.info.spec.evidence_lags))
        try:
            with torch.inference_mode():
                self._judge(torch.zeros(1, count))
        except RuntimeError as error:
            raise BundleError(
                f"{self.info.path}: its judge of emissions does not take the {count} numbers by "
                "which this version of the project describes an emission; export the model again "
                "with this version (python -m training.export)"
            ) from error

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

    def answer_empty(self) -> Answer:
        """Classify one empty frame."""
        return self.answer(*self.empty(self.info.spec))

    def segment(
        self,
        frames_db: np.ndarray,
        resolution: tuple[float, float],
        evidence: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mask and confidence of :meth:`answer`."""
        return self.answer(frames_db, resolution, evidence)[:2]

    def answer(
        self,
        frames_db: np.ndarray,
        resolution: tuple[float, float] | Sequence[tuple[float, float]],
        evidence: np.ndarray | None = None,
    ) -> Answer:
        """Classify each pixel; arguments as of :meth:`inputs`.

        Raises:
            BundleError: the model answers other shapes.
            UsageError: evidence of another shape, or for a model that takes none.
        """
        import torch

        with torch.inference_mode():
            mask, confidence, *more = self._module(*self.inputs(frames_db, resolution, evidence))
            batch, _, rows, cols = frames_db.shape
            check_shapes((mask, confidence), (batch, rows, cols))
            scores = self._scores(more, (batch, rows // SCORE_CELL, cols // SCORE_CELL))
            if mask.is_cuda and (mask.dtype, confidence.dtype) == (torch.uint8, torch.float32):
                mask, confidence = fetched_together(mask, confidence)
            return Answer(mask.cpu().numpy(), confidence.cpu().numpy(), scores)

    def _scores(self, more: list, cells: tuple[int, int, int]) -> np.ndarray | None:
        if not more:
            return None
        if len(more) > 1:
            raise BundleError(f"the model's output: expected 2 or 3 tensors, got {2 + len(more)}")
        batch, rows, cols = cells
        check_shapes((more[0],), (batch, len(self.info.classes), rows, cols))
        return more[0].float().cpu().numpy()


def fetched_together(mask: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """A mask (uint8) and confidences (float32) of one shape in the host's memory, by one copy."""
    import torch

    both = torch.cat([mask.flatten(), confidence.flatten().view(torch.uint8)]).cpu()
    count = mask.numel()
    values = both[count:].clone().view(torch.float32)
    return both[:count].view(mask.shape), values.view(confidence.shape)
