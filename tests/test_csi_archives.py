# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI in NumPy archives: shapes, types and times, and what is refused."""

import csi_files as files
import numpy as np
import pytest

from radiofm_core.csi import subcarriers
from radiofm_core.csi.formats import arrays
from radiofm_core.csi.reader import read_csi
from radiofm_core.errors import InputError


def test_archive_of_csi(tmp_path):
    csi = files.estimate(2, 5 * 56, 9).reshape(5, 56, 2)
    np.savez_compressed(tmp_path / "x.npz", csi=csi, time_s=1.7e9 + np.arange(5) / 8)
    capture = read_csi(tmp_path / "x.npz")
    assert capture.format == "NumPy archive" and len(capture.packets) == 5
    packet = capture.packets[3]
    assert np.array_equal(packet.csi, csi[3].T) and packet.csi.dtype == np.complex64
    assert np.array_equal(packet.subcarriers, subcarriers.HT_20)
    assert packet.time_ns == 1_700_000_000_375_000_000 and packet.time_is_absolute


def test_archive_of_amplitudes_with_indices_and_bad_packets(tmp_path):
    amplitude = np.arange(1, 25, dtype=np.int16).reshape(6, 4).astype(float)
    amplitude[1, 2] = np.nan
    amplitude[2] = 0
    times = np.array([0.5, 1, 2, np.inf, 0.25, 0.75])
    np.savez(
        tmp_path / "x.npz",
        amplitude=amplitude,
        time_s=times,
        subcarriers=[-3, -1, 1, 3],
        subcarrier_hz=78125,
    )
    capture = read_csi(tmp_path / "x.npz")
    assert capture.skipped == {"CSI not finite": 1, "all-zero CSI": 1, "time out of range": 1}
    assert capture.steps_back == 1
    first = capture.packets[0]
    assert first.csi.dtype == np.float32 and first.csi.tolist() == [[1, 2, 3, 4]]
    assert first.subcarriers.tolist() == [-3, -1, 1, 3] and first.subcarrier_hz == 78125
    assert [p.time_ns for p in capture.packets] == [500_000_000, 250_000_000, 750_000_000]
    assert not first.time_is_absolute


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"amplitude": np.array([[1], None], object), "time_s": [0, 1]}, "allow_pickle=True"),
        ({"x": [1]}, "'x', but no 'csi' and no 'time_s'"),
        ({"csi": np.ones((2, 3))}, "no 'time_s'"),
        ({"csi": np.ones(3), "time_s": np.arange(3)}, r"shape \(3,\)"),
        ({"csi": np.ones((3, 2)), "time_s": np.arange(2)}, r"time_s: .* got int64 of shape \(2,\)"),
        ({"csi": np.full((2, 2), "a"), "time_s": np.arange(2)}, "type <U1"),
        ({"amplitude": np.ones((2, 2)) * 1j, "time_s": np.arange(2)}, "complex128"),
        ({"csi": np.ones((1, 2)), "time_s": [0], "subcarriers": [2, 1]}, "ascend"),
        ({"csi": np.ones((1, 2)), "time_s": [0], "subcarrier_hz": 0}, "subcarrier_hz: .* got 0"),
        ({"csi": np.ones((1, 2, 99)), "time_s": [0]}, "99 antennas"),
        ({"csi": np.ones((1, 9999)), "time_s": [0]}, "9999 subcarriers"),
    ],
)
def test_archives_that_cannot_be_used_are_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=words) as caught:
        read_csi(tmp_path / "x.npz")
    assert "x.npz" in str(caught.value) and "\n" not in str(caught.value)


def test_an_archive_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "x.npz", csi=np.zeros((4000, 52), complex), time_s=range(4000))
    assert (tmp_path / "x.npz").stat().st_size < 20_000
    monkeypatch.setattr(arrays, "MAX_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(InputError, match="1048576 at most") as refused:
        read_csi(tmp_path / "x.npz")
    assert "x.npz" in str(refused.value) and "damaged" not in str(refused.value)
