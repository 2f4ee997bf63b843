# SPDX-License-Identifier: GPL-3.0-or-later
"""What a spectrogram frame is: the numbers that training, bundles and blocks share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from ..errors import UsageError
from ..fields import finite_number
from ..spec_fields import OPTIONAL, Spec, check_number_fields

DEFAULT_FRAME_DURATION_S = 20e-3
# Beyond these a number is a mistake, and memory or time would have no end. The C++ twin
# (spectrogram_spec.cc) has the same ones
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 1.0, 1e11
MAX_ROW_DURATION_S = 1.0
MAX_FFT_SIZE = MAX_ROWS = 65536
MAX_FRAME_FLOATS = 1 << 24
MAX_FLOOR_DB = 300.0
# A longer memory than this would take gigabytes at the widest rates
MAX_LAG_S = 0.05
MAX_LAGS = 32
MAX_LAG_SAMPLES = 1 << 24
# Evidence is taken in cells of `row_multiple` rows; so many of them lie beside each other
CELL_COLS = 32


@dataclass(frozen=True)
class SpectrogramSpec(Spec):
    """A spectrogram frame: ``rows`` x ``fft_size`` pixels of power in dB.

    One column is one FFT bin (``sample_rate / fft_size`` Hz, ascending, DC in column
    ``fft_size // 2``). One row is the mean power of ``hops_per_row`` FFTs, one every ``hop``
    samples, each centred on its hop and, at a segment's two ends, moved inwards so that it
    lies within the segment. ``hops_per_row`` follows from the sample rate and the wanted
    frame duration, so one spec serves every rate in its range.

    Power is relative to a full-scale complex tone in a bin's centre (0 dB).

    ``evidence_lags`` (s): after which times it is looked at whether the samples repeat
    (:mod:`.evidence`); those planes follow the power in a frame's vector. None by default.
    """

    title: ClassVar[str] = "spectrogram spec"

    fft_size: int = 256
    hop: int = 128
    window: str = "hann"
    rows: int = 256
    row_multiple: int = 16
    channels: tuple[str, ...] = ("mean",)
    floor_db: float = -200.0
    sample_rate_min: float = 0.96e6
    sample_rate_max: float = 122.88e6
    row_duration_min: float = 20e-6
    row_duration_max: float = 160e-6
    # of a spec without, JSON and fingerprint are as before there were any
    evidence_lags: tuple[float, ...] = field(default=(), metadata=OPTIONAL)

    def __post_init__(self):
        check_number_fields(self)
        if self.window != "hann":
            raise UsageError(f"window: expected 'hann', got {self.window!r}")
        if self.channels not in (("mean",), ("mean", "peak")):
            raise UsageError(
                f"channels: expected ('mean',) or ('mean', 'peak'), got {self.channels!r}"
            )
        if self.hop < 2 or self.hop % 2 or self.fft_size % self.hop:
            raise UsageError(
                f"fft_size {self.fft_size} must be a multiple of an even hop, got hop {self.hop}"
            )
        if not 8 <= self.fft_size <= MAX_FFT_SIZE or self.fft_size % 8:
            raise UsageError(
                f"fft_size {self.fft_size} must be a multiple of 8 up to {MAX_FFT_SIZE}"
            )
        if self.row_multiple < 1 or self.rows % self.row_multiple:
            raise UsageError(f"rows {self.rows} must be a multiple of {self.row_multiple}")
        self._check_lags()
        if self.rows > MAX_ROWS or self.frame_floats > MAX_FRAME_FLOATS:
            raise UsageError(
                f"rows {self.rows} of {self.fft_size} bins are more than {MAX_ROWS} or than "
                f"{MAX_FRAME_FLOATS} values"
            )
        if self.rows * self.hop < self.fft_size:
            raise UsageError(
                f"rows {self.rows} of one hop must hold an FFT of {self.fft_size} samples"
            )
        if abs(self.floor_db) > MAX_FLOOR_DB:
            raise UsageError(
                f"floor_db {self.floor_db:g} is outside {-MAX_FLOOR_DB:g} to {MAX_FLOOR_DB:g} dB"
            )
        low, high = self.sample_rate_min, self.sample_rate_max
        if not MIN_SAMPLE_RATE <= low <= high <= MAX_SAMPLE_RATE:
            raise UsageError(
                f"sample rates: expected a range within {MIN_SAMPLE_RATE:g} to "
                f"{MAX_SAMPLE_RATE:g} S/s, got {low:g} to {high:g}"
            )
        low, high = self.row_duration_min, self.row_duration_max
        if not 0 <= low <= high <= MAX_ROW_DURATION_S:
            raise UsageError(
                f"row durations: expected a range within 0 to {MAX_ROW_DURATION_S:g} s, got "
                f"{low:g} to {high:g}"
            )
        longest = max(self.evidence_lags, default=0.0)
        if longest * self.sample_rate_max > MAX_LAG_SAMPLES:
            raise UsageError(
                f"evidence_lags: {longest:g} s at sample_rate_max {self.sample_rate_max:g} S/s are "
                f"more than {MAX_LAG_SAMPLES} samples; lower one of them"
            )

    def _check_lags(self) -> None:
        lags = self.evidence_lags
        if not isinstance(lags, tuple) or len(lags) > MAX_LAGS:
            raise UsageError(
                f"evidence_lags: expected up to {MAX_LAGS} different times in s, got {lags!r}"
            )
        for lag in lags:
            if finite_number(lag) is None or not 0 < lag <= MAX_LAG_S:
                raise UsageError(
                    f"evidence_lags: expected seconds above 0 and up to {MAX_LAG_S:g}, got "
                    f"{lag!r}; a longer lag needs more memory than a receiver has"
                )
        if len(set(lags)) < len(lags):
            raise UsageError(f"evidence_lags: expected different times in s, got {lags!r}")
        if lags and (self.cols % CELL_COLS or self.hop % 32):
            raise UsageError(
                f"evidence needs columns in {CELL_COLS} equal parts and a hop that is a multiple "
                f"of 32, got {self.cols} columns and hop {self.hop}"
            )

    @property
    def cols(self) -> int:
        """Columns of a frame (= FFT bins)."""
        return self.fft_size

    @property
    def frame_floats(self) -> int:
        """Floats in one frame vector: channels x rows x cols of power, then the evidence."""
        return self.power_floats + self.evidence_floats

    @property
    def power_floats(self) -> int:
        """Floats of power in a frame vector: channels x rows x cols."""
        return len(self.channels) * self.rows * self.cols

    @property
    def evidence_floats(self) -> int:
        """Floats of evidence in a frame vector: lags x 2 x cell rows x cell columns."""
        return len(self.evidence_lags) * 2 * (self.rows // self.row_multiple) * CELL_COLS

    def check_sample_rate(self, sample_rate: float) -> float:
        """Return ``sample_rate`` (Hz) as a float; raise UsageError outside the range."""
        rate = float(sample_rate)
        if not (self.sample_rate_min <= rate <= self.sample_rate_max):
            raise UsageError(
                f"sample rate {rate / 1e6:g} MS/s is outside the model's range "
                f"{self.sample_rate_min / 1e6:g} to {self.sample_rate_max / 1e6:g} MS/s; "
                "resample the signal or load another model"
            )
        return rate

    def hops_per_row(
        self, sample_rate: float, frame_duration: float = DEFAULT_FRAME_DURATION_S
    ) -> int:
        """Hops averaged into one row for a frame of about ``frame_duration`` seconds.

        The row duration is held within ``row_duration_min`` .. ``row_duration_max``.
        """
        rate = self.check_sample_rate(sample_rate)
        if not (math.isfinite(frame_duration) and frame_duration > 0):
            raise UsageError(f"frame duration {frame_duration!r} s must be above zero")
        wanted = frame_duration * rate / (self.rows * self.hop)
        least = max(1, math.ceil(self.row_duration_min * rate / self.hop - 1e-9))
        most = max(least, math.floor(self.row_duration_max * rate / self.hop + 1e-9))
        return most if wanted >= most else max(round(wanted), least)

    def row_samples(self, hops_per_row: int) -> int:
        """Samples that one row covers."""
        return hops_per_row * self.hop

    def frame_samples(self, hops_per_row: int) -> int:
        """Samples that one frame covers."""
        return self.rows * self.row_samples(hops_per_row)

    def resolution(self, sample_rate: float, hops_per_row: int) -> tuple[float, float]:
        """(Hz per bin, seconds per row): the model's second input."""
        return (
            sample_rate / self.fft_size,
            self.row_samples(hops_per_row) / sample_rate,
        )

    def facts(self) -> dict[str, str]:
        """What ``radiofm models`` tells of it."""
        rows = f"{self.row_duration_min * 1e6:g} to {self.row_duration_max * 1e6:g} us per row"
        low, high = self.sample_rate_min / 1e6, self.sample_rate_max / 1e6
        return {
            "spectrogram": f"{self.rows} rows x {self.cols} bins of {' and '.join(self.channels)} "
            f"power, {rows}",
            "sample rates": f"{low:g} to {high:g} MS/s",
        } | self._lag_facts()

    def _lag_facts(self) -> dict[str, str]:
        if not self.evidence_lags:
            return {}
        lags = ", ".join(f"{lag * 1e6:.1f}" for lag in self.evidence_lags)
        return {"evidence": f"coherence of the samples at lags of {lags} us"}
