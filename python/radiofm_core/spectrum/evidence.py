# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells one radio standard from another: how far a frame's samples repeat after given times.

OFDM repeats the end of each symbol before it, reference signals repeat within symbols and from
frame to frame. A spectrogram cannot show it; the coherence of the samples with themselves at a
``lag`` does. This is the one definition, in PyTorch; the C++ kernel is its fast twin.

A short transform of ``points`` samples (Hann window) is taken every half of that. The transform
that begins at sample t is compared with the one that begins nearest to t - lag, each bin turned by
what is missing to the lag; products are summed over the bins and times of a cell before they are
divided by both energies. The result is complex, of magnitude 0 to 1: its magnitude is about
1/sqrt(looks) where nothing repeats. A carrier's frequency offset turns all of its cells alike.

Of lags from a millisecond on, what the receiver's clock is off makes a slope of the phase over
frequency: it is found for the frame as a whole, from bins two apart, and taken away.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from .evidence_grid import LONG_LAG_S, EvidenceGrid
from .spec import CELL_COLS, SpectrogramSpec

NAN = math.nan
# Share of a cell's transforms that must have one to be compared with
LEAST_SHARE = 0.5


def evidence_planes(
    iq: Tensor,
    spec: SpectrogramSpec,
    sample_rate: float,
    hops_per_row: int,
    before: Tensor | None = None,
    rows: int | None = None,
) -> Tensor:
    """Coherence of a frame's cells at each of the spec's ``evidence_lags``.

    Args:
        iq: complex64 (samples,) of a frame.
        spec: what a frame is.
        sample_rate: S/s.
        hops_per_row: from :meth:`SpectrogramSpec.hops_per_row`.
        before: complex64 samples that came just before, as many as there are; none by default.
        rows: the frame's rows that are wanted, a multiple of ``row_multiple``; the spec's by
            default. Cells without samples are not judged.

    Returns:
        float32 (lags, 2, rows / row_multiple, CELL_COLS), real and imaginary part; NaN where the
        lag cannot be judged: it is shorter than a transform, or fewer than half of the cell's
        transforms have one to be compared with, or there is no signal at all.
    """
    grid = EvidenceGrid.of(spec, sample_rate, hops_per_row)
    cells = (rows or spec.rows) // spec.row_multiple
    out = torch.full((len(spec.evidence_lags), 2, cells, CELL_COLS), NAN)
    # whole hops of before, so that the frame's own transforms begin at its first sample
    known = 0 if before is None else len(before) // grid.hop
    samples = iq if known == 0 else torch.cat([before[len(before) - known * grid.hop :], iq])
    # cells shorter than the stride have nothing to compare
    if len(samples) < grid.points or not spec.evidence_lags or grid.compared == 0:
        return out
    window = torch.hann_window(grid.points, periodic=True)
    pieces = samples.unfold(0, grid.points, grid.hop) * window
    spectra = torch.fft.fftshift(torch.fft.fft(pieces), dim=-1)
    for number, lag in enumerate(spec.evidence_lags):
        if grid.is_judged(lag):
            out[number] = _coherence(spectra, known, grid, lag, cells)
    return out


def _coherence(spectra: Tensor, known: int, grid: EvidenceGrid, lag: float, cells: int) -> Tensor:
    """One lag's plane, (2, cells, CELL_COLS), of transforms (hops, bins), ``known`` of which begin
    before the frame."""
    bins = torch.arange(grid.points) - grid.points // 2
    new = spectra[known :: grid.stride]
    # of the first ones, what they are to be compared with came before all samples
    missing = min(len(new), max(0, -((known - grid.hops(lag)) // grid.stride)))
    first = known + missing * grid.stride - grid.hops(lag)
    old = functional.pad(spectra[first :: grid.stride][: len(new) - missing], (0, 0, missing, 0))
    new, old = (_by_cell(x[:, : cells * grid.compared], grid, cells) for x in (new.T, old.T))
    product = (new * old.conj()).sum(2).T
    # roots first: the product of two energies leaves the range of a float
    energy = _columns(_power(new)).sqrt() * _columns(_power(old)).sqrt()
    hops = torch.arange(cells * grid.compared).view(cells, -1)
    there = (hops >= missing) & (hops < len(range(known, len(spectra), grid.stride)))
    judged = there.sum(1) >= LEAST_SHARE * grid.compared
    turns = -grid.turns(lag)
    if lag >= LONG_LAG_S:
        whole = product[judged].sum(0).to(torch.complex128) * torch.exp(2j * math.pi * turns * bins)
        turns -= float((whole[2:] * whole[:-2].conj()).sum().angle()) / (4 * math.pi)
    product = _columns(product * torch.exp(2j * math.pi * turns * bins))
    plane = torch.where(judged[:, None] & (energy > 0), product / energy, complex(NAN, NAN))
    return torch.view_as_real(plane).permute(2, 0, 1)


def _by_cell(x: Tensor, grid: EvidenceGrid, cells: int) -> Tensor:
    """(bins, hops) to (bins, cells, hops of a cell); 0 where there are none."""
    x = functional.pad(x, (0, cells * grid.compared - x.shape[1]))
    return x.unflatten(1, (cells, grid.compared))


def _power(x: Tensor) -> Tensor:
    """(bins, cells, hops) to sums of the energy (cells, bins)."""
    return (x.real.square() + x.imag.square()).sum(2).T


def _columns(x: Tensor) -> Tensor:
    """(cells, bins) to (cells, CELL_COLS)."""
    return x.unflatten(1, (CELL_COLS, -1)).sum(2)
