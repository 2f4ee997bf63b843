# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of real recordings, held to answers whose scores are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from training.segmentation import recordings_score
from training.segmentation.recordings_score import Score, on_and_off, score

FIVE = ("noise", "lte", "nr", "wifi", "other")


def answered(folder: Path, recording: str, mask, hertz, row_s, labels=(), classes=FIVE) -> Path:
    """An answer as `radiofm segment` writes it; returns where the recording would be."""
    meta = folder / f"{recording}.sigmf-meta"
    time = 5.0 + np.arange(len(mask)) * row_s
    np.savez(
        folder / f"{meta.stem}.mask.npz",
        mask=mask,
        frequency_hz=3.5e9 + hertz,
        time_s=time,
        classes=np.array(classes),
    )
    lines = [json.dumps({"label": label}) for label in labels]
    (folder / f"{meta.stem}.jsonl").write_text("\n".join(lines))
    return meta


def spread(rate: float) -> np.ndarray:
    """Hz of 256 columns."""
    return (np.arange(256) - 128) * rate / 256


@pytest.fixture
def nr_bursts(monkeypatch):
    """A mask of the two bursts of nr_air alone, its columns and its rows' duration. The first of
    them pauses, as the recording tells, from row 2 to row 5."""
    hertz, row_s = spread(46.08e6), 10e-3 / 256
    time = np.arange(256) * row_s
    columns = (hertz >= 6.6e6) & (hertz <= 15e6)
    rows = (time < 0.35e-3) | ((time >= 7.74e-3) & (time < 7.93e-3))
    levels = np.where(rows[:, None] & columns, -65.0, -93.0)
    levels[2:6] = -93.0
    monkeypatch.setattr(recordings_score, "row_levels", lambda meta, time: levels)
    return np.where(rows[:, None] & columns, 2, 0).astype(np.uint8), hertz, row_s


def test_bursts_of_nr_are_found_and_the_rest_is_noise(tmp_path, nr_bursts):
    mask, hertz, row_s = nr_bursts
    mask[:, 126:131] = 4  # DC is not scored
    meta = answered(tmp_path, "nr_air/nr_n78_3502M", mask, hertz, row_s)
    assert [one.value for one in score(tmp_path, meta)] == [1.0, 1.0]
    mask[:, :26] = 4
    mask[mask == 2] = 1
    answered(tmp_path, "nr_air/nr_n78_3502M", mask, hertz, row_s)
    bursts, rest = score(tmp_path, meta)
    assert bursts.value == 0.0 and rest.value == pytest.approx(1 - 26 / 251, abs=0.005)
    assert not bursts.met and not rest.met


def test_where_nr_pauses_within_its_bursts_it_need_not_be_found(tmp_path, nr_bursts):
    mask, hertz, row_s = nr_bursts
    mask[2:6] = 0
    meta = answered(tmp_path, "nr_air/nr_n78_3502M", mask, hertz, row_s)
    assert [one.value for one in score(tmp_path, meta)] == [1.0, 1.0]
    mask[:2] = 0
    answered(tmp_path, "nr_air/nr_n78_3502M", mask, hertz, row_s)
    assert not score(tmp_path, meta)[0].met


@pytest.mark.parametrize("folder", ["ism_2g4", "narrowband", "floor"])
def test_emissions_of_technologies_are_counted_where_none_is_wanted(tmp_path, folder):
    mask = np.zeros((16, 256), np.uint8)
    labels = ("other", "unknown", "nr", "wifi", "nr")
    meta = answered(tmp_path, f"{folder}/x", mask, spread(2e6), 1e-4, labels)
    claims, *rest = score(tmp_path, meta)
    assert claims.value == 3 and not claims.met and claims.note == "2 nr, 1 wifi"
    # noise holds no emission of any label
    assert [one.value for one in rest] == ([5] if folder == "floor" else [])
    answered(tmp_path, f"{folder}/x", mask, spread(2e6), 1e-4)
    assert all(one.met for one in score(tmp_path, meta))


def test_nr_vectors_are_scored_among_what_is_not_noise(tmp_path):
    mask = np.zeros((16, 256), np.uint8)
    mask[:, :100], mask[:, 100:125] = 2, 4
    meta = answered(tmp_path, "nr_vectors/x", mask, spread(15.36e6), 4e-5)
    (one,) = score(tmp_path, meta)
    assert one.value == pytest.approx(0.8) and not one.met


@pytest.mark.parametrize("classes, says", [(FIVE, ""), (FIVE[:3] + FIVE[4:], "no class wifi")])
def test_packets_are_wifi_or_other_where_the_model_has_no_wifi(
    tmp_path, monkeypatch, classes, says
):
    level = np.full((64, 256), -60.0)
    level[:40] = -20.0
    monkeypatch.setattr(recordings_score, "row_levels", lambda meta, time: level)
    mask = np.zeros((64, 256), np.uint8)
    mask[:40] = 3  # wifi of five, other of four
    meta = answered(tmp_path, "wifi_usrp/x", mask, spread(20e6), 1e-5, classes=classes)
    (one,) = score(tmp_path, meta)
    assert one.value == 1.0 and one.met and says in one.note
    mask[:20] = 1
    answered(tmp_path, "wifi_usrp/x", mask, spread(20e6), 1e-5, classes=classes)
    (one,) = score(tmp_path, meta)
    # half of the packets, but for a row beside the end
    assert one.value == pytest.approx(19 / 39, abs=0.02) and not one.met


def test_pauses_no_longer_than_the_gap_are_on():
    level = np.full((200, 8), -60.0)
    level[50:150] = -20.0
    level[100:102] = -60.0
    on, off = on_and_off(level, 1e-4, 0.4e-3)
    assert on[52:148].all() and off[:49].all() and off[151:].all()
    assert not (on & off).any()


def test_a_bar_is_met_on_its_side():
    assert Score("x", "share", 0.99, 0.99).met and not Score("x", "share", 0.98, 0.99).met
    assert Score("x", "count", 0, 0, at_most=True).met
    assert not Score("x", "count", 1, 0, at_most=True).met
