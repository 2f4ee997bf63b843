# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that come with the package: what their recipes make, and they say where they are
from."""

import json
import re
from pathlib import Path

import pytest
import torch

from radiofm_core.bundle import TASK_ENCODER, BundleInfo, bundled_models, read_bundle_info
from training.activity.model import StemActivityClassifier
from training.engine.bundle_file import weights_of
from training.segmentation.build import build_masked, build_model
from training.segmentation.encoder_stages import SCORES, SCRATCH
from training.segmentation.patch_masking import ExportedEncoder
from training.tasks import TASKS, read_recipe

RECIPES = Path(__file__).parents[1] / "training/recipes"
MODELS = {
    "segmenter-vit-tiny": "default.yaml",
    "encoder-vit-tiny": "encoder.yaml",
    "activity-vit-tiny": "activity.yaml",
}


def untrained(info: BundleInfo) -> torch.nn.Module:
    """The recipe's model as training begins with it."""
    recipe = read_recipe(RECIPES / MODELS[info.name])
    if recipe.task == "csi-activity":  # its classes are in data that is not at hand
        return StemActivityClassifier(recipe.model, len(info.classes), recipe.spec)
    if recipe.task == TASK_ENCODER:
        return ExportedEncoder(build_masked(build_model(recipe), recipe))
    return build_model(recipe)


def code_of(module: torch.jit.ScriptModule) -> dict[str, str]:
    """TorchScript by place in the model, without the names of Python's modules, and with the
    numbers of its variables in the order in which they come."""
    return {
        name: numbered(re.sub(r"__torch__\.[\w.]+?(\w+)\b", r"\1", part.code))
        for name, part in module.named_modules()
        if hasattr(part, "code") and part.forward is not None
    }


def numbered(code: str) -> str:
    """``code`` with new numbers at the ends of names: reading a file numbers them otherwise."""
    known: dict[str, dict[str, int]] = {}

    def rename(name: re.Match) -> str:
        numbers = known.setdefault(name[1], {})
        return f"{name[1]}{numbers.setdefault(name[2], len(numbers))}"

    return re.sub(r"\b([A-Za-z_]\w*?)(\d+)\b", rename, code)


@pytest.fixture(params=sorted(MODELS))
def info(request) -> BundleInfo:
    return read_bundle_info(request.param)


def test_every_shipped_model_is_looked_at_here():
    assert {path.stem for path in bundled_models()} == MODELS.keys()


def test_its_network_is_the_recipes(info):
    model = untrained(info).eval()
    scripted = torch.jit.script(model)
    shipped = torch.jit.load(str(info.path))
    ours, theirs = code_of(scripted), code_of(shipped)
    # how the whole is called is the bundle's affair: what blocks call is tested elsewhere
    assert {k: v for k, v in theirs.items() if k} == {k: v for k, v in ours.items() if k}
    shapes = {name: value.shape for name, value in scripted.state_dict().items()}
    assert {name: value.shape for name, value in weights_of(info).items()} == shapes


def known_of(fields, wanted):
    """``fields`` without the keys that ``wanted`` has not: those that recipes have got since."""
    if not isinstance(fields, dict) or not isinstance(wanted, dict):
        return fields
    return {k: known_of(fields[k], wanted[k]) for k in wanted if k in fields}


def test_its_recipe_is_the_one_in_the_repository(info):
    recipe = read_recipe(RECIPES / MODELS[info.name])
    ours = json.loads(json.dumps(recipe.to_dict()))
    # what is scored is not what was trained
    theirs = {k: v for k, v in info.recipe.items() if k != "benchmark"}
    assert theirs == known_of(ours, theirs)
    assert info.spec == recipe.spec and info.task in TASKS


def test_it_says_which_commit_it_is_of_and_how_it_scores(info):
    assert re.fullmatch(r"[0-9a-f]{7,40}", info.git_revision)  # no `+`: nothing uncommitted
    assert not info.provenance
    if info.task == TASK_ENCODER:  # scored by what starts from it
        probe, scratch = (info.metrics[name] for name in (SCORES, SCRATCH))
        assert probe["mean_iou"] > scratch["mean_iou"]
        return
    for precision in info.precisions:
        assert info.metrics[precision]
    if info.task == "csi-activity":
        assert info.metrics["validation"]["accuracy"] > 0.95
