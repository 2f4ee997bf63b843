# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CSI window is: the numbers that training, bundles and blocks share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..errors import UsageError
from ..spec_fields import Spec, check_number_fields
from .subcarriers import SPACING_HZ

# Windows longer than this are a mistake, and would take memory without an end
MAX_ROWS = 16384
MAX_SUBCARRIERS = 2048


@dataclass(frozen=True)
class CsiSpec(Spec):
    """A CSI window: ``rows`` instants x ``subcarriers`` frequencies x antennas.

    The rows are ``1 / rate_hz`` seconds apart, whatever the rhythm of the packets. A window
    begins every ``hop_s``. Gaps between packets up to ``max_gap_s`` are interpolated; a window
    is refused that holds a longer one, fewer than ``min_packet_rate`` packets a second, or
    more than ``max_missing_share`` of rows without a packet of their own.

    The columns are frequencies relative to the carrier, evenly over ``span_hz``, both ends
    included. The default, 53 columns 312.5 kHz apart, is the indices -26 to 26 of 802.11: every
    layout of 20 MHz and wider covers it, so no edge is ever guessed; the 52, 56 and 64 subcarriers
    of 20 MHz fall on it exactly, only DC (which carries nothing) is interpolated. Of a wider
    channel it takes the middle.
    """

    title: ClassVar[str] = "CSI spec"

    duration_s: float = 2.0
    hop_s: float = 0.5
    rate_hz: float = 100.0
    subcarriers: int = 53
    span_hz: float = 52 * SPACING_HZ
    max_gap_s: float = 0.5
    min_packet_rate: float = 8.0
    max_missing_share: float = 0.95

    def __post_init__(self):
        check_number_fields(self)
        for name in ("duration_s", "hop_s", "rate_hz", "span_hz", "max_gap_s"):
            value = getattr(self, name)
            if value <= 0:
                raise UsageError(f"{name}: expected a number above 0, got {value!r}")
        for name in ("duration_s", "hop_s"):
            rows = getattr(self, name) * self.rate_hz
            if rows > MAX_ROWS:
                raise UsageError(
                    f"{name}: expected at most {MAX_ROWS} rows, got {getattr(self, name):g} s"
                )
            if abs(rows - round(rows)) > 1e-6 or round(rows) < 1:
                raise UsageError(
                    f"{name}: expected a multiple of the row duration {1 / self.rate_hz:g} s "
                    f"(row rate {self.rate_hz:g} Hz), got {getattr(self, name):g} s"
                )
        if self.rows < 4:
            raise UsageError(f"duration_s: expected 4 rows or more, got {self.rows}")
        if not 2 <= self.subcarriers <= MAX_SUBCARRIERS:
            raise UsageError(
                f"subcarriers: expected 2 to {MAX_SUBCARRIERS}, got {self.subcarriers}"
            )
        if self.min_packet_rate < 0:
            raise UsageError(
                f"min_packet_rate: expected 0 packets/s or more, got {self.min_packet_rate!r}"
            )
        if not 0 <= self.max_missing_share <= 1:
            raise UsageError(
                f"max_missing_share: expected a number from 0 to 1, got {self.max_missing_share!r}"
            )

    # these two are asked for with every packet
    @cached_property
    def rows(self) -> int:
        """Instants in a window."""
        return round(self.duration_s * self.rate_hz)

    @cached_property
    def hop_rows(self) -> int:
        """Rows from one window's start to the next one's."""
        return round(self.hop_s * self.rate_hz)

    @property
    def frequencies_hz(self) -> np.ndarray:
        """Of the columns, relative to the carrier: float64 (subcarriers,), ascending."""
        return np.linspace(-self.span_hz / 2, self.span_hz / 2, self.subcarriers)

    def facts(self) -> dict[str, str]:
        """What ``radiofm models`` tells of it."""
        return {
            "CSI window": f"{self.rows} rows x {self.subcarriers} columns, {self.duration_s:g} s "
            f"and {self.span_hz / 1e6:.4g} MHz, one every {self.hop_s:g} s",
            "packets": f"at least {self.min_packet_rate:g}/s, resampled to {self.rate_hz:g}/s; "
            f"gaps up to {self.max_gap_s:g} s",
        }
