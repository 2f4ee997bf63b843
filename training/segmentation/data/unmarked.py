# SPDX-License-Identifier: GPL-3.0-or-later
"""Truth where just some signals are annotated: what a model says of the rest, and which pixels of
an annotation hold something."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage

from radiofm_core.bundle import TASK_SEGMENTATION
from radiofm_core.errors import UsageError
from radiofm_core.inference import load_bundle
from radiofm_core.spectrum.detections import NOISE_CLASS, UNKNOWN
from radiofm_core.spectrum.model import SegmentationModel
from radiofm_core.spectrum.spec import SpectrogramSpec

from ...waveforms.span import IGNORE
from ..benchmark.emissions import box_in_groups
from ..classes import Classes
from ..shown import groups_of
from .store import Batch

# So likely what the model says has to be, of a pixel of noise and of an emission
LEAST_SURE = 0.8
# The noise floor is what so large a share of a column's pixels, or of the frame's, lie below, after
# a mean over so many rows and columns
FLOOR_PERCENT, SMOOTH = 25, 3
# What is so far above it holds something; noise itself is, now and then
RISE_DB = 2.0
# An annotation in which less than this share of the pixels holds something is weak, and not sparse
LEAST_SHARE = 0.25


@lru_cache(maxsize=2)
def _loaded(name: str) -> SegmentationModel:
    return load_bundle(name, "auto", "auto", TASK_SEGMENTATION)


def model_truth(
    name: str,
    level: np.ndarray,
    evidence: np.ndarray,
    resolution: tuple[float, float],
    spec: SpectrogramSpec,
    classes: Classes,
) -> np.ndarray:
    """What the model ``name`` is sure of in a frame, uint8 (rows, cols): numbers of ``classes``,
    IGNORE elsewhere, and where it says the class that takes the rest.

    Args:
        name: a bundled model's, or a bundle's file.
        level: dB float32 (rows, cols).
        evidence: (lags, 2, rows / row_multiple, cells).
        resolution: Hz per bin, s per row.
        spec: that of frame and model.
        classes: of the truth.

    Raises:
        BundleError: no readable model for segmentation.
        UsageError: one of another spec, or the GNU Radio module is not installed.
    """
    # GNU Radio's part is not there everywhere; groups_of says so
    model = _loaded(name)
    if model.info.spec.fingerprint != spec.fingerprint:
        raise UsageError(
            f"unmarked: {name} has spec {model.info.spec.fingerprint}, the recipe needs "
            f"{spec.fingerprint}; name a model of the same spec"
        )
    planes = evidence[None].astype(np.float32) if spec.evidence_lags else None
    answer = model.answer(level[None, None], resolution, planes)
    batch = Batch(
        torch.from_numpy(level)[None, None],
        torch.zeros(1, *level.shape, dtype=torch.long),
        torch.tensor([resolution]),
        torch.from_numpy(evidence.astype(np.float32))[None],
    )
    told = tuple(torch.from_numpy(part) for part in answer if part is not None)
    names = model.info.class_names
    groups = groups_of(batch, 0, told, spec, names)
    from gnuradio.radiofm.runtime.emission_judge import EmissionJudge

    mask, detections = EmissionJudge(names, model.judge).decide(groups, LEAST_SURE)
    sent = [burst for burst in groups.bursts if _class_of(burst.group, groups, mask)]
    truth = _numbers(names, classes)[mask]
    pixel_is_noise = (answer.mask[0] == NOISE_CLASS) & (answer.confidence[0] >= LEAST_SURE)
    truth[(mask == NOISE_CLASS) & ~pixel_is_noise] = IGNORE
    for burst, detection in zip(sent, detections, strict=True):
        own = groups.group_of == burst.group
        if detection.label == UNKNOWN or (truth[own] == IGNORE).all():
            # with the noise between the parts of a signal, which a mark would hold, too
            box = box_in_groups(burst, groups.geometry)
            rows, cols = slice(burst.first_row, burst.end_row), slice(int(box[2]), round(box[3]))
            inside = truth[rows, cols]
            inside[(inside == NOISE_CLASS) | own[rows, cols]] = IGNORE
    return truth


def _class_of(group: int, groups, mask: np.ndarray) -> int:
    own = groups.group_of == group
    return int(mask[own][0]) if own.any() else NOISE_CLASS


def _numbers(names: tuple[str, ...], classes: Classes) -> np.ndarray:
    """uint8 (256,): the class of ``classes`` by the model's number."""
    table = np.full(256, IGNORE, np.uint8)
    for number, name in enumerate(names):
        if name in classes and not classes[name].takes_rest:
            table[number] = classes.names.index(name)
    table[NOISE_CLASS] = NOISE_CLASS
    return table


def rises(level: np.ndarray) -> np.ndarray:
    """dB (rows, cols) to how far each pixel, with its neighbours, lies above the noise floor, dB:
    that of its column or of the whole frame, whichever is lower, so that what is on all the time
    rises, too."""
    power = ndimage.uniform_filter(10.0 ** (level / 10), SMOOTH, mode="nearest")
    floor = np.percentile(power, FLOOR_PERCENT, axis=0)
    floor = np.minimum(floor, np.percentile(power, FLOOR_PERCENT))
    return 10 * np.log10(power / np.maximum(floor, 1e-30))


def leave_out_noise(truth: np.ndarray, level: np.ndarray, label: int) -> np.ndarray:
    """The truth of a frame in which those pixels of class ``label`` that do not rise above the
    noise are IGNORE: a box around a sweep, or one drawn too wide, holds noise, too. Where hardly
    any rise, the signal is weak, and all stay."""
    own = truth == label
    risen = own & (rises(level) >= RISE_DB)
    parts, count = ndimage.label(own)
    sizes, found = (
        np.bincount(parts[own], minlength=count + 1),
        np.bincount(parts[risen], minlength=count + 1),
    )
    is_sparse = found >= LEAST_SHARE * np.maximum(sizes, 1)
    return np.where(own & ~risen & is_sparse[parts], np.uint8(IGNORE), truth)
