# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes are data: a recipe names them, and everything else follows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from own_data import make_recording

from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import UsageError
from radiofm_core.inference import load_bundle
from training.engine.bundle_file import export_bundle
from training.segmentation.build import build_model
from training.segmentation.classes import DEFAULT, Classes
from training.segmentation.data.parts import frame_set
from training.segmentation.stages import export
from training.segmentation.start import LOWERED, first_model
from training.tasks import read_recipe
from training.waveforms import other
from training.waveforms.kinds import KINDS

RECIPES = Path(__file__).parents[1] / "training/recipes"
BLUETOOTH = {"color": "#b48cff", "kinds": ["bluetooth"], "weight": 2.0}


def recipe_with(folder: Path, **fields):
    """The debug recipe with ``fields``, its results in ``folder``."""
    path = folder / "r.yaml"
    own = {"base": str(RECIPES / "debug.yaml"), "folder": str(folder / "out"), "benchmark": None}
    path.write_text(yaml.safe_dump(own | fields))
    return read_recipe(path)


def test_a_kind_has_one_number_and_one_class():
    assert len(set(KINDS)) == len(KINDS) == 3 + len(other.KINDS) and KINDS[:3] == DEFAULT.names[:3]
    table = DEFAULT.of_kinds()
    assert table[: len(KINDS)].tolist() == [0, 1, 2] + [
        3 if name in other.WIFI else 4 for name in other.NAMES
    ]
    assert (table[len(KINDS) :] == 255).all()


def test_recipes_and_the_shipped_model_have_the_default_classes():
    for name in ("default", "default_gpu", "own_recordings", "whole_bands"):
        assert read_recipe(RECIPES / f"{name}.yaml").classes == DEFAULT, name
    assert read_bundle_info("default").class_names == DEFAULT.names


def test_classes_in_another_order_are_others():
    turned = Classes({k: DEFAULT[k] for k in ("noise", "nr", "lte", "wifi", "other")})
    assert turned != DEFAULT and Classes(dict(DEFAULT)) == DEFAULT


def test_a_sixth_class_takes_a_recipe_alone(tmp_path):
    """Generated frames, a recording's labels, the model, its scores and its bundle follow."""
    make_recording(tmp_path / "rec" / "a", 5, label="BT")
    make_recording(tmp_path / "rec" / "b", 6, label="bluetooth")
    own = {"recordings": str(tmp_path / "rec"), "rows": 64, "labels": {"bt": "bluetooth"}}
    recipe = recipe_with(
        tmp_path,
        classes={"bluetooth": BLUETOOTH},
        data={
            "train": [own, {"frames": 8, "first_seed": 20_000_000, "rows": 64}],
            "refine": None,
            "validation": own | {"share": 0.5},
            "calibration": None,
        },
        refine=None,
    )
    assert recipe.classes.names == ("noise", "lte", "nr", "wifi", "other", "bluetooth")
    assert recipe.classes.of_kind("bluetooth") == 5 and recipe.classes.of_kind("dvb_t") == 4
    assert 5 in np.unique(frame_set(recipe, "train").truth[:3])
    info = read_bundle_info(export(recipe))
    assert info.class_names == recipe.classes.names and info.classes[5].color == BLUETOOTH["color"]
    assert set(info.metrics["fp32"]["validation"]["iou"]) == set(recipe.classes)
    mask, _ = load_bundle(info.path, "cpu", "fp32").segment(
        np.full((1, 1, 32, 256), -90, np.float32), (75e3, 78e-6)
    )
    assert mask.max() < 6


def test_the_same_prepared_frames_serve_other_classes(tmp_path):
    data = {"train": {"frames": 12, "first_seed": 60_000_000, "rows": 64, "scenes": "wide"}}
    five = recipe_with(tmp_path, data=data)
    zigbee = BLUETOOTH | {"kinds": ["zigbee"]}
    six = recipe_with(tmp_path, data=data, classes={"zigbee": zigbee})
    few, more = frame_set(five, "train").truth[:], frame_set(six, "train").truth[:]
    assert (few[more == 5] == 4).all() and (more == 5).any()
    assert np.array_equal(few[more != 5], more[more != 5])
    assert len(list((tmp_path / "out").glob("wide-frames*"))) == 1


def test_a_start_of_other_classes_goes_on_where_names_are_alike(tmp_path):
    five = recipe_with(tmp_path)
    torch.manual_seed(3)
    model = build_model(five)
    about = ("five", {}, "none", {}, five.task, five.classes.infos)
    start = export_bundle(tmp_path / "five.pt", model, five.spec, *about)
    six = recipe_with(tmp_path, classes={"bluetooth": BLUETOOTH}, start=str(start))
    begun = first_model(six)
    for name, weight in begun.encoder.state_dict().items():
        torch.testing.assert_close(weight, model.encoder.state_dict()[name], rtol=1e-3, atol=1e-6)
    theirs = model.classify.weight.unflatten(0, (5, 16))
    own = begun.classify.weight.unflatten(0, (6, 16))
    torch.testing.assert_close(own[:5], theirs, rtol=1e-3, atol=1e-5)
    # the new class begins as what its signals were to the bundle, but less likely
    torch.testing.assert_close(own[5], own[4])
    biases = begun.classify.bias.unflatten(0, (6, 16))
    torch.testing.assert_close(biases[5], biases[4] - LOWERED)


@pytest.mark.parametrize(
    ("classes", "named"),
    [
        ({"bluetooth": {"color": "green"}}, "#23c4ff.* got 'green'"),
        (
            {"bluetooth": {"color": "#00ff00", "kinds": ["wify"]}},
            "kinds: expected .*wifi.* got 'wify'",
        ),
        ({"bluetooth": {"color": "#00ff00", "kinds": ["lte"]}}, "kind 'lte' is in two classes"),
        ({"bluetooth": {"color": "#00ff00"}}, "other and bluetooth have no kinds"),
        ({"other": None}, "no class has the kind 'halow'"),
        ({"unknown": BLUETOOTH}, "'unknown' cannot be the name"),
        ({"bluetooth": {**BLUETOOTH, "weight": 0}}, "weight is 0"),
        ({"bluetooth": {**BLUETOOTH, "colour": 1}}, "unknown key 'colour'"),
        ("wifi", "expected names of classes.* got 'wifi'"),
    ],
    ids=str,
)
def test_wrong_classes_are_refused_in_one_line(tmp_path, classes, named):
    with pytest.raises(UsageError, match=named) as error:
        recipe_with(tmp_path, classes=classes)
    assert "\n" not in str(error.value)


def test_labels_that_are_no_classes_are_refused_when_the_recipe_is_read(tmp_path):
    recipe = recipe_with(tmp_path)
    own = {"recordings": "x", "rows": 64, "labels": {"5g": "nr5"}}
    with pytest.raises(
        UsageError, match=r"train, labels: '5g' is mapped to 'nr5'; the classes are"
    ):
        recipe_with(tmp_path, data={"train": own})
    with pytest.raises(UsageError, match="first class is 'lte'"):
        replace(
            recipe,
            classes=type(DEFAULT)({k: DEFAULT[k] for k in ("lte", "noise", "nr", "wifi", "other")}),
        )
