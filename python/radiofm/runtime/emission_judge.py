# SPDX-License-Identifier: GPL-3.0-or-later
"""From a frame's emissions to verdicts, detections, and a mask that follows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from radiofm_core.spectrum.band_memory import BandMemory
from radiofm_core.spectrum.detections import NOISE_CLASS, Detection
from radiofm_core.spectrum.noise_memory import NoiseMemory
from radiofm_core.spectrum.verdict import ModelJudge, Verdict, judge

from .frame_groups import Burst, FrameGroups


class EmissionJudge:
    """Judges the emissions of a stream's frames, in their order.

    Args:
        class_names: the bundle's classes in mask order; 0 is noise.
        model_judge: the model's own, if it has one.
    """

    def __init__(self, class_names: Sequence[str], model_judge: ModelJudge | None = None):
        self._class_names = class_names
        self._model_judge = model_judge
        self._memory = BandMemory()
        self._noise = NoiseMemory()

    def forget(self) -> None:
        """As at the start of a run."""
        self._memory.forget()
        self._noise.forget()

    def decide(
        self, found: FrameGroups, min_confidence: float = 0.5
    ) -> tuple[np.ndarray, list[Detection]]:
        """The frame's mask, with one class for each emission, and its detections: one for each
        burst, by start and then frequency; those of an emission share the verdict.

        In the mask, which has no ``unknown``, such an emission has the class that fits best. What
        is judged to be noise, and pixels of no emission, are noise there.

        Args:
            found: the frame's emissions.
            min_confidence: an emission with less is ``unknown``.
        """
        known = self._memory.add(found.bands, found.statistics, found.geometry)
        verdicts = [
            judge(statistics, shape, self._class_names, min_confidence, self._model_judge)
            for statistics, shape in zip(known, found.shapes, strict=True)
        ]
        is_old_noise = self._noise.add(found.levels, found.geometry)
        verdicts = [
            replace(verdict, best=NOISE_CLASS) if old else verdict
            for verdict, old in zip(verdicts, is_old_noise, strict=True)
        ]
        # group -1 is the last element
        classes = np.array([*(verdict.best for verdict in verdicts), 0], np.uint8)
        mask = classes[found.group_of]
        sent = [b for b in found.bursts if verdicts[b.group].best != NOISE_CLASS]
        return mask, [_detection(b, verdicts[b.group], found) for b in sent]


def _detection(burst: Burst, verdict: Verdict, found: FrameGroups) -> Detection:
    geometry = found.geometry
    return Detection(
        label=verdict.label,
        confidence=verdict.confidence,
        center_frequency=(burst.low + burst.high) / 2,
        bandwidth=burst.high - burst.low,
        start_time=geometry.row_time(burst.first_row),
        duration=(burst.end_row - burst.first_row) * geometry.row_duration,
        start_offset=geometry.sample_offset + burst.first_row * geometry.row_samples,
        end_offset=geometry.sample_offset + burst.end_row * geometry.row_samples,
        snr_db=burst.snr_db,
        pwr_db=burst.pwr_db,
        subcarrier_spacing=verdict.subcarrier_spacing,
        evidence=verdict.evidence,
    )
