# SPDX-License-Identifier: GPL-3.0-or-later
"""The patch encoder: what it sees of power and evidence, and what pre-training hides from it."""

import numpy as np
import pytest
import torch
from training_runs import make_frames, small_recipe, use_frames

from radiofm_core.spectrum.evidence_grid import EvidenceGrid
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.encoder.evidence import CellLooks, EvidenceTokens
from training.encoder.inputs import Contrast, contrasts_of_patches
from training.engine.masks import draw_masks
from training.segmentation import stages
from training.segmentation.build import build_masked, build_model
from training.segmentation.data.store import WITHOUT_EVIDENCE, WITHOUT_LONG_LAGS, FrameSet
from training.segmentation.model import CalibratedSegmenter, ModelConfig
from training.segmentation.patch_masking import cell_strengths, evenly_masked, patch_levels

LAGS = (1 / 15e3, 3.2e-6, 10e-3)
SPEC = SpectrogramSpec(evidence_lags=LAGS)
PATCH = ModelConfig(
    dim=16,
    depth=2,
    heads=2,
    stem_widths=(4, 8),
    edge_widths=(8, 4),
    kind="patch",
    expansion=2,
    decoder_dim=16,
    decoder_depth=1,
    decoder_heads=2,
)
RESOLUTION = torch.tensor([[60e3, 78e-6], [240e3, 78e-6]])


@pytest.fixture
def recipe(tmp_path):
    torch.manual_seed(3)
    return small_recipe(tmp_path, PATCH, spec=SPEC)


@pytest.fixture
def frames():
    torch.manual_seed(4)
    evidence = torch.randn(2, len(LAGS), 2, 4, 32) * 0.05
    evidence[:, 2] = torch.nan
    return torch.randn(2, 1, 64, 256) * 10 - 70, RESOLUTION, evidence


def test_looks_are_those_of_the_framer():
    for rate in (1.92e6, 5e6, 10.005e6, 15.36e6, 20.01e6, 61.44e6, 122.88e6):
        hops = SPEC.hops_per_row(rate)
        resolution = torch.tensor([SPEC.resolution(rate, hops)])
        wanted = EvidenceGrid.of(SPEC, rate, hops).looks
        assert CellLooks()(resolution, SPEC.cols).item() == pytest.approx(wanted, rel=0.02)


def test_evidence_is_looked_at_and_may_be_missing(recipe, frames):
    level, resolution, evidence = frames
    model = build_model(recipe).eval()
    told = model.logits(level, resolution, evidence)
    assert told.isfinite().all()
    assert not torch.equal(told, model.logits(level, resolution, evidence * 3))
    nothing = torch.full_like(evidence, torch.nan)
    assert torch.equal(model.logits(level, resolution, nothing), model.logits(level, resolution))


def test_scripted_it_answers_alike(recipe, frames):
    model = build_model(recipe).eval()
    answers = torch.jit.script(model)(*frames)
    for ours, theirs in zip(model(*frames), answers, strict=True):
        assert torch.allclose(ours.float(), theirs.float(), atol=1e-5)
    mask, confidence, scores = answers
    assert mask.shape == confidence.shape == (2, 64, 256)
    assert scores.shape == (2, 5, 16, 64)
    assert torch.allclose(scores.exp().sum(1), torch.ones(2, 16, 64), atol=1e-5)


def test_its_answer_is_that_of_its_logits(recipe, frames):
    """Mask, confidence and scores of places in any order are those of a picture of logits."""
    torch.manual_seed(0)
    model = build_model(recipe).eval()
    model.offsets.copy_(torch.linspace(-0.5, 0.5, len(model.offsets)))
    model.temperature.fill_(1.4)
    level, resolution, evidence = frames
    with torch.inference_mode():
        told = model(level, resolution, evidence)
        wanted = CalibratedSegmenter.forward(model, level, resolution, evidence)
    assert torch.equal(told[0], wanted[0]) and len(told[0].unique()) > 1
    for ours, theirs in zip(told[1:], wanted[1:], strict=True):
        torch.testing.assert_close(ours, theirs)


def test_magnitudes_are_taken_after_summing_over_an_emission():
    # cells in phase add up; cells of random phases do not
    tokens = EvidenceTokens(1, 16)
    level, resolution = torch.zeros(1, 256, 256), torch.tensor([[60e3, 78e-6]])
    aligned = torch.zeros(1, 1, 2, 16, 32)
    aligned[:, :, 0] = 0.03
    angle = torch.rand(16, 32, generator=torch.Generator().manual_seed(1)) * 6.2832
    turned = torch.stack([angle.cos(), angle.sin()])[None, None] * 0.03
    ours = tokens.features(aligned, level, resolution)
    theirs = tokens.features(turned, level, resolution)
    own, frame = slice(0, 4), slice(4 + 2 * 3, 4 + 2 * 4)
    assert torch.allclose(ours[..., own], theirs[..., own], atol=1e-4)
    assert (ours[..., frame][..., 1] > 1.5 * theirs[..., frame][..., 1]).all()


def test_a_loud_emission_is_not_drowned_in_the_noise_beside_it():
    tokens = EvidenceTokens(1, 16)
    resolution = torch.tensor([[60e3, 78e-6]])
    level = torch.zeros(1, 256, 256)
    level[:, :, 128:144] = 3.0  # 30 dB
    evidence = torch.zeros(1, 1, 2, 16, 32)
    evidence[:, :, 0, :, 16:18] = 0.2
    around = tokens.features(evidence, level, resolution)[0, 8, 9]  # the token beside it
    assert around[6] > 0.15  # three by three tokens: magnitude as of the loud one
    assert around[0] == 0  # its own cell has none


def test_pretraining_computes_visible_patches_alone(recipe, frames, monkeypatch):
    level, resolution, evidence = frames
    model = build_masked(build_model(recipe), recipe).eval()
    masked = draw_masks(2, 4, 16, 0.75, np.random.default_rng(0))
    seen = []
    tokens_of = model.encoder.stem.tokens_of
    monkeypatch.setattr(
        model.encoder.stem, "tokens_of", lambda x: seen.append(x.shape) or tokens_of(x)
    )
    guess, truth = model(level, resolution, evidence, masked)
    assert seen == [(2 * 16, 3, 16, 16)]
    assert guess.shape == truth.shape == (2, 1, 64, 256)
    # what is hidden changes nothing but the frame's own median, and that not here
    grid = masked.view(2, 4, 16)
    pixels = grid.repeat_interleave(16, 1).repeat_interleave(16, 2)[:, None]
    x = model.encoder.normalise(level)
    other = torch.where(pixels, x.flip(2), x)
    cells = grid.repeat_interleave(2, 2)[:, None, None]
    changed = torch.where(cells, evidence + 0.3, evidence)
    ours = model.guesses(x, resolution, evidence, masked)
    theirs = model.guesses(other, resolution, changed, masked)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, theirs, strict=True))


def test_visible_patches_are_shown_as_in_a_frame_whose_others_are_blank(recipe, frames):
    level, resolution, _ = frames
    encoder = build_model(recipe).encoder.eval()
    x = encoder.normalise(level)
    masked = draw_masks(2, 4, 16, 0.6, np.random.default_rng(1))
    masked[:, 15::16] = True  # a column of which nothing is visible
    masked = evenly_masked(masked)
    keep = (~masked).nonzero()[:, 1].view(2, -1)
    visible = ~masked.view(2, 4, 16)
    pixels = visible.repeat_interleave(16, 1).repeat_interleave(16, 2)[:, None].float()

    def patches(image):
        grid = image.unflatten(3, (16, 16)).unflatten(2, (4, 16)).permute(0, 2, 4, 1, 3, 5)
        return torch.stack([grid.flatten(1, 2)[n, kept] for n, kept in enumerate(keep)])

    over_time, over_frequency = Contrast()(x, pixels)
    found = contrasts_of_patches(x, keep, visible)
    for ours, whole in zip(found, (x, over_time, over_frequency), strict=True):
        torch.testing.assert_close(ours, patches(whole), rtol=0, atol=1e-5)
    ours = encoder.frame_spectrum.of_patches(found[1][:, :, 0], resolution[:, 1], keep, 4, 16)
    theirs = encoder.frame_spectrum(over_time[:, 0], resolution[:, 1])
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_patches_alone_learn_as_in_a_frame(recipe):
    torch.manual_seed(5)
    stems = [build_model(recipe).encoder.stem.train() for _ in range(2)]
    stems[1].load_state_dict(stems[0].state_dict())
    patches, wanted = torch.randn(24, 3, 16, 16), torch.randn(24, 16)
    found = stems[0](patches)[2].flatten(1), stems[1].tokens_of(patches)
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)
    for tokens in found:
        (tokens - wanted).square().sum().backward()
    for (name, ours), theirs in zip(
        stems[1].named_parameters(), stems[0].parameters(), strict=True
    ):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-3, msg=name)
    for ours, theirs in zip(stems[1].buffers(), stems[0].buffers(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_visible_tokens_are_those_of_the_whole_frame_where_nothing_is_hidden(recipe, frames):
    level, resolution, evidence = frames
    encoder = build_model(recipe).encoder.eval()
    x = encoder.normalise(level)
    keep = torch.arange(64).expand(2, -1)
    whole = encoder.encode(x, resolution, evidence)[2].flatten(2).transpose(1, 2)
    visible = encoder.encode_visible(x, resolution, evidence, keep)
    assert torch.allclose(whole, visible, atol=1e-4)


def test_noise_patches_weigh_little_in_pretraining(recipe, frames):
    _, resolution, evidence = frames
    model = build_masked(build_model(recipe), recipe).eval()
    level = torch.randn(2, 1, 64, 256) - 70  # dB: smoothed over 16 pixels, a quarter of that
    level[:, :, :16, :16] += 20 * torch.rand(2, 1, 16, 16).round()
    _, contrast, shape = patch_levels(model.encoder.normalise(level))
    assert contrast[:, 0].min() > 2 * contrast[:, 1:].max()
    assert shape.square().mean(2)[:, 0] == pytest.approx([1.0, 1.0], abs=1e-3)
    masked = draw_masks(2, 4, 16, 0.75, np.random.default_rng(0))
    model.loss(level, resolution, evidence, masked).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_strengths_to_guess_are_unknown_where_lags_are_not_judged(frames):
    strengths = cell_strengths(frames[2], RESOLUTION, 256)
    assert strengths.shape == (2, 4, 16, 6)
    assert strengths[..., 4:].isnan().all()
    assert (strengths[..., :4] >= 0).all()


def test_batches_leave_evidence_out_at_random_and_mirror_it(tmp_path):
    plain = make_frames(tmp_path / "frames", 64, spec=SPEC)
    assert isinstance(plain, FrameSet)
    whole = plain.batch(np.arange(64)).evidence
    assert whole.isfinite().all()
    rng = np.random.default_rng(0)
    drawn = [plain.augmented(np.arange(64), rng).evidence for _ in range(20)]
    nothing = np.mean([e.flatten(1).isnan().all(1).float().mean() for e in drawn])
    no_long = np.mean([e[:, 2].flatten(1).isnan().all(1).float().mean() for e in drawn])
    assert nothing == pytest.approx(WITHOUT_EVIDENCE, abs=0.03)
    assert no_long == pytest.approx(WITHOUT_EVIDENCE + WITHOUT_LONG_LAGS, abs=0.04)
    full = next(e for e in drawn if e.shape == whole.shape)
    mirrored = whole.flip(4) * torch.tensor([1.0, -1.0])[:, None, None]
    kept = full[:, 0].isfinite().flatten(1).all(1)
    as_it_was = (full[:, 0] == whole[:, 0]).flatten(1).all(1)
    as_mirrored = (full[:, 0] == mirrored[:, 0]).flatten(1).all(1)
    assert (as_it_was ^ as_mirrored)[kept].all()
    assert as_mirrored.any() and as_it_was.any()


def test_frames_of_a_batch_hide_as_many_patches_and_none_less_than_drawn():
    masked = draw_masks(64, 8, 16, 0.7, np.random.default_rng(0))
    assert len(set(masked.sum(1).tolist())) > 1
    even = evenly_masked(masked)
    assert set(even.sum(1).tolist()) == {int(masked.sum(1).max())}
    assert (even | ~masked).all()


def test_it_is_pretrained_and_trained_on_frames_with_evidence(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "frame_set", stages.frame_set)
    use_frames(tmp_path)
    model = stages.finetune(small_recipe(tmp_path, PATCH, spec=SPEC))
    moved = build_model(small_recipe(tmp_path, PATCH, spec=SPEC)).state_dict()
    same = [k for k, v in model.named_parameters() if torch.equal(v, moved[k])]
    assert not same
