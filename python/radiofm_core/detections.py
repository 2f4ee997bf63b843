# SPDX-License-Identifier: GPL-3.0-or-later
"""From a frame's mask to detections: connected components with edges, times, SNR, confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from . import keys
from .errors import InputError
from .fields import check_decibels, check_numbers, check_present, check_whole, shown

NOISE_CLASS = 0
# The label of what is there but like no class that the model is sure of
UNKNOWN = "unknown"
# A speck of fewer pixels is no detection
MIN_PIXELS = 16
# The largest components of a class that are reported from one frame
MAX_PER_CLASS = 128
# A component reaches to the outermost columns and rows that are filled this much of its fullest
EDGE_FILL = 0.25
# Equivalent noise bandwidth of the Hann window, in bins: turns a sum over bins into power
HANN_NOISE_BINS = 1.5
MIN_SNR_DB = -20.0
# Energy gate: what lies less than this above the noise (-10 dB: 0.4 dB more power) is nothing, and
# what noise alone shows now and then (in standard deviations) is nothing either
GATE_SNR_DB = -10.0
GATE_SIGMAS = 7.0
# Neighbouring bins of a Hann window share power: the variance of a sum over pixels grows by
# 1 + 2 (4 / 9 + 1 / 36)
NOISE_CORRELATION = 1.94
# The median of the noise is taken over about this many of its pixels, evenly spread
MEDIAN_PIXELS = 8192
# Columns by which the power at an edge may correct the mask
MAX_REFINEMENT = 3.0


@dataclass(frozen=True)
class FrameGeometry:
    """Where a frame's pixels lie: Hz, seconds, samples. Row 0 starts at ``rx_time``."""

    sample_offset: int
    sample_rate: float
    center_frequency: float
    rx_time: tuple[int, float]
    row_samples: int
    cols: int = 256

    @classmethod
    def from_frame(cls, frame: Mapping) -> FrameGeometry:
        """From a frame's dict (the value of its ``frame`` tag as a Python dict)."""
        return cls(
            sample_offset=int(frame[keys.SAMPLE_OFFSET]),
            sample_rate=float(frame[keys.SAMPLE_RATE]),
            center_frequency=float(frame[keys.CENTER_FREQUENCY]),
            rx_time=(int(frame[keys.RX_TIME][0]), float(frame[keys.RX_TIME][1])),
            row_samples=int(frame[keys.ROW_SAMPLES]),
            cols=int(frame[keys.COLS]),
        )

    @property
    def bin_width(self) -> float:
        """Hz per column."""
        return self.sample_rate / self.cols

    @property
    def row_duration(self) -> float:
        """Seconds per row."""
        return self.row_samples / self.sample_rate

    def edge_frequency(self, column: float) -> float:
        """Hz of the left edge of ``column``; the outermost columns reach to the span's ends."""
        if column >= self.cols:
            return self.center_frequency + self.sample_rate / 2
        hertz = (column - self.cols // 2 - 0.5) * self.bin_width
        half = self.sample_rate / 2
        return self.center_frequency + min(max(hertz, -half), half)

    def row_time(self, row: float) -> float:
        """Seconds since 1970 (or the recording's start) at which ``row`` starts."""
        return self.rx_time[0] + (self.rx_time[1] + row * self.row_duration)


@dataclass(frozen=True)
class Detection:
    """One transmission within one frame.

    Frequencies in Hz, times in seconds, offsets in samples (end exclusive). ``confidence`` is
    the mean over its pixels; ``pwr_db`` its power in the band while it is on (0 dB: a full-scale
    tone); ``snr_db`` that power over the frame's noise in the same band.
    """

    label: str
    confidence: float
    center_frequency: float
    bandwidth: float
    start_time: float
    duration: float
    start_offset: int
    end_offset: int
    snr_db: float
    pwr_db: float

    @property
    def low(self) -> float:
        """Lower edge in Hz."""
        return self.center_frequency - self.bandwidth / 2

    @property
    def high(self) -> float:
        """Upper edge in Hz."""
        return self.center_frequency + self.bandwidth / 2

    @property
    def end_time(self) -> float:
        """Seconds at which it ends."""
        return self.start_time + self.duration

    def to_dict(self) -> dict:
        """Its message: keys of :mod:`radiofm_core.keys`, values float, int, str."""
        return {
            keys.LABEL: self.label,
            keys.CONFIDENCE: self.confidence,
            keys.CENTER_FREQUENCY: self.center_frequency,
            keys.BANDWIDTH: self.bandwidth,
            keys.START_TIME: self.start_time,
            keys.DURATION: self.duration,
            keys.START_OFFSET: self.start_offset,
            keys.END_OFFSET: self.end_offset,
            keys.SNR_DB: self.snr_db,
            keys.PWR_DB: self.pwr_db,
        }

    @classmethod
    def from_dict(cls, fields: Mapping) -> Detection:
        """The inverse of :meth:`to_dict`; other keys are ignored.

        Raises InputError for values that are no detection's: a label that is no text, numbers
        that are none or not finite, a bandwidth or duration below zero.
        """
        check_present(fields, cls.__dataclass_fields__)
        if not isinstance(fields[keys.LABEL], str):
            raise InputError(f"its {keys.LABEL} {shown(fields[keys.LABEL])} is no text")
        check_whole(fields, (keys.START_OFFSET, keys.END_OFFSET))
        check_numbers(fields, (keys.CENTER_FREQUENCY, keys.START_TIME))
        check_numbers(fields, (keys.BANDWIDTH, keys.DURATION, keys.CONFIDENCE), least=0.0)
        check_decibels(fields, (keys.SNR_DB, keys.PWR_DB))
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})


def find_detections(
    mask: np.ndarray,
    confidence: np.ndarray,
    power_db: np.ndarray,
    geometry: FrameGeometry | Mapping,
    class_names: Sequence[str],
    min_confidence: float = 0.5,
) -> list[Detection]:
    """Detections in one frame, by start and then frequency.

    What the energy gate finds empty is left out, whatever the mask says, unless the frame holds
    no noise to compare it with.

    Args:
        mask: uint8 (rows, cols), indexes into ``class_names``; 0 is noise.
        confidence: float32 (rows, cols), 0..1.
        power_db: float32 (rows, cols), the frame's mean power.
        geometry: where the pixels lie, or the frame's dict.
        class_names: the bundle's classes in mask order.
        min_confidence: components whose mean confidence is lower are called ``unknown``.
    """
    if not isinstance(geometry, FrameGeometry):
        geometry = FrameGeometry.from_frame(geometry)
    power = np.asarray(power_db, dtype=np.float32) * np.float32(np.log(10.0) / 10.0)
    np.exp(power, out=power)
    counts = np.bincount(mask.ravel(), minlength=len(class_names))
    has_noise = counts[NOISE_CLASS] >= max(mask.size // 100, 1)
    noise = _noise_power(mask, power, geometry) if has_noise else float(np.percentile(power, 1.0))
    found = []
    for index in range(NOISE_CLASS + 1, len(class_names)):
        if counts[index] < MIN_PIXELS:
            continue
        for rows, cols, inside, trust in _components(mask == index, confidence):
            label = class_names[index] if trust >= min_confidence else UNKNOWN
            part = power[rows, cols]
            one = _measure(label, trust, rows, cols, inside, part, power, noise, geometry)
            if not has_noise or _stands_out(one, part, noise, geometry):
                found.append(one)
    return sorted(found, key=lambda d: (d.start_offset, d.center_frequency))


def _stands_out(one: Detection, part: np.ndarray, noise: float, geometry: FrameGeometry) -> bool:
    """The energy gate: whether there is more power in a component's rectangle than noise has.

    All of the rectangle counts: a mask of noise picks its brighter pixels. A mean of k transforms
    deviates from its expectation by 1 / sqrt(k) of it.
    """
    excess = part / noise - 1.0
    deviation = (excess.size * NOISE_CORRELATION / looks(geometry)) ** 0.5
    return one.snr_db >= GATE_SNR_DB and float(excess.sum()) >= GATE_SIGMAS * deviation


def looks(geometry: FrameGeometry) -> float:
    """Transforms in a row, one every half length: at least 1."""
    return max(1.0, 2.0 * geometry.row_samples / geometry.cols)


def _noise_power(mask: np.ndarray, power: np.ndarray, geometry: FrameGeometry) -> float:
    """Mean noise per pixel, from the median of the noise pixels, which an overlooked emission
    hardly moves: a mean of k transforms is gamma distributed, and its median is about
    (1 - 1 / 9k)^3 of its mean (Wilson and Hilferty, 1931)."""
    values = power[mask == NOISE_CLASS]
    median = float(np.median(values[:: -(-values.size // MEDIAN_PIXELS)]))
    return median / (1 - 1 / (9 * looks(geometry))) ** 3


def close_gaps(pixels: np.ndarray) -> np.ndarray:
    """Fill gaps of up to two rows or two columns (a closing by a 3 x 3 square)."""
    grown = np.pad(pixels, 2)
    wide = grown[:, :-2] | grown[:, 1:-1] | grown[:, 2:]
    grown = wide[:-2] | wide[1:-1] | wide[2:]
    narrow = grown[:, :-2] & grown[:, 1:-1] & grown[:, 2:]
    return narrow[:-2] & narrow[1:-1] & narrow[2:]


def _components(pixels: np.ndarray, confidence: np.ndarray):
    """Yield (row slice, column slice, the component's own pixels in them, mean confidence)."""
    labels, count = ndimage.label(close_gaps(pixels))
    owners = labels[pixels]
    area = np.bincount(owners, minlength=count + 1)
    trust = np.bincount(owners, weights=confidence[pixels], minlength=count + 1)
    trust = trust / np.maximum(area, 1)
    kept = np.flatnonzero(area >= MIN_PIXELS)
    kept = kept[np.argsort(-area[kept], kind="stable")][:MAX_PER_CLASS]
    boxes = ndimage.find_objects(labels)
    for label in kept:
        rows, cols = boxes[label - 1]
        inside = (labels[rows, cols] == label) & pixels[rows, cols]
        yield rows, cols, inside, float(trust[label])


def _extent(filled: np.ndarray) -> tuple[int, int]:
    """First and one past the last index that is filled enough."""
    enough = np.flatnonzero(filled >= EDGE_FILL * filled.max())
    return int(enough[0]), int(enough[-1]) + 1


def _measure(label, trust, rows, cols, inside, part, power, noise, geometry) -> Detection:
    first_row, end_row = _extent(inside.sum(axis=1))
    first_col, end_col = _extent(inside.sum(axis=0))
    weights = inside[first_row:end_row, first_col:end_col]
    per_pixel = float((part[first_row:end_row, first_col:end_col] * weights).sum())
    per_pixel /= max(int(weights.sum()), 1)
    first_row, end_row = first_row + rows.start, end_row + rows.start
    first_col, end_col = first_col + cols.start, end_col + cols.start
    profile = power[first_row:end_row].mean(axis=0)
    # A narrow component on a slope must not shrink away: at most a third of it from each side
    inwards = min(MAX_REFINEMENT, (end_col - first_col) / 3)
    low = geometry.edge_frequency(_refine(profile, first_col, -1, per_pixel, inwards))
    high = geometry.edge_frequency(_refine(profile, end_col, +1, per_pixel, inwards))
    snr = per_pixel / max(noise, 1e-30) - 1.0
    snr_db = 10.0 * np.log10(snr) if snr > 0 else MIN_SNR_DB
    pwr = per_pixel * (end_col - first_col) / HANN_NOISE_BINS
    start, end = (geometry.sample_offset + r * geometry.row_samples for r in (first_row, end_row))
    return Detection(
        label=label,
        confidence=trust,
        center_frequency=(low + high) / 2,
        bandwidth=high - low,
        start_time=geometry.row_time(first_row),
        duration=(end_row - first_row) * geometry.row_duration,
        start_offset=start,
        end_offset=end,
        snr_db=float(max(snr_db, MIN_SNR_DB)),
        pwr_db=float(10.0 * np.log10(max(pwr, 1e-30))),
    )


def _refine(
    profile: np.ndarray, edge: int, side: int, inside_power: float, inwards: float
) -> float:
    """The edge in fractions of a column, from the mean power on both sides of it.

    A steep edge spreads over the bins of the window's main lobe, symmetrically, so the sum of
    how full these bins are tells where it lies. Left where the mask puts it when the power says
    nothing clear: a neighbour, a shallow edge, an edge at the span's end, an edge more than
    ``inwards`` columns inside the mask's.
    """
    reach = 4
    near = np.arange(edge - reach, edge + reach)
    if near[0] < 0 or near[-1] >= len(profile):
        return float(edge)
    values = profile[near] if side < 0 else profile[near][::-1]
    outside, inside = values[0], max(values[-1], 0.25 * inside_power)
    if inside < 4.0 * outside:
        return float(edge)
    full = np.clip((values - outside) / (inside - outside), 0.0, 1.0)
    shift = float(full.sum()) - reach
    # ``shift`` columns more are filled than the mask says: outwards
    return edge + side * shift if -inwards <= shift <= MAX_REFINEMENT else float(edge)
