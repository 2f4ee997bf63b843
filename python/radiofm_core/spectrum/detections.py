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
class Evidence:
    """What an emission's samples show: they repeat after ``lag`` seconds.

    ``coherence``: how alike they are then, 0 to 1. ``floor``: what it is about where nothing
    repeats. ``meaning``: what that says, in words.
    """

    lag: float
    coherence: float
    floor: float
    meaning: str

    def to_dict(self) -> dict:
        """Its message: keys of :mod:`radiofm_core.keys`, values float, str."""
        return {
            keys.LAG: self.lag,
            keys.COHERENCE: self.coherence,
            keys.FLOOR: self.floor,
            keys.MEANING: self.meaning,
        }

    @classmethod
    def from_dict(cls, fields: Mapping) -> Evidence:
        """The inverse of :meth:`to_dict`; raises InputError for values of wrong types."""
        check_present(fields, cls.__dataclass_fields__, keys.EVIDENCE)
        check_numbers(fields, (keys.LAG, keys.COHERENCE, keys.FLOOR), least=0.0)
        if not isinstance(fields[keys.MEANING], str):
            raise InputError(
                f"its {keys.MEANING}: expected text, got {shown(fields[keys.MEANING])}"
            )
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Detection:
    """One time on the air of an emission within one frame.

    Frequencies in Hz, times in seconds, offsets in samples (end exclusive). ``confidence`` is
    the label's probability, of the emission as a whole; ``pwr_db`` its power in the band while it
    is on (0 dB: a full-scale tone); ``snr_db`` that power over the frame's noise in the same band.
    ``subcarrier_spacing`` (Hz) is None where it is not known.
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
    subcarrier_spacing: float | None = None
    evidence: tuple[Evidence, ...] = ()

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
        """Its message: keys of :mod:`radiofm_core.keys`, values float, int, str, list of dict.

        What is not known has no key.
        """
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
            **evidence_fields(self.subcarrier_spacing, self.evidence),
        }

    @classmethod
    def from_dict(cls, fields: Mapping) -> Detection:
        """The inverse of :meth:`to_dict`; other keys are ignored.

        Raises InputError for values of wrong types, numbers that are not finite, and a bandwidth
        or duration below zero.
        """
        optional = (keys.SUBCARRIER_SPACING, keys.EVIDENCE)
        names = [name for name in cls.__dataclass_fields__ if name not in optional]
        check_present(fields, names)
        if not isinstance(fields[keys.LABEL], str):
            raise InputError(f"its {keys.LABEL}: expected text, got {shown(fields[keys.LABEL])}")
        check_whole(fields, (keys.START_OFFSET, keys.END_OFFSET))
        check_numbers(fields, (keys.CENTER_FREQUENCY, keys.START_TIME))
        check_numbers(fields, (keys.BANDWIDTH, keys.DURATION, keys.CONFIDENCE), least=0.0)
        check_decibels(fields, (keys.SNR_DB, keys.PWR_DB))
        spacing = fields.get(keys.SUBCARRIER_SPACING)
        if spacing is not None:
            check_numbers(fields, (keys.SUBCARRIER_SPACING,), least=0.0)
        evidence = fields.get(keys.EVIDENCE, [])
        if not isinstance(evidence, list):
            raise InputError(f"its {keys.EVIDENCE}: expected a vector, got {shown(evidence)}")
        return cls(
            **{name: fields[name] for name in names},
            subcarrier_spacing=spacing,
            evidence=tuple(map(Evidence.from_dict, evidence)),
        )


def evidence_fields(spacing: float | None, evidence: tuple[Evidence, ...]) -> dict:
    """The keys of a message that tell of the subcarrier spacing (Hz) and of evidence; none of what
    is not known."""
    told = {} if spacing is None else {keys.SUBCARRIER_SPACING: spacing}
    return told | ({keys.EVIDENCE: [each.to_dict() for each in evidence]} if evidence else {})
