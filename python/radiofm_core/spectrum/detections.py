# SPDX-License-Identifier: GPL-3.0-or-later
"""What a detection is, and where a frame's pixels lie in frequency and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import keys
from ..errors import InputError
from ..fields import check_decibels, check_numbers, check_present, check_whole, shown

NOISE_CLASS = 0
# The label of what is there but like no class that the model is sure of
UNKNOWN = "unknown"
# A speck of fewer pixels is no detection
MIN_PIXELS = 16


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
    def looks(self) -> float:
        """Transforms averaged in a row, one every half length: at least 1."""
        return max(1.0, 2.0 * self.row_samples / self.cols)

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

        Raises InputError for values of wrong types, numbers that are not finite, and a bandwidth
        or duration below zero.
        """
        check_present(fields, cls.__dataclass_fields__)
        if not isinstance(fields[keys.LABEL], str):
            raise InputError(f"its {keys.LABEL}: expected text, got {shown(fields[keys.LABEL])}")
        check_whole(fields, (keys.START_OFFSET, keys.END_OFFSET))
        check_numbers(fields, (keys.CENTER_FREQUENCY, keys.START_TIME))
        check_numbers(fields, (keys.BANDWIDTH, keys.DURATION, keys.CONFIDENCE), least=0.0)
        check_decibels(fields, (keys.SNR_DB, keys.PWR_DB))
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})
