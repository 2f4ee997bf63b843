# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of users' own data: recordings, .mat files, images; what they refuse."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import scipy.io
import torch
from own_data import (
    CENTER_HZ,
    RATE,
    ROWS,
    SPEC,
    STORED,
    make_images,
    make_matlab,
    make_recording,
    read_all,
    write_meta,
)
from PIL import Image

from radiofm_core.errors import InputError
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.sample_data import read_iq
from radiofm_core.spectrum.spectrogram import spectrogram_db
from training.engine.mat_files import load_numbers
from training.segmentation.classes import DEFAULT
from training.segmentation.data import images, matlab, own, recordings
from training.segmentation.data.sources import ImagesConfig, MatlabConfig, RecordingsConfig
from training.segmentation.stages import describe

# ---- labelled recordings


@pytest.mark.parametrize("datatype", STORED)
def test_truth_of_annotations_is_the_generators_own(tmp_path, datatype):
    wanted = make_recording(tmp_path / "a", 5, datatype)
    config = RecordingsConfig(str(tmp_path), rows=64)
    level, truth, resolutions = read_all(recordings, config)
    assert level.shape == truth.shape == (3, 64, 256)
    assert resolutions[0] == SPEC.resolution(RATE, 2)
    truth = truth.reshape(ROWS, 256)
    scored = (truth != 255) & (wanted != 255)
    assert scored.mean() > 0.95 and set(np.unique(truth)) <= {0, 1, 255}
    # Edges in frequency are the same; in time half a row's rounding is left.
    assert (truth[scored] == wanted[scored]).mean() > 0.999
    assert 0.2 < (truth == 1).mean() < 0.8
    whole = level.reshape(ROWS, 256)
    assert np.median(whole[truth == 1]) > np.median(whole[truth == 0]) + 10


def test_levels_are_the_one_spectrograms(tmp_path):
    make_recording(tmp_path / "a", 5, "cf32_le")
    level, _, _ = read_all(recordings, RecordingsConfig(str(tmp_path), rows=64))
    recording = open_recording(tmp_path / "a.sigmf-meta")
    iq = read_iq(recording.data_path, recording.datatype, 0, 64 * 256, 64 * 256)
    wanted = spectrogram_db(torch.from_numpy(iq), SPEC, 2, 64)[0].numpy()
    assert np.array_equal(level[1], wanted)


def test_boxes_that_cover_pixels_partly_are_not_scored(tmp_path):
    make_recording(tmp_path / "a", 5)
    width = RATE / 256
    # From 0.3 of row 10 to 0.7 of row 20, from 0.3 of a column to 0.7 of another
    box = {
        "core:sample_start": 10 * 256 + 180,
        "core:sample_count": 10 * 256,
        "core:freq_lower_edge": CENTER_HZ + (10 - 0.5 + 0.7) * width,
        "core:freq_upper_edge": CENTER_HZ + (20 - 0.5 + 0.7) * width,
        "core:label": "other",
    }
    write_meta(tmp_path / "a", [box])
    _, truth, _ = read_all(recordings, RecordingsConfig(str(tmp_path), rows=64))
    row, col = 10, 128 + 10
    assert (truth[0, row + 1 : row + 11, col + 1 : col + 11] == 4).sum() == 99
    assert (truth[0, row, col + 1 : col + 11] == 255).all()
    assert (truth[0, row + 1 : row + 11, col] == 255).all()
    assert truth[0, row, col] == 0 and truth[0, row + 10, col + 10] == 255
    assert (truth == 0).sum() == truth.size - 99 - 21


def test_small_boxes_lie_on_large_ones_and_boxes_of_a_class_add_up(tmp_path):
    make_recording(tmp_path / "a", 5)
    span = {"core:label": "nr"}
    packet = {"core:sample_start": 256 * 20, "core:sample_count": 256 * 10, "core:label": "other"}
    halves = [
        {"core:sample_start": 256 * 40, "core:sample_count": 100, "core:label": "lte"},
        {"core:sample_start": 256 * 40 + 100, "core:sample_count": 156, "core:label": "lte"},
    ]
    write_meta(tmp_path / "a", [packet, *halves, span])
    _, truth, _ = read_all(recordings, RecordingsConfig(str(tmp_path), rows=64))
    assert (truth[0, 20:30] == 4).all() and (truth[0, 40] == 1).all()
    assert (truth[0, 41:] == 2).all() and (truth[1:] == 2).all()


def test_labels_are_mapped_in_any_case(tmp_path):
    make_recording(tmp_path / "a", 5, label="E-UTRA ")
    config = RecordingsConfig(str(tmp_path), labels={"e-utra": "nr"}, rows=64)
    assert set(np.unique(read_all(recordings, config)[1])) <= {0, 2, 255}
    config = RecordingsConfig(str(tmp_path), labels={"E-UTRA": "ignore"}, rows=64)
    assert set(np.unique(read_all(recordings, config)[1])) == {0, 255}


def test_no_frame_spans_a_retune_and_edges_follow_its_frequency(tmp_path):
    make_recording(tmp_path / "a", 5)
    path = write_meta(tmp_path / "a", [{"core:freq_lower_edge": 796e6, "core:label": "lte"}])
    meta = json.loads(path.read_text())
    meta["annotations"][0]["core:freq_upper_edge"] = 798e6
    meta["captures"].append({"core:sample_start": 70 * 256, "core:frequency": 797e6})
    path.write_text(json.dumps(meta))
    _, truth, _ = read_all(recordings, RecordingsConfig(str(tmp_path), rows=64))
    # 64 of 70 rows; 64, and 58 left over, so once more the last 64 of 122
    assert len(truth) == 1 + 2
    columns = [(t == 1).all(0).nonzero()[0] for t in truth]
    # The edge, at DC at first, lies 66.7 bins below it after the retune.
    assert columns[0][0] == 128 and columns[1][0] == columns[2][0] == 128 - 66


def test_unlabelled_recordings_are_all_unscored(tmp_path):
    make_recording(tmp_path / "sub" / "a", 5, annotated=False)
    config = RecordingsConfig(str(tmp_path), labelled=False, rows=64)
    assert (read_all(recordings, config)[1] == 255).all()


def test_a_recording_shorter_than_a_frame_is_one_all_the_same(tmp_path):
    """As `radiofm segment` takes it: what is missing is its mirror image, and not scored."""
    make_recording(tmp_path / "rec" / "a", 5)
    samples = tmp_path / "rec" / "a.sigmf-data"
    samples.write_bytes(samples.read_bytes()[: 4 * 256 * 25])
    write_meta(tmp_path / "rec" / "a", [{"core:label": "lte"}])
    source = RecordingsConfig(str(tmp_path / "rec"), rows=64)
    level, truth, _ = read_all(recordings, source)
    assert level.shape == (1, 64, 256)
    assert (truth[0, :50] == 1).all() and (truth[0, 50:] == 255).all()
    assert np.array_equal(level[0, 50:], level[0, 49:35:-1])
    folder = own.prepare(tmp_path / "out", source, recordings.find(source), SPEC, DEFAULT, "train")
    text = describe(json.loads((folder / "prepared.json").read_text()))
    assert text.startswith("1 frames of 64 rows from 1 files: lte 78.1 %, not scored 21.9 %")


def test_a_recording_of_no_row_is_refused_naming_the_set(tmp_path):
    make_recording(tmp_path / "rec" / "a", 5)
    samples = tmp_path / "rec" / "a.sigmf-data"
    samples.write_bytes(samples.read_bytes()[: 4 * 100])
    write_meta(tmp_path / "rec" / "a", [{"core:label": "lte"}])
    source = RecordingsConfig(str(tmp_path / "rec"), rows=64)
    items = recordings.find(source)
    with pytest.raises(InputError, match=r"validation: no recording in .*rec is as long as a row"):
        own.prepare(tmp_path / "out", source, items, SPEC, DEFAULT, "validation")


def test_what_a_model_was_not_sure_of_is_not_learnt(tmp_path):
    """`radiofm segment` labels it unknown; no class is what it is."""
    make_recording(tmp_path / "a", 5, label="unknown")
    truth = read_all(recordings, RecordingsConfig(str(tmp_path), rows=64))[1]
    assert 0.2 < (truth == 255).mean() < 0.8 and set(np.unique(truth)) == {0, 255}


# ---- .mat files and images


@pytest.mark.parametrize("separate", (True, False))
def test_matlab_frames_are_read_with_their_masks(tmp_path, separate):
    wanted = make_matlab(tmp_path, 3, separate)
    level, truth, resolutions = read_all(matlab, MatlabConfig(str(tmp_path)))
    assert np.allclose(level[0], wanted, atol=1e-4)
    assert (truth[0, :, 40:90] == 2).all() and (truth[0, :, 150:200] == 1).all()
    assert (truth == 0).mean() == pytest.approx(1 - 100 / 256)
    assert resolutions[0] == pytest.approx((240e3, 40e-3 / 256))


def test_matlab_levels_may_be_grey_or_power(tmp_path):
    grey = (np.arange(65536).reshape(256, 256) % 256).astype(np.uint8)
    make_matlab(tmp_path / "grey", 1, rxSpectrogram=grey)
    config = MatlabConfig(str(tmp_path / "grey"), level="image", range_db=(-100, -49))
    assert np.allclose(read_all(matlab, config)[0][0], grey * 0.2 - 100, atol=1e-4)
    make_matlab(tmp_path / "power", 1, rxSpectrogram=np.full((256, 256), 1e-9))
    config = MatlabConfig(str(tmp_path / "power"), level="power")
    assert np.allclose(read_all(matlab, config)[0], -90)


@pytest.mark.parametrize("white", (255, 65535))
def test_images_are_read_upright(tmp_path, white):
    wanted = make_images(tmp_path, "air_1", 4, white)
    values = {0: "noise", 60: "lte", 120: "nr"}
    config = ImagesConfig(str(tmp_path), (-110, -50), "61.44e6", 0.04, values, frequency="up")
    level, truth, resolutions = read_all(images, config)
    assert np.allclose(level[0], wanted, atol=1e-3)
    assert (truth[0, :, 40:90] == 2).all() and (truth[0, :, 150:200] == 1).all()
    assert resolutions[0] == pytest.approx((240e3, 40e-3 / 256))


def test_images_without_masks_serve_pretraining(tmp_path):
    make_images(tmp_path, "air_1", 4)
    shutil.rmtree(tmp_path / "masks")
    config = ImagesConfig(str(tmp_path), (-110, -50), RATE, 0.02, labelled=False, rows=128)
    level, truth, _ = read_all(images, config)
    assert level.shape == (2, 128, 256) and (truth == 255).all()


# ---- bad input


def box(**fields):
    return {"core:label": "lte", **{f"core:{k}": v for k, v in fields.items()}}


@pytest.mark.parametrize(
    ("annotations", "named"),
    [
        ([], r"a\.sigmf-meta has no annotations"),
        (
            [box(label="GSM")],
            r"a\.sigmf-meta: annotation 1: expected a label .*lte.* got 'GSM'.*GSM': ignore",
        ),
        ([box(), {"core:comment": "?"}], r"annotation 2: expected a label .* got ''"),
        ([box(sample_count=0)], "covers 0 samples"),
        ([box(freq_lower_edge=796e6)], r"from 796000000.0 to None Hz"),
        ([box(freq_lower_edge=9e6, freq_upper_edge=8e6)], "from 9000000.0 to 8000000.0 Hz"),
        ([box(freq_lower_edge=-1e6, freq_upper_edge=1e6)], "outside the recorded band.*794.08 to"),
    ],
)
def test_annotations_that_cannot_be_used_are_named(tmp_path, annotations, named):
    make_recording(tmp_path / "a", 1)
    write_meta(tmp_path / "a", annotations)
    with pytest.raises(InputError, match=named) as caught:
        read_all(recordings, RecordingsConfig(str(tmp_path), rows=64))
    assert "\n" not in str(caught.value)


def test_samples_that_are_not_finite_are_named(tmp_path):
    make_recording(tmp_path / "a", 1, "cf32_le")
    path = tmp_path / "a.sigmf-data"
    samples = np.concatenate([np.fromfile(path, np.float32)] * 2)
    samples[-10] = np.nan
    samples.tofile(path)
    with pytest.raises(InputError, match="not finite"):
        read_all(recordings, RecordingsConfig(str(tmp_path), rows=64))


@pytest.mark.parametrize(
    ("reader", "config"),
    [
        (recordings, RecordingsConfig("{}")),
        (matlab, MatlabConfig("{}")),
        (images, ImagesConfig("{}", (-1, 1), 1e6, 1, {0: "noise"})),
    ],
)
def test_an_empty_or_missing_folder_is_named(tmp_path, reader, config):
    option = config.kind
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match=f"{folder}.*(holds no|is not a folder)"):
            reader.find(replace(config, **{option: str(folder)}))


@pytest.mark.parametrize(
    ("arrays", "named"),
    [
        ({"rxSpectrogram": np.zeros((256, 128))}, "256 rows .* and 128 columns"),
        ({"rxSpectrogram": np.zeros((256, 256, 3))}, "'rxSpectrogram' is of shape"),
        ({"rxSpectrogram": np.zeros((256, 256), np.uint8)}, "level: image"),
        ({"rxSpectrogram": np.full((256, 256), np.nan)}, "not finite"),
        ({"data": np.full((256, 256), 60, np.uint8)}, r"127 \(nr\).* got value 60"),
        ({"data": np.zeros((256, 128), np.uint8)}, r"mask has size \(256, 128\)"),
    ],
)
def test_matlab_frames_that_do_not_fit_are_named(tmp_path, arrays, named):
    make_matlab(tmp_path, 1, **arrays)
    with pytest.raises(InputError, match=f"LTE_NR_spect_frame_1.mat.*{named}"):
        read_all(matlab, MatlabConfig(str(tmp_path)))


def test_unreadable_matlab_files_are_named(tmp_path):
    make_matlab(tmp_path, 1)
    path = tmp_path / "LTE_NR_spect_frame_1.mat"
    # Version 0x0200 is MATLAB's 7.3, which is HDF5
    hdf5 = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    for content in (path.read_bytes()[:5000], b"no such thing", b"", hdf5):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"frame_1\.mat .*(cannot be read|'-v7')"):
            read_all(matlab, MatlabConfig(str(tmp_path)))


@pytest.mark.parametrize("options", [{}, {"do_compression": True}, {"format": "4"}], ids=str)
def test_matlab_arrays_of_other_kinds_may_stand_beside(tmp_path, options):
    path = tmp_path / "x.mat"
    levels = np.arange(12.0).reshape(3, 4)
    waveform = np.exp(1j * np.arange(500))
    scipy.io.savemat(path, {"waveform": waveform, "levels": levels, "why": "text"}, **options)
    assert np.array_equal(load_numbers(path, "levels"), levels)
    assert load_numbers(path, "nothing") is None


def test_matlab_keys_that_are_not_there_are_named(tmp_path):
    make_matlab(tmp_path, 1)
    with pytest.raises(InputError, match=r"no file holds 'P' .*data.*set spectrogram_key"):
        matlab.find(MatlabConfig(str(tmp_path), spectrogram_key="P"))
    with pytest.raises(InputError, match="no mask 'truth'"):
        matlab.find(MatlabConfig(str(tmp_path), mask_key="truth"))


def test_images_that_do_not_fit_are_named(tmp_path):
    make_images(tmp_path, "a_1", 1)
    config = ImagesConfig(str(tmp_path), (-110, -50), RATE, 0.02, {0: "noise", 60: "lte"})
    with pytest.raises(InputError, match=r"expected the mask values .* got value 120"):
        read_all(images, config)
    image, mask = tmp_path / "images" / "a_1.png", tmp_path / "masks" / "a_1.png"
    Image.new("RGB", (256, 256)).save(image)
    with pytest.raises(InputError, match=r"images/a_1\.png .*mode RGB"):
        read_all(images, config)
    Image.new("L", (200, 256)).save(image)
    with pytest.raises(InputError, match=r"256 rows .* 200 columns"):
        read_all(images, config)
    image.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_all(images, config)
    mask.unlink()
    with pytest.raises(InputError, match="has no mask"):
        images.find(config)
