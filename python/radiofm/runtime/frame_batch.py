# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a segmentation model on frames of any number of rows, and checks what it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radiofm_core import keys
from radiofm_core.errors import InputError, one_line
from radiofm_core.fields import check_numbers, check_present, check_time, check_whole, shown
from radiofm_core.spectrum.frame_model import evidence_shape
from radiofm_core.spectrum.model import SCORE_CELL, Answer, SegmentationModel
from radiofm_core.spectrum.spec import SpectrogramSpec

_WHOLE = (
    keys.ROWS,
    keys.COLS,
    keys.CHANNELS,
    keys.FRAME_INDEX,
    keys.SAMPLE_OFFSET,
    keys.ROW_SAMPLES,
)
_NUMBERS = (keys.SAMPLE_RATE, keys.ROW_DURATION, keys.CENTER_FREQUENCY)
_POSITIVE = (keys.ROWS, keys.ROW_SAMPLES, keys.SAMPLE_RATE, keys.ROW_DURATION)


@dataclass(frozen=True)
class Segmented:
    """One frame's answer: its valid rows only, or why there is none.

    ``class_scores``: float32 (classes, rows / 4 rounded up, cols / 4), log probabilities, of models
    that answer them.
    """

    mask: np.ndarray | None = None
    confidence: np.ndarray | None = None
    class_scores: np.ndarray | None = None
    problem: str = ""


def check_frame(frame: object, spec: SpectrogramSpec) -> None:
    """Raise InputError unless a frame with this dict can be segmented by a model of ``spec``."""
    check_present(frame, (*_WHOLE, *_NUMBERS, keys.RX_TIME, keys.SPEC), f"`{keys.TAG_FRAME}` tag")
    if not isinstance(frame[keys.SPEC], str) or frame[keys.SPEC] != spec.fingerprint:
        raise InputError(
            f"its spectrogram spec is {shown(frame[keys.SPEC])}, the model's is "
            f"{spec.fingerprint}; give the framer the same model as the segmenter"
        )
    check_whole(frame, _WHOLE)
    check_numbers(frame, _NUMBERS)
    check_time(frame, keys.RX_TIME)
    shape = (frame[keys.CHANNELS], frame[keys.COLS])
    if shape != (len(spec.channels), spec.cols):
        raise InputError(
            f"its channels and columns are {shape}, not {(len(spec.channels), spec.cols)}"
        )
    for key in _POSITIVE:
        if not frame[key] > 0:
            raise InputError(f"its {key}: expected a number above 0, got {frame[key]!r}")
    if frame[keys.ROWS] > spec.rows:
        raise InputError(f"its {frame[keys.ROWS]} rows are more than the spec's {spec.rows}")
    if not spec.sample_rate_min <= frame[keys.SAMPLE_RATE] <= spec.sample_rate_max:
        raise InputError(
            f"its {keys.SAMPLE_RATE} {frame[keys.SAMPLE_RATE]:g} Hz is outside the model's range "
            f"{spec.sample_rate_min:g} to {spec.sample_rate_max:g} Hz"
        )


def split_frame(vector: np.ndarray, spec: SpectrogramSpec) -> tuple[np.ndarray, np.ndarray | None]:
    """Power and evidence of a frame vector, as views of it.

    Args:
        vector: float32 (spec.frame_floats,).

    Returns:
        Power in dB (channels, spec.rows, cols); evidence (lags, 2, spec.rows / row_multiple, 32),
        None of a spec without lags.
    """
    power = vector[: spec.power_floats].reshape(len(spec.channels), spec.rows, spec.cols)
    if not spec.evidence_lags:
        return power, None
    return power, vector[spec.power_floats :].reshape(evidence_shape(spec, 1, spec.rows)[1:])


def padded_rows(rows: int, spec: SpectrogramSpec) -> int:
    """``rows`` rounded up to what the model takes."""
    return -(-rows // spec.row_multiple) * spec.row_multiple


def pad_frame(frame_db: np.ndarray, rows: int, spec: SpectrogramSpec) -> np.ndarray:
    """The first ``rows`` rows, continued by their mirror image up to ``row_multiple``.

    Args:
        frame_db: float32 (channels, spec.rows, cols); what follows ``rows`` is filler.

    Returns:
        float32 (channels, padded_rows(rows), cols).
    """
    valid = frame_db[:, :rows]
    extra = padded_rows(rows, spec) - rows
    # the mirror looks like the signal going on; the filler would look like its end
    return np.pad(valid, ((0, 0), (0, extra), (0, 0)), "symmetric") if extra else valid


def segment_frames(
    bundle: SegmentationModel,
    frames_db: list[np.ndarray],
    metas: list[dict],
    evidence: list[np.ndarray] | None = None,
) -> list[Segmented]:
    """Segment frames that share their padded row count.

    Args:
        bundle: the model.
        frames_db: float32 (channels, spec.rows, cols) each.
        metas: the frames' dicts, checked by :func:`check_frame`.
        evidence: float32 (lags, 2, spec.rows / row_multiple, 32) each, if the model takes any.

    Returns:
        One answer a frame. When the model fails on a batch, its frames are tried one by one,
        so that a bad frame takes no good one with it.
    """
    spec = bundle.info.spec
    batch = np.stack(
        [
            pad_frame(f, m[keys.ROWS], spec) if m[keys.ROWS] < spec.rows else f
            for f, m in zip(frames_db, metas, strict=True)
        ]
    )
    resolution = [(m[keys.SAMPLE_RATE] / spec.cols, m[keys.ROW_DURATION]) for m in metas]
    known = None
    if evidence is not None:
        cell_rows = batch.shape[2] // spec.row_multiple
        known = np.stack([e[:, :, :cell_rows] for e in evidence])
    try:
        answer = bundle.answer(batch, resolution, known)
    except Exception as error:  # whatever a model raises, out of memory included
        if len(metas) == 1:
            return [Segmented(problem=f"the model failed: {one_line(error)}")]
        singles = evidence or [None] * len(metas)
        return [
            segment_frames(bundle, [f], [m], None if e is None else [e])[0]
            for f, m, e in zip(frames_db, metas, singles, strict=True)
        ]
    return [_checked(answer, i, m[keys.ROWS], bundle) for i, m in enumerate(metas)]


def _checked(answer: Answer, index: int, rows: int, bundle: SegmentationModel) -> Segmented:
    mask, confidence = answer.mask[index, :rows], answer.confidence[index, :rows]
    if not np.isfinite(confidence).all():
        bad = int(np.count_nonzero(~np.isfinite(confidence)))
        return Segmented(problem=f"the model answered {bad} confidences that are not finite")
    classes = len(bundle.info.classes)
    if mask.dtype != np.uint8 or int(mask.max()) >= classes:
        return Segmented(
            problem=f"the model answered class {int(mask.max())} ({mask.dtype}), it has {classes}"
        )
    scores = None
    if answer.scores is not None:
        scores = answer.scores[index, :, : -(-rows // SCORE_CELL)]
        if np.isnan(scores).any():
            bad = int(np.count_nonzero(np.isnan(scores)))
            return Segmented(problem=f"the model answered {bad} class scores that are no numbers")
    return Segmented(
        np.ascontiguousarray(mask), np.ascontiguousarray(confidence, np.float32), scores
    )
