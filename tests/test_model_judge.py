# SPDX-License-Identifier: GPL-3.0-or-later
"""A judge of emissions in a bundle: asked in fp32 at every precision, by the block, too."""

import re

import numpy as np
import pytest
import torch
from level_model import make_level_bundle
from segmenter_flow import SPEC, TinySegmenter, band_frame, frame_meta, run_frames

from radiofm_core import keys
from radiofm_core.bundle import TASK_SEGMENTATION
from radiofm_core.errors import BundleError
from radiofm_core.inference import load_bundle
from radiofm_core.spectrum.verdict import feature_count
from training.engine.bundle_file import export_bundle
from training.segmentation.classes import DEFAULT

CLASSES = len(DEFAULT)
FEATURES = feature_count(CLASSES, 0)


class JudgingSegmenter(TinySegmenter):
    """Calls a pixel lte or nr by its power, and each emission other: it trusts a weight that is 1
    in fp32 and 0 in bfloat16 arithmetic."""

    def __init__(self, answers: int = CLASSES):
        super().__init__()
        self.fine = torch.nn.Parameter(torch.tensor(1.0 + 2.0**-10))
        self.answers = answers

    @torch.jit.export
    def judge(self, features: torch.Tensor) -> torch.Tensor:
        """(emissions, features) to (emissions, classes)."""
        sure = ((self.fine - 1.0) * 2.0**10).expand(features.shape[0], 1)
        rest = torch.zeros(features.shape[0], self.answers - 1)
        return torch.cat([rest, sure * 0.75], dim=1)


def bundle(path, answers=CLASSES):
    return str(
        export_bundle(
            *(path, JudgingSegmenter(answers), SPEC, "judging", {}, "none", {}),
            *(TASK_SEGMENTATION, DEFAULT.infos),
        )
    )


@pytest.fixture(scope="module")
def judging(tmp_path_factory):
    return bundle(tmp_path_factory.mktemp("models") / "judging.pt")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_judge_answers_in_fp32_at_every_precision(judging, precision):
    model = load_bundle(judging, "cpu", precision)
    told = model.judge(np.zeros((3, FEATURES), np.float32))
    assert told == pytest.approx(np.tile([0, 0, 0, 0, 0.75], (3, 1)))
    assert model.answer_empty()[0].shape == (1, SPEC.rows, SPEC.cols)


def test_a_model_without_a_judge_has_none(tmp_path):
    assert load_bundle(make_level_bundle(tmp_path / "level.pt"), "cpu").judge is None


def test_the_shipped_model_has_one():
    model = load_bundle("default", "cpu")
    spec, classes = model.info.spec, len(model.info.classes)
    count = feature_count(classes, len(spec.evidence_lags))
    told = model.judge(np.zeros((2, count), np.float32))
    assert told.shape == (2, classes) and np.allclose(told.sum(1), 1, atol=1e-5)


def test_a_judge_of_other_classes_is_refused(tmp_path):
    model = load_bundle(bundle(tmp_path / "odd.pt", CLASSES + 1), "cpu")
    with pytest.raises(BundleError, match=r"expected shape \(2, 5\), got \(2, 6\)"):
        model.judge(np.zeros((2, FEATURES), np.float32))


def test_a_judge_of_another_version_s_features_is_refused(tmp_path):
    class Older(JudgingSegmenter):
        @torch.jit.export
        def judge(self, features: torch.Tensor) -> torch.Tensor:
            """(emissions, features less one) to (emissions, classes)."""
            return torch.zeros(features.shape[0], 5) * features.view(-1, 14)[:, :5]

    path = export_bundle(
        *(tmp_path / "older.pt", Older(), SPEC, "older", {}, "none", {}),
        *(TASK_SEGMENTATION, DEFAULT.infos),
    )
    line = rf"older.pt: its judge of emissions does not take the {FEATURES} numbers .* export"
    with pytest.raises(BundleError, match=line):
        load_bundle(str(path), "cpu")


def test_the_blocks_verdict_is_the_judges(judging):
    frames = [band_frame(), band_frame()]
    flow = run_frames(judging, frames, [frame_meta(0), frame_meta(1)])
    for fields in flow.results.fields(keys.PORT_DETECTIONS):
        (found,) = fields[keys.DETECTIONS]
        assert (found[keys.LABEL], found[keys.CONFIDENCE]) == ("other", pytest.approx(0.75))
    for _, mask in flow.results.got[keys.PORT_MASKS]:
        assert set(np.unique(mask)) == {0, 4}


def test_a_judge_that_fails_costs_the_frame_and_is_reported(tmp_path):
    flow = run_frames(bundle(tmp_path / "odd.pt", CLASSES + 1), [band_frame()], [frame_meta(0)])
    assert flow.results.indexes() == []
    # numbers are left out where a process had many reasons already
    error = flow.segmenter.status()[keys.ERROR]
    assert re.search(r"expected shape \((1|#), (5|#)\), got \((1|#), (6|#)\)", error), error
