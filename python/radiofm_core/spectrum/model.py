# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that says of each pixel of a spectrogram what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import BundleError, UsageError
from ..model import Model, check_shapes
from .spec import CELL_COLS, SpectrogramSpec

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


class SegmentationModel(Model):
    """Classifies the pixels of spectrograms.

    The module is called with frames (batch, channels, rows, cols) and resolution (batch, 2) and,
    if its spec has ``evidence_lags``, with evidence (batch, lags, 2, rows / row_multiple, 32). It
    answers mask and confidence and, if it likes, class scores, as :class:`Answer` has them.
    """

    @staticmethod
    def empty(
        spec: SpectrogramSpec,
    ) -> (
        tuple[np.ndarray, tuple[float, float]] | tuple[np.ndarray, tuple[float, float], np.ndarray]
    ):
        """What :meth:`segment` takes, of one empty frame; of its evidence none can be judged."""
        shape = (1, len(spec.channels), spec.rows, spec.cols)
        rate = spec.sample_rate_min
        resolution = spec.resolution(rate, spec.hops_per_row(rate))
        frames = np.full(shape, spec.floor_db, np.float32)
        if not spec.evidence_lags:
            return frames, resolution
        return frames, resolution, np.full(evidence_shape(spec, 1, spec.rows), np.nan, np.float32)

    @classmethod
    def example(cls, spec: SpectrogramSpec) -> tuple:
        """The same as the module takes it."""
        import torch

        frames, resolution, *evidence = cls.empty(spec)
        return (
            torch.from_numpy(frames),
            torch.tensor([resolution]),
            *map(torch.from_numpy, evidence),
        )

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
        """Classify each pixel.

        Args:
            frames_db: float32 (batch, channels, rows, cols) in dB; rows a multiple of the
                spec's ``row_multiple``.
            resolution: (Hz per bin, seconds per row), of all frames or of each.
            evidence: float32 (batch, lags, 2, rows / row_multiple, 32) of the spec's
                ``evidence_lags``, as :mod:`.evidence` defines it; NaN (and None, all of it) where
                it is not known.

        Raises:
            BundleError: the model answers other shapes.
            UsageError: evidence of another shape, or for a model that takes none.
        """
        import torch

        with torch.inference_mode():
            x = self._to_device(torch.from_numpy(frames_db))
            res = torch.tensor(resolution, dtype=torch.float32, device=self.device)
            inputs = (x, res.expand(x.shape[0], 2))
            if (known := self._checked_evidence(frames_db, evidence)) is not None:
                inputs += (self._to_device(torch.from_numpy(known)),)
            mask, confidence, *more = self._module(*inputs)
            batch, _, rows, cols = frames_db.shape
            check_shapes((mask, confidence), (batch, rows, cols))
            scores = self._scores(more, (batch, rows // SCORE_CELL, cols // SCORE_CELL))
            if mask.is_cuda and (mask.dtype, confidence.dtype) == (torch.uint8, torch.float32):
                mask, confidence = fetched_together(mask, confidence)
            return Answer(mask.cpu().numpy(), confidence.cpu().numpy(), scores)

    def _checked_evidence(
        self, frames_db: np.ndarray, evidence: np.ndarray | None
    ) -> np.ndarray | None:
        spec = self.info.spec
        if not spec.evidence_lags:
            if evidence is not None:
                raise UsageError(
                    f"evidence {evidence.shape}: the model {self.info.name!r} takes none; leave it "
                    "out or load a model whose spec has evidence_lags"
                )
            return None
        expected = evidence_shape(spec, len(frames_db), frames_db.shape[2])
        if evidence is None:
            return np.full(expected, np.nan, np.float32)
        if evidence.shape != expected:
            raise UsageError(
                f"evidence: expected shape {expected} for these frames, got {evidence.shape}"
            )
        return evidence

    def _scores(self, more: list, cells: tuple[int, int, int]) -> np.ndarray | None:
        if not more:
            return None
        if len(more) > 1:
            raise BundleError(f"the model's output: expected 2 or 3 tensors, got {2 + len(more)}")
        batch, rows, cols = cells
        check_shapes((more[0],), (batch, len(self.info.classes), rows, cols))
        return more[0].float().cpu().numpy()


def evidence_shape(spec: SpectrogramSpec, batch: int, rows: int) -> tuple[int, ...]:
    """Of the evidence of ``batch`` frames of ``rows`` rows, a multiple of ``row_multiple``."""
    return batch, len(spec.evidence_lags), 2, rows // spec.row_multiple, CELL_COLS


def fetched_together(mask: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """A mask (uint8) and confidences (float32) of one shape in the host's memory, by one copy."""
    import torch

    both = torch.cat([mask.flatten(), confidence.flatten().view(torch.uint8)]).cpu()
    count = mask.numel()
    values = both[count:].clone().view(torch.float32)
    return both[:count].view(mask.shape), values.view(confidence.shape)
