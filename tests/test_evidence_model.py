# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence on its way from the samples to a model that goes by it, and what comes back."""

import numpy as np
import pytest
import torch
from evidence_model import (
    EVIDENCE_SPEC,
    RATE,
    ShortAnswer,
    make_evidence_bundle,
    repeating,
)
from framer_flow import collect, end_tag
from gnuradio import blocks, radiofm
from gnuradio.radiofm.runtime.frame_batch import check_frame, segment_frames
from segmenter_flow import SPEC, frame_meta, make_bundle

from radiofm_core import keys
from radiofm_core.errors import BundleError, InputError, UsageError
from radiofm_core.inference import load_bundle
from radiofm_core.spectrum.frame_model import evidence_shape
from radiofm_core.spectrum.spec import SpectrogramSpec

CELL = 16 * EVIDENCE_SPEC.row_samples(1)
NOISE, LTE, NR = 0, 1, 2
RESOLUTION = (RATE / 256, 128 / RATE)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_evidence_bundle(tmp_path_factory.mktemp("bundle") / "evidence.pt")


def frames_and_evidence(batch: int, rows: int = 256):
    frames = np.full((batch, 1, rows, 256), -100.0, np.float32)
    return frames, np.zeros(evidence_shape(EVIDENCE_SPEC, batch, rows), np.float32)


def test_samples_that_repeat_are_found_by_a_model_of_their_evidence(bundle):
    # a whole frame and one cut after 40 rows, of which the last half cell lacks a transform
    frame = 16 * CELL
    samples = frame + 40 * CELL // 16
    x = np.append(repeating(samples, 4 * CELL, 12 * CELL), np.complex64(0))
    source = blocks.vector_source_c(x, False, 1, [end_tag(samples)])
    framer = radiofm.spectrogram_framer(RATE, model=str(bundle))
    frames = collect(source, framer, EVIDENCE_SPEC)
    model = load_bundle(bundle, "cpu")
    answers = [segment_frames(model, [one.pixels], [one.info], [one.evidence])[0] for one in frames]
    whole, cut = (answer.mask for answer in answers)
    assert (whole[64:192] == LTE).all() and (whole[:64] == NOISE).all()
    assert (whole[208:] == NOISE).all()
    assert cut.shape == (40, 256)
    assert (cut[:32] == NOISE).all() and (cut[32:] == NR).all()


@pytest.mark.parametrize("precision", ("fp32", "bf16"))
def test_a_model_is_given_its_evidence_and_its_class_scores_are_kept(bundle, precision):
    model = load_bundle(bundle, "cpu", precision)
    frames, evidence = frames_and_evidence(2, 64)
    evidence[1, 0, 0, 2, 5] = 1.0
    answer = model.answer(frames, RESOLUTION, evidence)
    assert (answer.mask[0] == NOISE).all() and answer.mask[1].sum() == 16 * 8
    assert (answer.mask[1, 32:48, 40:48] == LTE).all()
    assert answer.scores.shape == (2, len(model.info.classes), 16, 64)
    assert answer.scores[1].argmax(0)[8:12, 10:12].min() == LTE
    both = model.segment(frames, RESOLUTION, evidence)
    assert all((a == b).all() for a, b in zip(answer[:2], both, strict=True))
    # what is left out, and an empty frame, are not judged
    assert (model.segment(frames, RESOLUTION)[0] == NR).all()
    assert (model.answer_empty().mask == NR).all()


def test_frames_keep_their_own_evidence_and_scores_where_one_of_a_batch_fails(bundle):
    model = load_bundle(bundle, "cpu", "fp32")
    frames, evidence = frames_and_evidence(3)
    evidence[2, 0, 1] = 1.0
    frames[1, 0, 0, 0] = 1.0
    metas = [{**frame_meta(i), keys.ROWS: 41} for i in range(3)]
    found = segment_frames(model, list(frames), metas, list(evidence))
    assert [bool(one.problem) for one in found] == [False, True, False]
    assert (found[0].mask == NOISE).all() and (found[2].mask == LTE).all()
    assert found[2].mask.shape == (41, 256) and found[2].class_scores.shape[1:] == (11, 64)


def test_a_model_may_leave_class_scores_out(tmp_path):
    path = make_evidence_bundle(tmp_path / "short.pt", ShortAnswer())
    model = load_bundle(path, "cpu", "fp32")
    frames, evidence = frames_and_evidence(1)
    assert model.answer(frames, RESOLUTION, evidence).scores is None
    assert (
        segment_frames(model, list(frames), [frame_meta(0)], list(evidence))[0].class_scores is None
    )


class WrongScores(ShortAnswer):
    def forward(self, x, resolution, evidence):
        return x[:, 0].to(torch.uint8), x[:, 0], x[:, :1]


def test_evidence_that_does_not_fit_is_refused_in_one_line(bundle, tmp_path):
    model, plain = load_bundle(bundle, "cpu", "fp32"), load_bundle(make_bundle(tmp_path / "plain"))
    frames, evidence = frames_and_evidence(1)
    with pytest.raises(UsageError, match=r"\(1, 2, 2, 16, 32\).*\(1, 2, 2, 15, 32\)"):
        model.segment(frames, RESOLUTION, evidence[:, :, :, :15])
    with pytest.raises(UsageError, match="'tiny' takes none"):
        plain.segment(frames, RESOLUTION, evidence)
    wrong = load_bundle(make_evidence_bundle(tmp_path / "wrong.pt", WrongScores()), "cpu", "fp32")
    with pytest.raises(BundleError, match=r"expected shape \(1, \d, 64, 64\)"):
        wrong.segment(frames, RESOLUTION, evidence)


def test_frames_with_other_lags_than_the_models_are_refused():
    other = SpectrogramSpec(evidence_lags=(EVIDENCE_SPEC.evidence_lags[0], 24e-6))
    assert other.frame_floats == EVIDENCE_SPEC.frame_floats
    for spec in (SPEC, other):
        meta = {**frame_meta(0), keys.SPEC: spec.fingerprint}
        with pytest.raises(InputError, match=f"{spec.fingerprint}.*same model as the segmenter"):
            check_frame(meta, EVIDENCE_SPEC)


def test_the_length_of_frame_vectors_follows_from_the_model(bundle):
    assert radiofm.frame_floats(str(bundle)) == EVIDENCE_SPEC.frame_floats > SPEC.frame_floats
    assert radiofm.frame_floats("") == radiofm.frame_floats("default")
    assert radiofm.frame_floats() == load_bundle("default", "cpu").info.spec.frame_floats
    with pytest.raises(BundleError, match="no-such-model"):
        radiofm.frame_floats("no-such-model")
