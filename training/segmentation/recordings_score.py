# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores masks of real recordings against what is known of them. Nothing here is used in training.
What is known comes from the recordings' descriptions: the kind of signal, the carrier's width,
and for TDD the on and off periods, which are read from the power over time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.sample_data import read_iq
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

# The edges of a 20 MHz LTE carrier lie at 9 MHz; edge bins are left to the roll-off.
CARRIER_HALF_HZ = 8.7e6
# A downlink subframe has reference signals every quarter of a millisecond: shorter pauses are on.
ON_GAP_S = 0.4e-3
SPUR_DB = 5.0
# Of the default classes
NOISE, LTE, NR = "noise", "lte", "nr"


@dataclass(frozen=True)
class Score:
    """A recording's share of correct (or wrong) pixels, the target, and whether it is met."""

    recording: str
    what: str
    value: float
    bar: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def score(masks: Path, meta: Path) -> list[Score]:
    """The scores of one recording (several for TDD); empty where no bar is known.

    Args:
        masks: the folder that ``radiofm segment`` wrote.
        meta: the recording.
    """
    with np.load(masks / f"{meta.stem}.mask.npz") as archive:
        frequency, time = archive["frequency_hz"], archive["time_s"]
        mask = np.asarray(archive["classes"])[archive["mask"]]
    name, folder = meta.stem, meta.parent.name
    inside = np.abs(frequency - frequency[mask.shape[1] // 2]) <= CARRIER_HALF_HZ
    if name.startswith("lte_fdd20"):
        return [Score(name, "lte within the carrier", float((mask[:, inside] == LTE).mean()), 0.90)]
    if name.startswith("lte_tdd20"):
        return _score_tdd(name, meta, mask, inside, time, (0.85, 0.85))
    if folder == "lte_rtlsdr":
        return _score_tdd(name, meta, mask, np.ones(mask.shape[1], bool), time, (0.85, 0.85))
    if folder == "nr_vectors":
        sent = mask[mask != NOISE]
        nr_share = float((sent == NR).mean()) if sent.size else 0.0
        return [Score(name, "nr among non-noise pixels", nr_share, 0.5)]
    if folder in ("wifi_usrp", "narrowband"):
        wrong = float(np.isin(mask, (LTE, NR)).mean())
        return [Score(name, "false lte or nr", wrong, 0.05, at_most=True)]
    return []


def _score_tdd(name, meta, mask, inside, time, bars) -> list[Score]:
    level = row_levels(meta, time)
    on, off = on_and_off(level, float(time[1] - time[0]))
    quiet = np.median(level[off], axis=0) if off.any() else np.zeros(level.shape[1])
    spurs = np.abs(quiet - ndimage.median_filter(quiet, 25)) > SPUR_DB
    spurs[mask.shape[1] // 2 - 1 : mask.shape[1] // 2 + 2] = True
    scored = inside & ~spurs
    out = []
    if on.any():
        out.append(
            Score(name, "lte in on-periods", float((mask[on][:, scored] == LTE).mean()), bars[0])
        )
    if off.any():
        value = float((mask[off][:, scored] == NOISE).mean())
        out.append(Score(name, "noise in off-periods", value, bars[1]))
    return out


def row_levels(meta: Path, time: np.ndarray) -> np.ndarray:
    """dB per row and column of the whole recording, on the mask's rows."""
    recording = open_recording(meta)
    spec = SpectrogramSpec()
    row_samples = round((time[1] - time[0]) * recording.sample_rate)
    iq = read_iq(
        recording.data_path, recording.datatype, recording.start_byte, 0, recording.num_samples
    )
    iq = torch.from_numpy(iq)
    return spectrogram_db(iq, spec, row_samples // spec.hop, len(time))[0].numpy()


def on_and_off(level: np.ndarray, row_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows in which the carrier is surely on, and surely off, from the power over time.

    The threshold lies midway between the two levels; rows next to a change are in neither.
    """
    power = np.median(level, axis=1)
    low, high = np.percentile(power, (5, 95))
    gap = max(1, round(ON_GAP_S / row_s))
    pad = np.pad(power > (low + high) / 2, gap, mode="edge")
    on = ndimage.binary_closing(pad, np.ones(gap + 1, bool))[gap:-gap]
    sure_on = ndimage.binary_erosion(on, np.ones(3, bool), border_value=1)
    sure_off = ndimage.binary_erosion(~on, np.ones(3, bool), border_value=1)
    return sure_on, sure_off
