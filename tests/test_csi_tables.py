# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain tables of amplitudes, ``.mat`` and ``.csv``: axes, antennas, names, times."""

import numpy as np
import pytest
import scipy.io
from csi_samples import mat_file, table_lines

from radiofm_core.csi import subcarriers
from radiofm_core.csi.reader import read_csi
from radiofm_core.errors import InputError, UsageError

RATE = 50.0


def amplitudes(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 9, shape).astype(np.float32)


def refused(path, rate=RATE) -> str:
    with pytest.raises(InputError) as caught:
        read_csi(path, rate)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- .mat


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 2, 0), (2, 1, 0)], ids=["ptn", "pnt", "tnp", "ntp"]
)
def test_the_axes_of_a_mat_file_are_found(write_file, compressed, order):
    # (packets, subcarriers, antennas)
    values = amplitudes(200, 114, 3)
    path = write_file(mat_file(compressed, CSIamp=values.transpose(order)), "x.mat")
    capture = read_csi(path, RATE)
    assert (capture.format, len(capture.packets), capture.skipped) == ("MATLAB", 200, {})
    for number, packet in enumerate(capture.packets):
        assert packet.csi.dtype == np.float32
        assert np.array_equal(packet.csi, values[number].T)
        assert packet.time_ns == number * 20_000_000 and not packet.time_is_absolute
    assert np.array_equal(packet.subcarriers, subcarriers.HT_40)


@pytest.mark.parametrize(("packets", "count"), [(500, 56), (20, 56), (40, 30), (64, 900)])
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_axes_the_one_that_is_no_layout_are_packets(write_file, packets, count, turned):
    values = amplitudes(packets, count)
    if packets == 64:
        # 64 subcarriers of 900 packets
        values = values.T
    path = write_file(mat_file(data=values.T if turned else values), "x.mat")
    capture = read_csi(path, RATE)
    assert len(capture.packets) == len(values)
    assert np.array_equal(capture.packets[3].csi[0], values[3])


def test_antennas_that_stand_one_after_the_other_are_split(write_file):
    values = amplitudes(300, 90)
    (first, *_) = read_csi(write_file(mat_file(csi=values.T), "x.mat"), RATE).packets
    assert np.array_equal(first.csi, values[0].reshape(3, 30))
    assert np.array_equal(first.subcarriers, subcarriers.INTEL_5300_20)


def test_complex_csi_of_any_type_and_its_times(write_file):
    values = (np.arange(7 * 56).reshape(7, 56) % 99 - 50) * (1 + 2j)
    times = 1.7e9 + np.arange(7) / 100
    path = write_file(mat_file(csi=values, time_s=times, note="a room"), "x.mat")
    capture = read_csi(path)
    assert [packet.csi[0].tolist() for packet in capture.packets] == values.tolist()
    assert all(packet.time_is_absolute for packet in capture.packets)
    step = capture.packets[1].time_ns - capture.packets[0].time_ns
    assert step == pytest.approx(10_000_000, abs=300)
    small = np.abs(values.real).astype(np.int8)
    (packet, *_) = read_csi(write_file(mat_file(False, only=small), "y.mat"), RATE).packets
    assert packet.csi.dtype == np.float32 and packet.csi[0].tolist() == small[0].tolist()


def test_negative_levels_are_no_amplitudes(write_file):
    told = refused(write_file(mat_file(csi=-amplitudes(9, 56)), "x.mat"))
    assert "9 × negative amplitude (of levels in dB save 10 ** (level / 20))" in told


def test_mat_files_that_cannot_be_used_say_why(write_file):
    rng = amplitudes(9, 56)
    told = refused(write_file(mat_file(one=rng, two=rng), "x.mat"))
    assert "it holds 'one', 'two', of which none is called 'csi'" in told
    told = refused(write_file(mat_file(text="none", cell=np.array(["a"], object)), "x.mat"))
    assert "but no table of numbers" in told
    told = refused(write_file(mat_file(csi=rng[:, None, :, None] * np.ones((1, 2, 1, 2))), "x.mat"))
    assert "shape (9, 2, 56, 2); expected (packets, subcarriers)" in told
    told = refused(write_file(mat_file(csi=rng, time_s=np.arange(5.0)), "x.mat"))
    assert "shape (9, 56), and 5 times" in told
    told = refused(write_file(b"MATLAB 7.3 MAT-file, Platform" + bytes(600), "x.mat"))
    assert "version 7.3, which is not read; save it with '-v7'" in told
    for cut in (60, 200, 900):
        assert "it is damaged" in refused(write_file(mat_file(csi=rng)[:cut], "x.mat"))


def test_arrays_are_those_that_scipy_reads(write_file, tmp_path):
    from radiofm_core.csi.formats.mat5 import numeric_arrays

    rng = np.random.default_rng(1)
    wanted = {
        f"{kind}{ndim}": (rng.normal(size=(3, 4, 5)[:ndim]) * 50).astype(kind)
        for kind in ("f8", "f4", "i1", "u1", "i2", "u4", "i8", "c16", "c8")
        for ndim in (2, 3)
    } | {"flags": np.array([[True, False]])}
    data = mat_file(**wanted, words="text", things={"a": 1})
    found, others = numeric_arrays(data)
    theirs = scipy.io.loadmat(write_file(data, "x.mat"))
    assert sorted(others) == ["things", "words"] and set(found) == set(wanted)
    for name, array in found.items():
        assert np.array_equal(array, theirs[name]) and array.shape == theirs[name].shape


# ---- .csv


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_table_without_names_or_times(write_file, separator, ends):
    values = amplitudes(30, 64)
    lines = table_lines(values, separator=separator).replace(b"\n", ends.encode())
    capture = read_csi(write_file(lines, "x.csv"), RATE)
    assert capture.format == "table of amplitudes" and len(capture.packets) == 30
    for number, packet in enumerate(capture.packets):
        assert packet.csi.shape == (1, 64) and packet.time_ns == number * 20_000_000
        assert packet.csi[0] == pytest.approx(values[number], rel=1e-6)


@pytest.mark.parametrize("count", [52, 56, 90])
def test_a_first_column_that_ascends_is_the_time(write_file, count):
    times = np.cumsum(np.random.default_rng(2).uniform(0.005, 0.015, 40))
    rows = np.c_[times, amplitudes(40, count)]
    capture = read_csi(write_file(table_lines(rows), "x.csv"))
    assert [packet.time_ns for packet in capture.packets] == pytest.approx(times * 1e9, abs=1e3)
    assert capture.packets[0].csi.shape == ((3, 30) if count == 90 else (1, count))


def test_named_columns_in_any_order(write_file):
    values = amplitudes(20, 56)
    names = [
        "label",
        *(f"sub_{k}" for k in range(28)),
        "time",
        *(f"sub_{k}" for k in range(28, 56)),
    ]
    times = np.arange(20) / 100
    rows = np.c_[np.ones(20), values[:, :28], times, values[:, 28:]]
    capture = read_csi(write_file(table_lines(rows, names), "x.csv"))
    assert capture.packets[7].csi[0] == pytest.approx(values[7], rel=1e-6)
    assert capture.packets[7].time_ns == 70_000_000
    # names without numbers: all but the time are amplitudes
    letters = ["time_s", *("abcdefghijklmnopqrstuvwxyzABCD")]
    rows = np.c_[times, values[:, :30]]
    capture = read_csi(write_file(table_lines(rows, letters), "x.csv"))
    assert capture.packets[7].csi[0] == pytest.approx(values[7, :30], rel=1e-6)


def test_lines_that_cannot_be_used_are_counted(write_file):
    lines = table_lines(amplitudes(20, 56)).decode().splitlines()
    lines[3] = lines[3].replace(",", ",x", 1)
    lines[5] = lines[5].rsplit(",", 1)[0]
    lines[7] = "-" + lines[7]
    lines.insert(9, "")
    capture = read_csi(write_file(lines, "x.csv"), RATE)
    assert len(capture.packets) == 17
    assert sorted(capture.skipped.values()) == [1, 1, 1]
    assert "line without 56 columns" in capture.skipped


def test_texts_that_are_no_tables_are_of_unknown_format(write_file):
    for lines in (["a note", "of two lines"], ["1,2,3"] * 9, ["x " * 20] * 9):
        assert "unknown format" in refused(write_file(lines, "x.csv"))


def test_a_rate_that_is_none_is_refused(write_file):
    path = write_file(table_lines(amplitudes(20, 56)), "x.csv")
    assert "its packets have no times; tell at how many packets" in refused(path, None)
    for rate in (0, -3, float("nan"), "fast", 1e9, True):
        with pytest.raises(UsageError, match="packet_rate: expected packets per second"):
            read_csi(path, rate)
