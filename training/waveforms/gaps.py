# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples that are missing from a recording, or emissions from the air: zeros before, after and
amid the signal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .rng import Rng
from .span import Emission, Span

# A burst's rise and fall
RAMP_S = 2e-6
SHORTEST_RECORDING_S, SHORT_RECORDING_S = 1e-3, 5e-3


@dataclass(frozen=True)
class Gaps:
    """``silent``: pairs of first and one past the last sample of the frame that are zero, apart
    from each other, ascending."""

    silent: tuple[tuple[int, int], ...] = ()

    def shares(self, span: Span) -> Tensor:
        """(rows,): how much of each row is left."""
        share = torch.ones(span.rows)
        for a, b in self.silent:
            edges = torch.tensor([a, b], dtype=torch.float32)
            share -= span.rows_over(edges)[:, 0]
        return share.clamp(0.0, 1.0)

    def edges(self, span: Span) -> Tensor:
        """(rows,) bool: where a gap begins or ends amid the frame."""
        places = [p for pair in self.silent for p in pair if 0 < p < span.samples]
        out = torch.zeros(span.rows, dtype=torch.bool)
        out[[min(p // span.row_samples, span.rows - 1) for p in places]] = True
        return out


def draw_gaps(span: Span, rng: Rng) -> Gaps:
    """None as a rule; a recording that ends before its frame, one that begins or ends in silence,
    or samples that a bus has lost."""
    kind = rng.choice(("none", "short", "silence", "lost"), (0.86, 0.05, 0.05, 0.04))
    n = span.samples
    if kind == "short":
        # Whole rows: the framer shows no others.
        most = min(SHORT_RECORDING_S, 0.9 * span.duration)
        few = rng.log_uniform(min(SHORTEST_RECORDING_S, 0.5 * most), most)
        wanted = rng.choice((few, rng.uniform(0.05, 0.95) * span.duration))
        rows = max(1, round(wanted / span.duration * span.rows))
        return Gaps(((rows * span.row_samples, n),))
    if kind == "silence":
        before, after = (rng.integer(1, n // 2) if rng.chance(0.6) else 0 for _ in range(2))
        return Gaps(tuple((a, b) for a, b in ((0, before), (n - after, n)) if b > a))
    if kind == "lost":
        return Gaps(_lost(span, rng))
    return Gaps()


def _lost(span: Span, rng: Rng) -> tuple[tuple[int, int], ...]:
    """One to twelve buffers of the same size."""
    size = int(rng.log_uniform(64, max(65, span.samples / 30)))
    places = sorted(rng.integer(0, span.samples - size) for _ in range(rng.integer(1, 12)))
    out: list[tuple[int, int]] = []
    for a in places:
        if not out or a > out[-1][1]:
            out.append((a, a + size))
    return tuple(out)


def silenced(iq: Tensor, gaps: Gaps, span: Span) -> Tensor:
    """The samples with zeros in the gaps of the frame, which is the last ``span.samples``."""
    frame = iq[-span.samples :]
    for a, b in gaps.silent:
        frame[a:b] = 0
        if a == 0:
            iq[: -span.samples] = 0
    return iq


def dimmed(emission: Emission, rows: Tensor) -> Emission:
    """An emission of whose rows no more than a share (rows,) is there."""
    share = rows[:, None]
    return replace(emission, power=emission.power * share, cover=emission.cover * share)


def gated(emission: Emission, begin: float, end: float, span: Span) -> Emission:
    """An emission that is on the air from ``begin`` to ``end`` (s in the frame) alone."""
    a, b = (min(max(0, round(t * span.sample_rate)), span.samples) for t in (begin, end))
    gate = torch.zeros(emission.iq.numel())
    frame = gate[-span.samples :]
    frame[a:b] = 1
    ramp = min(max(2, round(RAMP_S * span.sample_rate)), (b - a) // 2)
    rise = torch.linspace(0, 1, ramp + 2)[1:-1].mul_(torch.pi / 2).sin_().square_()
    if ramp and a > 0:
        frame[a : a + ramp] = rise
    if ramp and b < span.samples:
        frame[b - ramp : b] = rise.flip(0)
    if a <= 0:
        # It was there before.
        gate[: -span.samples] = 1
    whole = Gaps(tuple((x, y) for x, y in ((0, a), (b, span.samples)) if y > x))
    return dimmed(replace(emission, iq=emission.iq * gate), whole.shares(span))
