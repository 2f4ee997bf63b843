# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF annotations as training's truth."""

import numpy as np

from fuzz.harness import may_refuse
from fuzz.targets import sigmf
from radiofm_core.errors import InputError
from training.segmentation.classes import DEFAULT
from training.segmentation.data.annotations import read_boxes, truth_of_boxes
from training.segmentation.data.labels import label_classes, numbers_of

seeds = sigmf.seeds
mutate = sigmf.mutate_annotations


def run(data: bytes) -> None:
    """The truth of one frame of 16 rows."""
    with may_refuse(InputError):
        recording = sigmf.opened(data)
        boxes = read_boxes(recording, label_classes({"Wi-Fi": "other"}, DEFAULT))
        span = (recording.captures[0].center_frequency, recording.sample_rate)
        truth = truth_of_boxes(boxes, 0, 64, (16, 32), span)
        assert truth.shape == (16, 32) and np.isin(truth, list(numbers_of(DEFAULT).values())).all()
