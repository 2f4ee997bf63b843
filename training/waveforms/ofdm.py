# SPDX-License-Identifier: GPL-3.0-or-later
"""From resource grids to samples, for LTE (36.211 clause 6.12) and NR (38.211 clause 5.3.1), and
to the truth of their pixels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .channel import Channel, draw_channel
from .rng import Rng
from .span import Emission, Span, mean_power

RB_SUBCARRIERS = 12
# From this signal-to-noise ratio on, what leaks out of the grid's own pixels can rise above noise.
LEAKING_SNR_DB = 18.0
# Delays below this (samples) are not worth a product.
LEAST_DELAY = 1e-3


@dataclass
class Grid:
    """A carrier's resource grid.

    ``values``: complex64 (symbols, subcarriers), 0 where nothing is sent, about 1 in amplitude
    elsewhere. ``truth``: (symbols, resource blocks) bool, what counts as sent. ``subcarrier_hz``:
    spacing. ``starts``: symbol starts in seconds from the grid's start, one more than symbols.
    ``offset``: the carrier's centre from the span's, in subcarriers. ``time``: where the span
    starts in the grid, seconds. ``dc_null``: leave the centre subcarrier empty (LTE downlink).
    ``shift_hz``: a further shift of all subcarriers (half a spacing in LTE's uplink).
    """

    values: Tensor
    truth: Tensor
    subcarrier_hz: float
    starts: Tensor
    offset: int
    time: float
    dc_null: bool
    shift_hz: float = 0.0

    @property
    def positions(self) -> Tensor:
        """Subcarrier index of each column, 0 = the span's centre."""
        count = self.values.shape[1]
        k = torch.arange(count) - count // 2
        if self.dc_null:
            k = torch.where(k >= 0, k + 1, k)
        return k + self.offset


def sent_blocks(values: Tensor) -> Tensor:
    """Where any element of a resource block is sent: (symbols, subcarriers) complex to (symbols,
    resource blocks) bool."""
    parts = torch.view_as_real(values).abs().flatten(1)
    return parts.unflatten(1, (-1, 2 * RB_SUBCARRIERS)).amax(2) > 0


def symbol_starts(slots: int, subcarrier_hz: float, extended: bool = False) -> Tensor:
    """Starts of the symbols of ``slots`` slots of 7 (LTE) symbols at 15 kHz, scaled for others.

    Normal cyclic prefix: every half millisecond begins with a longer one (36.211 table 6.12-1,
    38.211 clause 5.3.1). ``slots`` counts groups of 7 symbols (6 with the extended prefix).
    """
    scale = subcarrier_hz / 15e3
    unit = 1 / 30.72e6 / scale
    if extended:
        length = torch.full((slots * 6,), 2560.0, dtype=torch.float64)
    else:
        length = torch.full((slots * 7,), 2192.0, dtype=torch.float64)
        length[:: int(7 * scale)] += 16.0 * scale
    return torch.cat([torch.zeros(1, dtype=torch.float64), length.cumsum(0)]) * unit


@dataclass(frozen=True)
class Sender:
    """What a transmitter's clock and the way from it do: ``cfo_hz`` carrier frequency offset,
    ``clock_ppm`` symbol clock error, ``channel`` None for a cable."""

    cfo_hz: float = 0.0
    clock_ppm: float = 0.0
    channel: Channel | None = None


def draw_sender(rng: Rng) -> Sender:
    """A carrier between the span's subcarriers as a rule, and up to 20 ppm of clock error."""
    cfo = rng.choice((0.0, rng.uniform(-500, 500), rng.uniform(-7.5e3, 7.5e3)), (0.3, 0.3, 0.4))
    ppm = rng.choice((0.0, rng.uniform(-2, 2), rng.uniform(-20, 20)), (0.3, 0.5, 0.2))
    return Sender(cfo, ppm, draw_channel(rng))


def emit(
    grids: Grid | Sequence[Grid],
    span: Span,
    kind: int,
    snr_db: float,
    rng: Rng,
    sender: Sender | None = None,
) -> Emission:
    """Modulate the grids of one transmitter, all with the same ``shift_hz``, and mark their pixels.

    ``kind``: its number in a truth. ``snr_db``: of a resource element of amplitude 1. ``sender``:
    drawn if not given.
    """
    grids = [grids] if isinstance(grids, Grid) else list(grids)
    sender = sender or draw_sender(rng)
    amplitude = 10.0 ** (snr_db / 20.0)
    iq = torch.zeros(span.samples, dtype=torch.complex64)
    power = torch.zeros(span.rows, span.spec.cols)
    cover = torch.zeros_like(power)
    inside = torch.zeros_like(power, dtype=torch.bool)
    for grid in grids:
        part = _seen(_on_clock(grid, sender.clock_ppm), span)
        if part is None:
            continue
        if sender.channel is not None:
            frequencies = part.positions.float() * part.subcarrier_hz
            times = part.starts[:-1].float()
            part.values = part.values * sender.channel.response(times, frequencies)
        part.values = part.values * amplitude
        own = _pixels(part, span, sender.cfo_hz)
        power, cover, inside = power + own[0], (cover + own[1]).clamp_max(1.0), inside | own[2]
        _modulate(part, span, iq)
    iq = shifted(iq, sender.cfo_hz + (grids[0].shift_hz if grids else 0.0), span.sample_rate)
    if snr_db > LEAKING_SNR_DB:
        power, cover, inside = _with_leakage(iq, span, power, cover, inside)
    spacing = grids[0].subcarrier_hz if grids else None
    return Emission(kind, iq, power, cover, inside, subcarrier_hz=spacing)


def shifted(iq: Tensor, hertz: float, sample_rate: float) -> Tensor:
    """Samples moved up by ``hertz``."""
    if hertz == 0.0 or not iq.numel():
        return iq
    # A product of two short rotations is ten times cheaper than a sine for every sample.
    inner = 1024
    step = hertz / sample_rate
    fine = (torch.arange(inner, dtype=torch.float64) * step).remainder(1.0) * (2 * math.pi)
    blocks = -(-iq.numel() // inner)
    coarse = torch.arange(blocks, dtype=torch.float64) * (inner * step)
    coarse = coarse.remainder(1.0) * (2 * math.pi)
    fine, coarse = torch.exp(1j * fine), torch.exp(1j * coarse)
    turn = torch.outer(coarse.to(torch.complex64), fine.to(torch.complex64)).view(-1)
    return turn[: iq.numel()].mul_(iq)


def _on_clock(grid: Grid, ppm: float) -> Grid:
    """The grid with symbols that a sender's clock makes longer or shorter, to a part of a sample;
    that their spacing changes as well is left out (20 ppm of 10 MHz are 200 Hz)."""
    return replace(grid, starts=grid.starts * (1 + 1e-6 * ppm)) if ppm else grid


def _seen(grid: Grid, span: Span) -> Grid | None:
    """The part of a grid that meets the span: whole symbols and whole resource blocks."""
    n = round(span.sample_rate / grid.subcarrier_hz)
    k = grid.positions
    columns = ((k > -n // 2) & (k < n // 2)).nonzero()
    begin, end = grid.time, grid.time + span.duration
    first = max(0, int(torch.searchsorted(grid.starts, begin, right=True)) - 1)
    last = min(len(grid.starts) - 1, int(torch.searchsorted(grid.starts, end)))
    if not columns.numel() or last <= first:
        return None
    low = int(columns[0]) // RB_SUBCARRIERS
    high = int(columns[-1]) // RB_SUBCARRIERS + 1
    part = _Part(
        values=grid.values[first:last, low * RB_SUBCARRIERS : high * RB_SUBCARRIERS],
        truth=grid.truth[first:last, low:high],
        subcarrier_hz=grid.subcarrier_hz,
        starts=grid.starts[first : last + 1],
        offset=grid.offset,
        time=grid.time,
        dc_null=grid.dc_null,
        shift_hz=grid.shift_hz,
    )
    part.kept = k[low * RB_SUBCARRIERS : high * RB_SUBCARRIERS]
    return part


@dataclass
class _Part(Grid):
    """A piece of a grid, whose columns are at ``kept``."""

    kept: Tensor | None = None

    @property
    def positions(self) -> Tensor:
        return self.kept


def _modulate(grid: Grid, span: Span, out: Tensor) -> None:
    """Add the grid's symbols with their cyclic prefixes to ``out``, without its shift."""
    n = round(span.sample_rate / grid.subcarrier_hz)
    k = grid.positions
    seen = (k > -n // 2) & (k < n // 2)
    begin = round(grid.time * span.sample_rate)
    exact = grid.starts * span.sample_rate
    whole = torch.round(exact)
    edges = (whole.long() - begin).tolist()
    busy = (grid.values.abs().amax(1) > 0).nonzero().ravel()
    if not busy.numel():
        return
    late = (exact - whole)[busy + 1].float()
    spectrum = torch.zeros(busy.numel(), n, dtype=torch.complex64)
    low, high = int(seen.nonzero()[0]), int(seen.nonzero()[-1]) + 1
    # Positions rise by one apart from the empty centre: one or two copies instead of a gather.
    for a, b in _runs(k[low:high]):
        place = int(k[low + a])
        values = grid.values[busy, low + a : low + b]
        if float(late.abs().max()) > LEAST_DELAY:
            values = values * _delay(late / n, place, b - a)
        for c, d, at in _around(place, b - a, n):
            spectrum[:, at : at + d - c] = values[:, c:d]
    body = torch.fft.ifft(spectrum).mul_(n**0.5)
    samples = span.samples
    for symbol, i in zip(body.unbind(0), busy.tolist(), strict=True):
        a, b = edges[i], edges[i + 1]
        if b <= 0 or a >= samples:
            continue
        # The body fills the symbol's end; what precedes it is its own end again.
        x, y = max(a, 0), min(b - n, samples)
        if y > x:
            out[x:y] += symbol[n - (b - n - x) : n - (b - n - y)]
        x, y = max(b - n, 0), min(b, samples)
        if y > x:
            out[x:y] += symbol[x - (b - n) : y - (b - n)]


def _delay(turns: Tensor, first: int, count: int) -> Tensor:
    """What delays symbols by parts of a sample: ``turns`` (symbols,) per subcarrier, for ``count``
    subcarriers from ``first`` on: complex64 (symbols, count). Without it a clock's error would
    come in whole samples, to one symbol sooner than to the next, and hide that frames repeat.
    """
    step = 64
    fine = _unit(turns[:, None] * torch.arange(step))
    coarse = _unit(turns[:, None] * torch.arange(first, first + count, step))
    return (coarse[:, :, None] * fine[:, None, :]).flatten(1)[:, :count]


def _unit(turns: Tensor) -> Tensor:
    """exp(-2 pi j turns)."""
    return torch.polar(torch.ones_like(turns), turns.remainder(1.0) * (-2 * math.pi))


def _runs(k: Tensor) -> list[tuple[int, int]]:
    """Index ranges in which ``k`` rises by one."""
    breaks = ((k[1:] - k[:-1]) != 1).nonzero().ravel() + 1
    edges = [0, *breaks.tolist(), len(k)]
    return list(itertools.pairwise(edges))


def _around(place: int, count: int, n: int) -> list[tuple[int, int, int]]:
    """Split a run of ``count`` positions from ``place`` at zero: (from, to, index in the FFT)."""
    negative = min(count, max(0, -place))
    out = []
    if negative:
        out.append((0, negative, place + n))
    if count > negative:
        out.append((negative, count, place + negative))
    return out


def _pixels(grid: Grid, span: Span, cfo_hz: float) -> tuple[Tensor, Tensor, Tensor]:
    """Power relative to the noise's, cover, and the band's columns."""
    edges_t = (grid.starts - grid.time).float() * span.sample_rate
    rows = span.rows_over(edges_t)
    k = grid.positions.float()
    blocks = k[::RB_SUBCARRIERS]
    edges_f = torch.cat([blocks, k[-1:] + 1]) - 0.5
    cols = span.cols_over(edges_f * grid.subcarrier_hz + cfo_hz + grid.shift_hz).T
    parts = torch.view_as_real(grid.values).flatten(1)
    energy = parts.square().unflatten(1, (-1, 2 * RB_SUBCARRIERS)).sum(2) / RB_SUBCARRIERS
    sent = grid.truth.float()
    energy = sent * _over_symbols(energy) / _over_symbols(sent).clamp_min(1e-6)
    inside = (cols.sum(0) >= 0.5).expand(span.rows, -1)
    return rows @ energy @ cols, rows @ sent @ cols, inside


def _with_leakage(iq, span: Span, power: Tensor, cover: Tensor, inside: Tensor):
    """Power, cover and band with the pixels outside the grid that a strong signal reaches: edges
    of symbols and the window's skirts are neither noise nor transmission (cover 0.3)."""
    own = mean_power(iq, span) / span.noise_per_pixel
    leaked = (cover < 0.3) & (own > 0.3)
    return torch.where(leaked, own, power), torch.where(leaked, 0.3, cover), inside | leaked


def _over_symbols(x: Tensor) -> Tensor:
    """Mean over the seven symbols around each: what is sent only in some symbols of a slot
    (reference signals, gaps that count as sent) is as visible as its slot."""
    total = torch.nn.functional.pad(x.cumsum(0), (0, 0, 4, 3), mode="constant")
    total[-3:] = total[-4]
    return (total[7:] - total[:-7]) / 7
