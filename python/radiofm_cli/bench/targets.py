# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets of figures, by the dotted names of ``bench.json``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A figure should be ``at_least`` or, if not, at most ``limit``."""

    limit: float
    at_least: bool

    def is_met(self, value: float) -> bool:
        """Whether ``value`` meets the target."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


def _at_least(limit: float) -> Target:
    return Target(limit, True)


def _at_most(limit: float) -> Target:
    return Target(limit, False)


TARGETS = {
    "framer.cpu_ratio_to_gnuradio_chain": _at_most(0.25),
    "framer.cpu_ratio_with_evidence": _at_most(0.5),
    "framer.ratio_to_null_sink": _at_least(0.9),
    "segmenter.ratio_to_gemm_bound": _at_least(0.65),
    "end_to_end.msps": _at_least(61.44),
    "end_to_end.ratio_to_naive": _at_least(5),
    "live.61.44.lost_frames": _at_most(0),
    "live.61.44.latency_p99_ms": _at_most(60),
    "view.61.44.draws_per_s": _at_least(25),
    "view.61.44.cpu_share": _at_most(0.35),
}
