# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores what a model says of real recordings against what is known of them.

Nothing here is used in training. What is known comes from the recordings' descriptions: the kind of
signal, the carrier's width, and for TDD the on and off periods, which are read from the power over
time. They are a development set: they are looked at while the product is made.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from radiofm_core.spectrum.recordings import open_recording, read_samples
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

# The edges of a 20 MHz LTE carrier lie at 9 MHz; edge bins are left to the roll-off.
CARRIER_HALF_HZ = 8.7e6
# 802.11a/n in 20 MHz has its outermost subcarriers at 8.1 and 8.75 MHz
WIFI_HALF_HZ = 8.0e6
# A downlink subframe has reference signals every quarter of a millisecond: shorter pauses are on.
ON_GAP_S = 0.4e-3
# Times on the air of 802.11 are 16 us apart and more, which no row shows
WIFI_GAP_S = 0.0
SPUR_DB = 5.0
NOISE, LTE, NR, WIFI, OTHER = "noise", "lte", "nr", "wifi", "other"
TECHNOLOGIES = (LTE, NR, WIFI)
# Bars: on and off periods, by folder
TDD_BARS = {"lte_hackrf": (0.98, 0.98), "lte_rtlsdr": (0.97, 0.90)}
FDD_BAR, NR_BAR, NR_REST_BAR, NR_VECTORS_BAR, WIFI_BAR = 0.99, 0.95, 0.99, 0.90, 0.97
# The bursts of nr_air: Hz from the centre, seconds
NR_AIR_BAND_HZ = (6.6e6, 15.0e6)
NR_AIR_BURSTS_S = ((0.0, 0.35e-3), (7.74e-3, 7.93e-3))
# What is so far above the other rows is on (dB)
ON_DB = 6.0
# What is left out around their edges, and around DC
EDGE_HZ, EDGE_S, DC_BINS = 0.36e6, 0.08e-3, 2


@dataclass(frozen=True)
class Score:
    """A recording's share of correct (or wrong) pixels, or number of emissions, the target, and
    whether it is met; ``note``: what else is to be known of it."""

    recording: str
    what: str
    value: float
    bar: float
    at_most: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.bar if self.at_most else self.value >= self.bar


@dataclass(frozen=True)
class Answer:
    """What `radiofm segment` wrote of a recording: the mask as names (rows, cols), the model's
    classes, Hz of the columns from the centre's, seconds of the rows, and the emissions' labels."""

    mask: np.ndarray
    classes: tuple[str, ...]
    hertz: np.ndarray
    time: np.ndarray
    labels: list[str]

    @classmethod
    def read(cls, masks: Path, stem: str) -> Answer:
        """From the folder ``masks``."""
        with np.load(masks / f"{stem}.mask.npz") as archive:
            names = np.asarray(archive["classes"])
            mask, hertz = names[archive["mask"]], archive["frequency_hz"]
            time = archive["time_s"]
        lines = (masks / f"{stem}.jsonl").read_text().splitlines()
        labels = [json.loads(line)["label"] for line in lines if line.strip()]
        centre = hertz[mask.shape[1] // 2]
        return cls(mask, tuple(map(str, names)), hertz - centre, time - time[0], labels)


def score(masks: Path, meta: Path) -> list[Score]:
    """The scores of one recording (several for TDD); empty where no bar is known.

    Args:
        masks: the folder that ``radiofm segment`` wrote.
        meta: the recording.
    """
    name, folder = meta.stem, meta.parent.name
    found = Answer.read(masks, name)
    if name.startswith("lte_fdd20"):
        inside = np.abs(found.hertz) <= CARRIER_HALF_HZ
        share = float((found.mask[:, inside] == LTE).mean())
        return [Score(name, "lte within the carrier", share, FDD_BAR)]
    if name.startswith("lte_tdd20") or folder == "lte_rtlsdr":
        wide = folder == "lte_rtlsdr"
        inside = np.full(len(found.hertz), True) if wide else np.abs(found.hertz) <= CARRIER_HALF_HZ
        return _score_tdd(name, meta, found.mask, inside, found.time, TDD_BARS[folder])
    if folder == "nr_vectors":
        sent = found.mask[found.mask != NOISE]
        share = float((sent == NR).mean()) if sent.size else 0.0
        return [Score(name, "nr among non-noise pixels", share, NR_VECTORS_BAR)]
    if folder == "nr_air":
        return _score_bursts(name, meta, found)
    if folder == "wifi_usrp":
        return [_score_wifi(name, meta, found)]
    if folder in ("ism_2g4", "narrowband", "floor"):
        claims = [label for label in found.labels if label in TECHNOLOGIES]
        out = [_none_of(name, "lte, nr, wifi emissions", claims)]
        if folder == "floor":
            out.append(_none_of(name, "emissions", found.labels))
        return out
    return []


def _none_of(name: str, what: str, labels: list[str]) -> Score:
    told = ", ".join(f"{count} {label}" for label, count in Counter(labels).most_common())
    return Score(name, what, len(labels), 0, at_most=True, note=told)


def _score_bursts(name: str, meta: Path, found: Answer) -> list[Score]:
    """NR's bursts, and everything else but DC; a rim around the bursts' edges is left out, and, as
    neither, pauses within the bursts, which their description does not tell."""
    row_s = found.time[1] - found.time[0]
    low, high = NR_AIR_BAND_HZ
    band = (found.hertz >= low) & (found.hertz <= high)
    power = np.median(row_levels(meta, found.time)[:, band], axis=1)
    is_on = power >= np.median(power) + ON_DB

    def inside(rim: float) -> np.ndarray:
        columns = (found.hertz >= low + rim * EDGE_HZ) & (found.hertz <= high - rim * EDGE_HZ)
        rows = np.zeros(len(found.time), bool)
        for begin, end in NR_AIR_BURSTS_S:
            first = begin + rim * EDGE_S * (begin > 0)
            rows |= (found.time >= first) & (found.time + row_s <= end - rim * EDGE_S)
        return rows[:, None] & columns

    rest = ~inside(-1.0)
    middle = len(found.hertz) // 2
    rest[:, middle - DC_BINS : middle + DC_BINS + 1] = False
    bursts = float((found.mask[inside(1.0) & is_on[:, None]] == NR).mean())
    quiet = float((found.mask[rest] == NOISE).mean())
    return [
        Score(name, "nr in its bursts", bursts, NR_BAR),
        Score(name, "noise elsewhere", quiet, NR_REST_BAR),
    ]


def _score_wifi(name: str, meta: Path, found: Answer) -> Score:
    """Where packets surely are; a model without a class for Wi-Fi is right to call it other."""
    on, _ = on_and_off(
        row_levels(meta, found.time), float(found.time[1] - found.time[0]), WIFI_GAP_S
    )
    sent = found.mask[on][:, np.abs(found.hertz) <= WIFI_HALF_HZ]
    label = WIFI if WIFI in found.classes else OTHER
    share = float((sent == label).mean()) if sent.size else 0.0
    note = "" if label == WIFI else "the model has no class wifi: other is right"
    return Score(name, f"{label} in packets", share, WIFI_BAR, note=note)


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
    iq = torch.from_numpy(read_samples(recording, 0, recording.num_samples))
    return spectrogram_db(iq, spec, row_samples // spec.hop, len(time))[0].numpy()


def on_and_off(
    level: np.ndarray, row_s: float, gap_s: float = ON_GAP_S
) -> tuple[np.ndarray, np.ndarray]:
    """Rows in which the carrier is surely on, and surely off, from the power over time; off for no
    longer than ``gap_s`` is on.

    The threshold lies midway between the two levels; rows next to a change are in neither.
    """
    power = np.median(level, axis=1)
    low, high = np.percentile(power, (5, 95))
    gap = max(1, round(gap_s / row_s))
    pad = np.pad(power > (low + high) / 2, gap, mode="edge")
    on = ndimage.binary_closing(pad, np.ones(gap + 1, bool))[gap:-gap]
    sure_on = ndimage.binary_erosion(on, np.ones(3, bool), border_value=1)
    sure_off = ndimage.binary_erosion(~on, np.ones(3, bool), border_value=1)
    return sure_on, sure_off
