# SPDX-License-Identifier: GPL-3.0-or-later
"""Where labelled CSI comes from: published data sets, own recordings, simulated rooms."""

import io
import pickle

import numpy as np
import pytest
from csi_clips import SPEEDS, write_recordings

from radiofm_core.csi.subcarriers import HT_20
from radiofm_core.errors import InputError, UsageError
from training.activity.data.sources import CsiConfig, SimulatedConfig, StabilityConfig


def one_line(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


# ---- the stability data set


def write_sequence(folder, name, labels, packets=None, seed=0):
    """A sequence as published: (56, packets) amplitudes and an object array of labels."""
    folder.mkdir(parents=True, exist_ok=True)
    amplitude = np.random.default_rng(seed).uniform(1, 2, (56, packets or len(labels)))
    np.save(folder / f"{name}-x.npy", amplitude)
    entries = np.empty(len(labels), object)
    entries[:] = labels
    np.save(folder / f"{name}-y.npy", entries, allow_pickle=True)
    return amplitude


@pytest.mark.parametrize("as_list", [False, True], ids=["texts", "lists"])
def test_a_sequence_of_the_stability_set_keeps_its_times_and_labels(tmp_path, as_list):
    labels = ["WALKING_RX"] * 30 + ["WALKING_TX"] * 20 + ["SITTING_TX"] * 50
    written = [[label] for label in labels] if as_list else labels
    amplitude = write_sequence(tmp_path / "labelled/D1", "e01_s1", written)
    [clip] = StabilityConfig(str(tmp_path)).clips()
    assert (clip.name, clip.group) == ("D1/e01_s1", "D1/e01")
    assert np.array_equal(clip.packets[7].csi, amplitude[:, 7][None].astype(np.float32))
    assert np.array_equal(clip.packets[0].subcarriers, HT_20)
    assert [p.time_ns for p in clip.packets[:3]] == [0, 10_000_000, 20_000_000]
    found = [(s.start_ns / 1e9, s.end_ns / 1e9, s.label) for s in clip.spans]
    assert found == [(0, 0.5, "WALKING"), (0.5, 1, "SITTING")]
    [clip] = StabilityConfig(str(tmp_path), places=True).clips()
    assert [s.label for s in clip.spans] == ["WALKING_RX", "WALKING_TX", "SITTING_TX"]


def test_runs_of_the_stability_set_can_be_chosen(tmp_path):
    for name in ("e01_s1", "e01_s2", "e02_s1"):
        write_sequence(tmp_path / "labelled/D2", name, ["WALKING_RX"] * 5)
    config = StabilityConfig(str(tmp_path), "D2", ("e01",))
    assert [clip.group for clip in config.clips()] == ["D2/e01"] * 2
    with pytest.raises(UsageError, match="no run D2/e07") as error:
        StabilityConfig(str(tmp_path), "D2", ("e07",)).clips()
    one_line(error)


def test_what_is_no_stability_set_is_one_line(tmp_path):
    with pytest.raises(InputError, match="labelled/D1") as error:
        StabilityConfig(str(tmp_path)).clips()
    one_line(error)
    folder = tmp_path / "labelled/D1"
    write_sequence(folder, "e01_s1", ["WALKING_RX"] * 5, packets=6)
    with pytest.raises(InputError, match=r"e01_s1-x.npy: \(56, 6\) amplitudes and 5 labels"):
        StabilityConfig(str(tmp_path)).clips()
    (folder / "e01_s1-y.npy").unlink()
    with pytest.raises(InputError, match="cannot be read") as error:
        StabilityConfig(str(tmp_path)).clips()
    one_line(error)


class Attack:
    """What a pickle could do."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


def test_a_pickle_that_runs_code_is_refused_unseen(tmp_path):
    folder = tmp_path / "labelled/D1"
    write_sequence(folder, "e01_s1", ["WALKING_RX"] * 5)
    header = io.BytesIO()
    plain = {"descr": "|O", "fortran_order": False, "shape": (5,)}
    np.lib.format.write_array_header_1_0(header, plain)
    attack = pickle.dumps(Attack(tmp_path / "opened"))
    (folder / "e01_s1-y.npy").write_bytes(header.getvalue() + attack)
    with pytest.raises(InputError, match=r"it asks for \w*io\.open") as error:
        StabilityConfig(str(tmp_path)).clips()
    one_line(error)
    assert not (tmp_path / "opened").exists()
    for damaged in (pickle.dumps("no array"), b"\x80\x04\x8c", b""):
        (folder / "e01_s1-y.npy").write_bytes(header.getvalue() + damaged)
        with pytest.raises(InputError, match="cannot be read") as error:
            StabilityConfig(str(tmp_path)).clips()
        one_line(error)


# ---- own recordings


def test_own_recordings_have_the_labels_of_their_tables(tmp_path):
    write_recordings(tmp_path / "csi", runs=2)
    clips = CsiConfig(str(tmp_path / "csi")).clips()
    assert [clip.group for clip in clips] == ["run0.npz", "run1.npz"]
    first = clips[0].packets[0].time_ns
    found = [
        ((s.start_ns - first) / 1e9, (s.end_ns - first) / 1e9, s.label) for s in clips[0].spans
    ]
    assert found == [(2.0 * i, 2.0 * (i + 1), label) for i, label in enumerate(SPEEDS)]
    unlabelled = CsiConfig(str(tmp_path / "csi"), labelled=False).clips()
    assert all(clip.spans == () for clip in unlabelled) and len(unlabelled) == 2


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("start_s,end_s\n0,1\n", "line 2: expected start_s,end_s,label"),
        ("start_s,end_s,label\n0,now,A\n", "line 2: expected start_s"),
        ("start_s,end_s,label\n0,1\n", "line 2: expected start_s"),
        ("start_s,end_s,label\n1,1,A\n", "line 2: .* got 1 to 1 s, 'A'"),
        ("start_s,end_s,label\n0,2,A\n1,3,B\n", "line 3: .*without overlap.* got 1 to 3 s"),
        ("start_s,end_s,label\n0,2, \n", "and a label, got 0 to 2 s, ''"),
        ("start_s,end_s,label\n0,nan,A\n", "line 2"),
        ("start_s,end_s,label\n0,inf,A\n", "line 2"),
        ("start_s,end_s,label\n", "holds no labels"),
        (b"start_s,end_s,label\n0,1,\xff\n", "cannot be read"),
        (None, "cannot be read.*start_s,end_s,label"),
    ],
)
def test_a_wrong_table_of_labels_is_one_line(tmp_path, table, named):
    write_recordings(tmp_path / "csi", runs=1)
    path = tmp_path / "csi/run0.npz.labels.csv"
    path.unlink()
    if table is not None:
        path.write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(InputError, match=named) as error:
        CsiConfig(str(tmp_path / "csi")).clips()
    assert "run0.npz.labels.csv" in one_line(error)


def test_a_folder_without_recordings_is_one_line(tmp_path):
    with pytest.raises(InputError, match="not a folder"):
        CsiConfig(str(tmp_path / "none")).clips()
    with pytest.raises(InputError, match="holds no files"):
        CsiConfig(str(tmp_path)).clips()
    (tmp_path / "notes.txt").write_text("no CSI")
    with pytest.raises(InputError, match=r"notes\.txt") as error:
        CsiConfig(str(tmp_path)).clips()
    one_line(error)


# ---- simulated rooms


def test_simulated_rooms_follow_their_seeds_and_move():
    first, again = (SimulatedConfig(2, 5, 4.0).clips() for _ in range(2))
    values = [np.stack([p.csi for p in clip.packets]) for clip in first]
    assert np.array_equal(values[0], np.stack([p.csi for p in again[0].packets]))
    assert not np.array_equal(values[0][:100], values[1][:100])
    for clip, amplitude in zip(first, values, strict=True):
        assert clip.spans == () and clip.packets[-1].time_ns * 1e-9 == pytest.approx(4, abs=0.2)
        assert amplitude.shape[1] == 1 and np.isfinite(amplitude).all()
        assert (amplitude >= 0).all()
    # of a few rooms some body walks: far more changes than noise of 20 dB and less makes
    changes = [
        np.std(np.stack([p.csi for p in clip.packets]).mean((1, 2)))
        / np.mean(np.stack([p.csi for p in clip.packets]))
        for clip in SimulatedConfig(6, 20, 4.0).clips()
    ]
    assert max(changes) > 0.03
    with pytest.raises(UsageError, match="0 rooms"):
        SimulatedConfig(0, 1)
