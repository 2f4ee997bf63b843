# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of published sets of labelled CSI, on small files in their layouts."""

import numpy as np
import pytest
import scipy.io

from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.subcarriers import HT_40, INTEL_5300_20
from radiofm_core.errors import InputError, UsageError
from training.activity.data.sources import KINDS, NtuFiConfig, UtHarConfig
from training.activity.data.windows import scored_set, training_set
from training.activity.recipe import classes_of


def one_line(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


# ---- NTU-Fi HAR


def ntu_levels(packets: int, seed: int = 0) -> np.ndarray:
    """(3, 114, packets) dB, a level of its own for each antenna and subcarrier."""
    rng = np.random.default_rng(seed)
    return 42 + rng.uniform(-5, 5, (3, 114, 1)) + rng.uniform(-0.2, 0.2, (3, 114, packets))


def write_ntu(folder, part, label, name, levels) -> None:
    path = folder / f"{part}_amp" / label / f"{name}.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"CSIamp": levels})


@pytest.mark.parametrize("flat", [True, False], ids=["342", "3x114"])
@pytest.mark.parametrize("packets", [500, 2000])
def test_clips_of_ntu_fi_keep_antennas_subcarriers_and_time(tmp_path, flat, packets):
    levels = ntu_levels(packets)
    write_ntu(tmp_path, "train", "run", "run1", levels.reshape(342, -1) if flat else levels)
    write_ntu(tmp_path, "train", "box", "box1", levels)
    write_ntu(tmp_path, "test", "box", "box2", levels)
    clips = NtuFiConfig(str(tmp_path), "train").clips()
    assert [clip.name for clip in clips] == ["00000 box", "00000 run"]
    assert classes_of(clips) == ("box", "run") and all(clip.scored_whole for clip in clips)
    packet = clips[1].packets[1]
    expected = (10 ** (levels[:, :, 2:4] / 20)).mean(2)
    assert np.allclose(packet.csi, expected, rtol=1e-5)
    assert np.array_equal(packet.subcarriers, HT_40)
    # 500 packets a second, of which two make one
    assert packet.time_ns == 4_000_000 and len(clips[1].packets) == packets / 2
    [span] = clips[1].spans
    assert (span.start_ns, span.end_ns, span.label) == (0, packets * 2_000_000, "run")
    assert len(NtuFiConfig(str(tmp_path), "test").clips()) == 1


def test_groups_of_ntu_fi_go_round_the_activities(tmp_path):
    for label in ("box", "run"):
        for i in range(3):
            write_ntu(tmp_path, "train", label, f"{label}{i}", ntu_levels(20))
    groups = sorted(clip.group for clip in NtuFiConfig(str(tmp_path), "train").clips())
    assert [group.split()[1] for group in groups] == ["box", "run"] * 3


def test_ntu_fi_fills_windows_of_40_mhz(tmp_path):
    levels = ntu_levels(500)
    write_ntu(tmp_path, "train", "run", "run1", levels)
    clips = NtuFiConfig(str(tmp_path), "train", rate_hz=125.0).clips()
    assert clips[0].packets[1].time_ns == 8_000_000
    spec = CsiSpec(duration_s=2.0, hop_s=0.5, subcarriers=117, span_hz=116 * 312.5e3)
    windows = scored_set(clips, spec, ("run",))
    assert windows.values.shape[1:] == (200, 117, 3) and len(windows) == 5
    level = 20 * np.log10(windows.values[0].astype(np.float32)).mean(0)
    difference = level[:57] - levels[:, :57].mean(2).T
    assert np.ptp(difference) < 0.3
    assert len(training_set(clips, spec, ("run",))) >= 8


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"CSIamp": np.ones((90, 500))}, r"'CSIamp' is of shape \(90, 500\).*342"),
        ({"CSIamp": np.ones((342, 1))}, r"shape \(342, 1\)"),
        ({"CSIphase": np.ones((342, 500))}, "'CSIamp' is missing"),
        ({"CSIamp": np.full((342, 500), 300.0)}, "up to 300.*up to 60"),
        ({"CSIamp": np.full((342, 500), np.nan)}, "up to nan"),
        ({"CSIamp": "text"}, "'CSIamp'"),
    ],
)
def test_other_mat_files_are_one_line(tmp_path, content, named):
    path = tmp_path / "train_amp/run/run1.mat"
    path.parent.mkdir(parents=True)
    scipy.io.savemat(path, content)
    with pytest.raises(InputError, match=named) as error:
        NtuFiConfig(str(tmp_path), "train").clips()
    assert str(path) in one_line(error)


def test_what_cannot_be_read_of_ntu_fi_is_one_line(tmp_path):
    config = NtuFiConfig(str(tmp_path), "train")
    with pytest.raises(InputError, match=r"train_amp holds no ACTIVITY/\*\.mat") as error:
        config.clips()
    one_line(error)
    path = tmp_path / "train_amp/run/run1.mat"
    path.parent.mkdir(parents=True)
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    path.write_bytes(head + bytes(512))
    with pytest.raises(InputError, match=r"version 7\.3.*'-v7'") as error:
        config.clips()
    one_line(error)
    path.write_bytes(b"no file of MATLAB")
    with pytest.raises(InputError, match=r"cannot be read as a \.mat file") as error:
        config.clips()
    one_line(error)
    for fields, named in (({"part": "val"}, "part is 'val'.*train, test"), ({"rate_hz": 0}, "0")):
        with pytest.raises(UsageError, match=named):
            NtuFiConfig(**{"ntu_fi": "x", "part": "train", **fields})


# ---- UT-HAR


def ut_levels(shape) -> np.ndarray:
    return np.random.default_rng(0).uniform(5, 25, shape)


def write_ut(folder, levels, labels, part="train") -> None:
    """Arrays of NumPy in files that end with .csv, as SenseFi has them."""
    for kind, name, array in (("data", "X", levels), ("label", "y", labels)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        with (folder / kind / f"{name}_{part}.csv").open("wb") as file:
            np.save(file, array)


@pytest.mark.parametrize("shape", [(7, 250, 90), (7, 1, 250, 90)], ids=str)
def test_clips_of_ut_har_have_sensefis_labels(tmp_path, shape):
    levels = ut_levels(shape)
    write_ut(tmp_path, levels, np.arange(7.0))
    clips = UtHarConfig(str(tmp_path), "train").clips()
    assert [clip.spans[0].label for clip in clips] == [
        *("lie down", "fall", "walk", "pick up", "run", "sit down", "stand up")
    ]
    packet = clips[3].packets[5]
    assert packet.csi.shape == (3, 30) and packet.time_ns == 20_000_000
    assert np.array_equal(packet.subcarriers, INTEL_5300_20)
    expected = 10 ** (levels.reshape(7, 250, 3, 30)[3, 5] / 20)
    assert np.allclose(packet.csi, expected, rtol=1e-5)
    assert clips[0].spans[0].end_ns == 1_000_000_000 and clips[0].scored_whole
    windows = scored_set(clips, CsiSpec(duration_s=1.0), classes_of(clips))
    assert len(windows) == 7 and windows.values.shape[1:] == (100, 53, 3)


def write_recording(folder, name, seconds, labels) -> np.ndarray:
    """Plain text: time, 90 levels, 90 phases, a thousand times a second."""
    levels = ut_levels((round(seconds * 1000), 90))
    times = 1000 + np.arange(len(levels)) / 1000
    rows = np.column_stack([times, levels, np.zeros_like(levels)])
    np.savetxt(folder / f"input_{name}.csv", rows, "%.4f", ",")
    (folder / f"annotation_{name}.csv").write_text("\r\n".join(labels) + "\r\n")
    return levels


def test_recordings_of_ut_har_are_labelled_while_something_happens(tmp_path):
    labels = ["NoActivity"] * 100 + ["sitdown"] * 200 + ["NoActivity"] * 100
    levels = write_recording(tmp_path, "161219_bed_1", 0.4, labels)
    [clip] = UtHarConfig(str(tmp_path), "recordings").clips()
    assert clip.group == "161219_bed_1" and len(clip.packets) == 100 and not clip.scored_whole
    [span] = clip.spans
    assert (span.start_ns, span.end_ns, span.label) == (100_000_000, 300_000_000, "sit down")
    expected = (10 ** (levels[4:8] / 20)).mean(0).reshape(3, 30)
    assert clip.packets[1].time_ns == 4_000_000
    assert np.allclose(clip.packets[1].csi, expected, rtol=1e-4)


def test_wrong_arrays_of_ut_har_are_one_line(tmp_path):
    config = UtHarConfig(str(tmp_path), "train")

    def refused(named, levels, labels):
        write_ut(tmp_path, levels, labels)
        with pytest.raises(InputError, match=named) as error:
            config.clips()
        one_line(error)

    with pytest.raises(InputError, match=r"X_train\.csv cannot be read"):
        config.clips()
    refused(r"\(2, 200, 90\) levels and \(2,\) labels", ut_levels((2, 200, 90)), np.zeros(2))
    refused(r"\(3,\) labels", ut_levels((2, 250, 90)), np.zeros(3))
    refused("expected labels from 0 to 6", ut_levels((2, 250, 90)), np.array([0, 7]))
    refused("expected finite numbers", np.full((1, 250, 90), np.inf), np.zeros(1))
    refused("expected finite numbers", np.full((1, 250, 90), "a"), np.zeros(1))
    # objects are pickled, and are not looked at
    refused("cannot be read as a NumPy array", np.full((1, 2), object()), np.zeros(1))
    (tmp_path / "data/X_train.csv").write_text("1,2,3\n")
    with pytest.raises(InputError, match="cannot be read as a NumPy array"):
        config.clips()


def test_wrong_recordings_of_ut_har_are_one_line(tmp_path):
    config = UtHarConfig(str(tmp_path), "recordings")
    with pytest.raises(InputError, match=r"holds no input_\*\.csv"):
        config.clips()
    write_recording(tmp_path, "a", 0.1, ["fall"] * 99)
    with pytest.raises(InputError, match="100 packets, 99 labels") as error:
        config.clips()
    one_line(error)
    (tmp_path / "annotation_a.csv").unlink()
    with pytest.raises(InputError, match="annotation_a") as error:
        config.clips()
    one_line(error)
    (tmp_path / "input_a.csv").write_text("1,2,three\n")
    with pytest.raises(InputError, match="cannot be read") as error:
        config.clips()
    one_line(error)
    with pytest.raises(UsageError, match=r"part is 'all'.*recordings"):
        UtHarConfig("x", "all")


def test_each_source_is_named_by_its_first_field():
    for kind, config in KINDS.items():
        assert next(iter(config.__dataclass_fields__)) == kind
