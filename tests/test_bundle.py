# SPDX-License-Identifier: GPL-3.0-or-later
"""Model bundles: what export writes, load accepts; what is foreign or broken is refused."""

import json
import zipfile

import numpy as np
import pytest
import torch

from radiofm_core.bundle import BundleInfo, bundled_models, find_model, read_bundle_info
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import BundleError, UsageError
from radiofm_core.inference import load_bundle
from radiofm_core.spectrum.model import fetched_together
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.tasks import TASKS
from training.engine.bundle_file import export_bundle
from training.segmentation.classes import DEFAULT
from training.segmentation.model import ModelConfig, Segmenter

SMALL = ModelConfig(dim=32, depth=1, heads=2, stem_widths=(8, 16))
RESOLUTION = (75e3, 78e-6)


def make(path, task="spectrogram-segmentation", spec=None):
    torch.manual_seed(0)
    model, spec = Segmenter(SMALL, 1, len(DEFAULT)), spec or SpectrogramSpec()
    return export_bundle(path, model, spec, "small", {"seed": 0}, "none", {}, task, DEFAULT.infos)


@pytest.fixture(scope="module")
def bundle_file(tmp_path_factory):
    return make(tmp_path_factory.mktemp("bundle") / "small.pt")


def refused(action):
    with pytest.raises(BundleError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_info_says_what_is_inside(bundle_file):
    info = read_bundle_info(bundle_file)
    assert isinstance(info, BundleInfo)
    assert info.class_names == ("noise", "lte", "nr", "wifi", "other")
    assert info.spec == SpectrogramSpec()
    assert info.recipe == {"seed": 0}


@pytest.mark.parametrize("own", [True, False])
def test_a_bundle_names_no_path_of_the_machine_that_made_it(bundle_file, own):
    with zipfile.ZipFile(bundle_file if own else find_model("default")) as archive:
        for name in archive.namelist():
            assert b"/site-packages/" not in archive.read(name), name
            assert b"/training/models/" not in archive.read(name), name


def test_scripted_model_equals_the_eager_one(bundle_file):
    torch.manual_seed(0)
    model = Segmenter(SMALL, 1, len(DEFAULT)).eval()
    frames = np.random.default_rng(0).normal(-80, 6, (2, 1, 64, 256)).astype(np.float32)
    with torch.inference_mode():
        mask, confidence, _ = model(torch.from_numpy(frames), torch.tensor([RESOLUTION] * 2))
    got_mask, got_confidence = load_bundle(bundle_file, "cpu", "fp32").segment(frames, RESOLUTION)
    assert (got_mask == mask.numpy()).mean() > 0.999
    assert np.abs(got_confidence - confidence.numpy()).max() < 1e-3


def test_what_a_gpu_answers_comes_by_one_copy_as_it_was():
    draw = torch.Generator().manual_seed(1)
    mask = torch.randint(0, 4, (3, 17, 255), dtype=torch.uint8, generator=draw)
    confidence = torch.rand(3, 17, 255, generator=draw)
    got = fetched_together(mask, confidence)
    assert torch.equal(got[0], mask) and torch.equal(got[1], confidence)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that PyTorch sees")
def test_a_gpu_answers_as_the_cpu(bundle_file):
    frames = np.random.default_rng(0).normal(-80, 6, (3, 1, 64, 256)).astype(np.float32)
    expected = load_bundle(bundle_file, "cpu", "fp32").segment(frames, RESOLUTION)
    got = load_bundle(bundle_file, "cuda", "fp32").segment(frames, RESOLUTION)
    assert (got[0] == expected[0]).mean() > 0.999
    assert np.abs(got[1] - expected[1]).max() < 1e-2


@pytest.mark.parametrize("rows", (16, 48, 256))
def test_any_multiple_of_16_rows_goes(bundle_file, rows):
    frames = np.full((1, 1, rows, 256), -90, np.float32)
    mask, confidence = load_bundle(bundle_file, "cpu", "fp32").segment(frames, RESOLUTION)
    assert mask.shape == confidence.shape == (1, rows, 256)
    assert mask.dtype == np.uint8 and mask.max() < len(DEFAULT)
    assert np.isfinite(confidence).all()


def test_absolute_gain_does_not_matter(bundle_file):
    bundle = load_bundle(bundle_file, "cpu", "fp32")
    frames = np.random.default_rng(1).normal(-80, 6, (1, 1, 64, 256)).astype(np.float32)
    low = bundle.segment(frames - 40, RESOLUTION)[1]
    assert np.abs(low - bundle.segment(frames, RESOLUTION)[1]).max() < 1e-3


def test_another_task_is_refused_naming_both(tmp_path):
    message = refused(lambda: load_bundle(make(tmp_path / "a.pt", "csi-activity", CsiSpec())))
    assert "csi-activity" in message and "spectrogram-segmentation" in message


def test_a_task_of_the_future_is_refused(tmp_path):
    assert "csi-gestures" in refused(lambda: load_bundle(make(tmp_path / "a.pt", "csi-gestures")))


def test_missing_model_names_the_bundled_ones():
    message = refused(lambda: find_model("no-such-model"))
    assert "no-such-model" in message
    assert all(p.stem in message for p in bundled_models())


@pytest.mark.parametrize("content", (b"", b"hello", b"PK\x03\x04" + b"\0" * 64))
def test_files_that_are_no_zip_are_refused(tmp_path, content):
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    assert str(path) in refused(lambda: load_bundle(path))


def test_a_plain_torch_file_is_refused_unread(tmp_path):
    path = tmp_path / "plain.pt"
    torch.save({"weights": torch.zeros(3)}, path)
    assert "radiofm.json" in refused(lambda: load_bundle(path))


@pytest.mark.parametrize("share", (0.2, 0.5, 0.9, 0.999))
def test_truncated_bundles_are_refused(bundle_file, tmp_path, share):
    path = tmp_path / "cut.pt"
    whole = bundle_file.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(lambda: load_bundle(path))


def rewrite(source, target, change):
    """A copy whose radiofm.json went through ``change``."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.endswith("radiofm.json"):
                data = json.dumps(change(json.loads(data))).encode()
            new.writestr(item, data)
    return target


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda i: {**i, "format_version": 99}, "99"),
        (lambda i: {**i, "spec_fingerprint": "0" * 16}, "0000"),
        (lambda i: {k: v for k, v in i.items() if k != "classes"}, "classes"),
        (lambda i: {**i, "classes": [1, 2]}, "classes"),
        (lambda i: [i], "JSON object"),
        (lambda i: {**i, "provenance": "a web page"}, "provenance"),
        (lambda i: {**i, "provenance": None}, "provenance"),
    ],
)
def test_wrong_descriptions_are_refused(bundle_file, tmp_path, change, named):
    assert named in refused(
        lambda: read_bundle_info(rewrite(bundle_file, tmp_path / "x.pt", change))
    )


def test_provenance_is_told_where_there_is_one(bundle_file, tmp_path):
    def older(fields):
        return {key: value for key, value in fields.items() if key != "provenance"}

    def foreign(fields):
        return {**fields, "provenance": told}

    told = {"weights": "https://example.org/vit", "changed": ["head"]}
    assert read_bundle_info(rewrite(bundle_file, tmp_path / "x.pt", foreign)).provenance == told
    assert read_bundle_info(rewrite(bundle_file, tmp_path / "y.pt", older)).provenance == {}


def test_an_unknown_task_is_refused_naming_the_known_ones():
    with pytest.raises(UsageError) as caught:
        load_bundle(task="csi")
    assert all(word in str(caught.value) for word in ("'csi'", *TASKS))


def test_corrupted_weights_are_refused(bundle_file, tmp_path):
    path = tmp_path / "bad.pt"
    data = bytearray(bundle_file.read_bytes())
    with zipfile.ZipFile(bundle_file) as archive:
        largest = max(
            (entry for entry in archive.infolist() if "/data/" in entry.filename),
            key=lambda entry: entry.file_size,
        )
        weights = archive.read(largest)
    middle = data.index(weights) + len(weights) // 2
    for place in range(middle, middle + len(weights) // 4):
        data[place] ^= 0xFF
    path.write_bytes(data)
    refused(lambda: load_bundle(path))


@pytest.mark.parametrize("device", ("tpu", "cuda:x", "cuda:99", ""))
def test_unknown_devices_are_refused(bundle_file, device):
    with pytest.raises(UsageError, match="device"):
        load_bundle(bundle_file, device)


def test_unknown_precision_is_refused(bundle_file):
    with pytest.raises(UsageError, match="int4"):
        load_bundle(bundle_file, "cpu", "int4")
