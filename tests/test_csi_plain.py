# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's activity classifier: its image, its constants, its encoder from spectrograms."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from csi_clips import SPEEDS, moving_packets, write_recordings
from csi_training_runs import PLAIN, SPEC, STEM, small_recipe
from training_runs import PLAIN as PLAIN_SEGMENTER
from training_runs import SPEC as FRAME_SPEC
from training_runs import STEM as STEM_SEGMENTER
from training_runs import small_recipe as segmenter_recipe

from radiofm_core.bundle import TASK_ACTIVITY, TASK_SEGMENTATION
from radiofm_core.csi.windows import frame_packets
from radiofm_core.errors import UsageError
from radiofm_core.inference import load_bundle
from training.activity import stages
from training.activity.build import build_model
from training.activity.plain_model import (
    SIDE,
    Image,
    PlainActivityClassifier,
    PlainMaskedActivity,
)
from training.engine.bundle_file import export_bundle
from training.engine.masks import draw_masks, masked_loss
from training.segmentation.build import build_model as build_segmenter
from training.segmentation.classes import DEFAULT

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("csi") / "recordings"
    write_recordings(folder, runs=3)
    return folder


def segmenter_bundle(path, config):
    model = build_segmenter(segmenter_recipe(path.parent, replace(config, depth=1)))
    recipe = {"model": {"kind": config.kind, "depth": 1}}
    return model, export_bundle(
        path, model, FRAME_SPEC, "frames", recipe, "none", {}, TASK_SEGMENTATION, DEFAULT.infos
    )


def test_the_image_is_time_by_antennas_and_subcarriers():
    """A bright antenna and a bright instant are where they belong."""
    values = torch.ones(1, 100, 20, 3)
    values[..., 1] = 10.0
    values[:, 50:] *= 10.0
    image = Image().resized(values, 3)[0, 0]
    assert image.shape == (SIDE, SIDE)
    third = SIDE // 3
    corners = [image[t, f].item() for t in (20, 200) for f in (20, third + 37, 200)]
    assert corners == pytest.approx([0, 20, 0, 20, 40, 20], abs=0.01)
    # phases are not looked at
    more = torch.cat([values, torch.rand(1, 100, 20, 4)], dim=3)
    assert torch.equal(Image().resized(more, 3)[0, 0], image)


def test_images_are_standardised_with_constants_of_the_training_set():
    batches = [1 + torch.rand(8, 100, 20, 2) * scale for scale in (1, 4)]
    image = Image()
    image.learn(iter(batches), 2)
    shown = torch.cat([image(values, 2) for values in batches])
    assert shown.shape == (16, 1, 1, SIDE, SIDE)
    assert shown.mean().item() == pytest.approx(0, abs=1e-3)
    assert shown.std().item() == pytest.approx(1, abs=1e-3)
    known = image.mean.item(), image.deviation.item()
    image.learn([torch.ones(8, 100, 20, 2)], 2)
    assert (image.mean.item(), image.deviation.item()) == known


def test_hidden_patches_of_images_are_not_seen():
    torch.manual_seed(0)
    model = PlainMaskedActivity(PlainActivityClassifier(PLAIN, 3), PLAIN).eval()
    target = torch.randn(2, 1, SIDE, SIDE)
    masked = draw_masks(2, 14, 14, 0.75, np.random.default_rng(0), ("random",))
    hidden = masked.view(2, 1, 14, 14).repeat_interleave(16, 2).repeat_interleave(16, 3)
    found, truth = model(target, masked)
    assert found.shape == target.shape
    assert torch.allclose(found, model(torch.where(hidden, target + 5, target), masked)[0])
    masked_loss(found, truth, masked).backward()
    assert model.encoder.blocks[0].qkv.weight.grad.abs().sum() > 0


def test_a_plain_recipe_runs_to_a_bundle_that_classifies(tmp_path, recordings):
    recipe = small_recipe(tmp_path, recordings, model=PLAIN, folds=0)
    path = stages.export(recipe)
    model = load_bundle(path, "cpu", "fp32", TASK_ACTIVITY)
    values = np.stack([w.values for w in frame_packets(moving_packets(1.0, 3.0), SPEC)])
    shares = model.classify(values, 1)
    assert shares.shape == (len(values), len(SPEEDS)) and np.allclose(shares.sum(1), 1, atol=1e-5)
    trained = stages.finetune(recipe).eval()
    assert float(trained.views.deviation) > 0.5  # dB
    with torch.inference_mode():
        assert np.allclose(
            shares,
            trained(
                torch.from_numpy(values), 1, torch.ones(values.shape[:2], dtype=torch.bool)
            ).numpy(),
            atol=2e-2,
        )


def test_a_frozen_encoder_of_spectrograms_stays(tmp_path, recordings):
    segmenter, start = segmenter_bundle(tmp_path / "frames.pt", PLAIN_SEGMENTER)
    recipe = small_recipe(tmp_path, recordings, model=PLAIN, folds=0, pretrain=None)
    recipe = replace(
        recipe, start=str(start), finetune=replace(recipe.finetune, adapt="frozen", loss="plain")
    )
    trained = stages.finetune(recipe)
    before = segmenter.encoder.state_dict()
    for name, weight in trained.encoder.state_dict().items():  # a bundle's are float16
        torch.testing.assert_close(weight, before[name], rtol=1e-3, atol=1e-6)
    torch.manual_seed(recipe.seed)
    new = build_model(recipe).classify.weight
    assert not torch.equal(trained.classify.weight, new)


def test_the_encoder_of_another_kind_is_refused(tmp_path, recordings):
    for config, other in ((PLAIN, STEM_SEGMENTER), (STEM, PLAIN_SEGMENTER)):
        _, start = segmenter_bundle(tmp_path / f"{other.kind}.pt", other)
        recipe = small_recipe(tmp_path, recordings, model=config, start=str(start))
        with pytest.raises(UsageError, match=f"another kind or size .*'{other.kind}'"):
            stages.pretrain(recipe)
