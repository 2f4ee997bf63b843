# SPDX-License-Identifier: GPL-3.0-or-later
"""What models of spectrograms share: what they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UsageError
from ..model import Model
from .spec import CELL_COLS, SpectrogramSpec

if TYPE_CHECKING:
    from torch import Tensor


class FrameModel(Model):
    """A model of spectrograms.

    The module is called with frames (batch, channels, rows, cols) and resolution (batch, 2) and,
    if its spec has ``evidence_lags``, with evidence (batch, lags, 2, rows / row_multiple, 32).
    """

    @staticmethod
    def empty(
        spec: SpectrogramSpec,
    ) -> (
        tuple[np.ndarray, tuple[float, float]] | tuple[np.ndarray, tuple[float, float], np.ndarray]
    ):
        """What :meth:`inputs` takes, of one empty frame; of its evidence none can be judged."""
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

    def inputs(
        self,
        frames_db: np.ndarray,
        resolution: tuple[float, float] | Sequence[tuple[float, float]],
        evidence: np.ndarray | None,
    ) -> tuple[Tensor, ...]:
        """What the module takes, on the model's device.

        Args:
            frames_db: float32 (batch, channels, rows, cols) in dB; rows a multiple of the
                spec's ``row_multiple``.
            resolution: (Hz per bin, seconds per row), of all frames or of each.
            evidence: float32 (batch, lags, 2, rows / row_multiple, 32) of the spec's
                ``evidence_lags``, as :mod:`.evidence` defines it; NaN (and None, all of it) where
                it is not known.

        Raises:
            UsageError: evidence of another shape, or for a model that takes none.
        """
        import torch

        x = self._to_device(torch.from_numpy(frames_db))
        res = torch.tensor(resolution, dtype=torch.float32, device=self.device)
        taken = (x, res.expand(x.shape[0], 2))
        if (known := self._checked_evidence(frames_db, evidence)) is not None:
            taken += (self._to_device(torch.from_numpy(known)),)
        return taken

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


def evidence_shape(spec: SpectrogramSpec, batch: int, rows: int) -> tuple[int, ...]:
    """Of the evidence of ``batch`` frames of ``rows`` rows, a multiple of ``row_multiple``."""
    return batch, len(spec.evidence_lags), 2, rows // spec.row_multiple, CELL_COLS
