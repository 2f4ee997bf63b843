# SPDX-License-Identifier: GPL-3.0-or-later
"""What a spectrogram frame is: the numbers that training, bundles and blocks share."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass

from .errors import BundleError, UsageError

DEFAULT_FRAME_DURATION_S = 20e-3


@dataclass(frozen=True)
class SpectrogramSpec:
    """A spectrogram frame: ``rows`` x ``fft_size`` pixels of power in dB.

    One column is one FFT bin (``sample_rate / fft_size`` Hz, ascending, DC in column
    ``fft_size // 2``). One row is the mean power of ``hops_per_row`` FFTs, one every ``hop``
    samples, each centred on its hop and, at a segment's two ends, moved inwards so that it
    lies within the segment. ``hops_per_row`` follows from the sample rate and the wanted
    frame duration, so one spec serves every rate in its range.

    Power is relative to a full-scale complex tone in a bin's centre (0 dB).
    """

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

    def __post_init__(self):
        if self.window != "hann":
            raise UsageError(f"window {self.window!r} is unknown; use 'hann'")
        if self.channels not in (("mean",), ("mean", "peak")):
            raise UsageError(
                f"channels {self.channels!r} are unknown; use ('mean',) or ('mean', 'peak')"
            )
        if self.fft_size < 8 or self.fft_size % self.hop or self.hop % 2:
            raise UsageError(
                f"fft_size {self.fft_size} must be a multiple of an even hop, got hop {self.hop}"
            )
        if self.rows % self.row_multiple:
            raise UsageError(f"rows {self.rows} must be a multiple of {self.row_multiple}")

    @property
    def cols(self) -> int:
        """Columns of a frame (= FFT bins)."""
        return self.fft_size

    @property
    def frame_floats(self) -> int:
        """Floats in one frame vector: channels x rows x cols."""
        return len(self.channels) * self.rows * self.cols

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
        wanted = round(frame_duration * rate / (self.rows * self.hop))
        least = max(1, math.ceil(self.row_duration_min * rate / self.hop - 1e-9))
        most = max(least, math.floor(self.row_duration_max * rate / self.hop + 1e-9))
        return min(max(wanted, least), most)

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

    def to_dict(self) -> dict:
        """A JSON-ready dict."""
        fields = dataclasses.asdict(self)
        fields["channels"] = list(self.channels)
        return fields

    @classmethod
    def from_dict(cls, fields: dict) -> SpectrogramSpec:
        """The inverse of :meth:`to_dict`; raises BundleError on unknown or missing keys."""
        check_keys(cls, fields, "spectrogram spec")
        return cls(**{**fields, "channels": tuple(fields["channels"])})

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with any field."""
        return fingerprint_of(self.to_dict())


def check_keys(kind: type, fields: object, what: str) -> None:
    """Raises BundleError unless ``fields`` is a dict of just the fields of the dataclass
    ``kind``; ``what`` names it in the error."""
    known = {f.name for f in dataclasses.fields(kind)}
    if not isinstance(fields, dict) or set(fields) != known:
        odd = sorted(set(fields) ^ known) if isinstance(fields, dict) else fields
        raise BundleError(f"the bundle's {what} has wrong or missing keys: {odd}")


def fingerprint_of(fields: dict) -> str:
    """16 hex digits that change with any entry of a JSON-ready dict."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
