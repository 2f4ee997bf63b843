# SPDX-License-Identifier: GPL-3.0-or-later
"""An LTE and an NR cell search, written from 3GPP TS 36.211 and 38.211 and sharing no code with
the generator: PSS, SSS, then reference signals. NumPy and SciPy only."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.signal import fftconvolve, resample_poly

LTE_RATE = 1.92e6
LTE_FFT = 128
NR_FFT = 256
# Samples by which an FFT window starts early, inside the cyclic prefix
EARLY = 3
# Agreement of reference signals that no wrong cell was seen to reach
CERTAIN = 0.5


@dataclass(frozen=True)
class LteCell:
    """``timing``: first sample at 1.92 MS/s of a PSS, without prefix; ``crs``: correlation of the
    reference signals with the received ones, 0 to 1 (about 0.1 for none)."""

    cell_id: int
    tdd: bool
    extended: bool
    timing: int
    cfo_hz: float
    crs: float


@dataclass(frozen=True)
class NrCell:
    """``centre_hz``: of the SS/PBCH block; ``index``: the DMRS' one of eight; ``dmrs``: their
    correlation, 0 to 1; ``pss``: share of the PSS in its samples' energy."""

    cell_id: int
    index: int
    centre_hz: float
    timing_s: float
    dmrs: float
    pss: float


def gold_bits(seed: int, count: int) -> np.ndarray:
    """c(n), 36.211 clause 7.2 = 38.211 clause 5.2.1, by the shift registers it prints."""
    a, b, out = 1, seed, np.empty(count, np.int64)
    for n in range(1600 + count):
        if n >= 1600:
            out[n - 1600] = (a ^ b) & 1
        a |= ((a ^ (a >> 3)) & 1) << 31
        b |= ((b ^ (b >> 1) ^ (b >> 2) ^ (b >> 3)) & 1) << 31
        a, b = a >> 1, b >> 1
    return out


def gold_symbols(seed: int, count: int) -> np.ndarray:
    """QPSK reference symbols of a seed."""
    c = gold_bits(seed, 2 * count)
    return ((1 - 2 * c[::2]) + 1j * (1 - 2 * c[1::2])) / np.sqrt(2)


def to_rate(iq: np.ndarray, rate: float, wanted: float, centre_hz: float = 0.0) -> np.ndarray:
    """Samples around ``centre_hz`` at another rate."""
    if centre_hz:
        iq = iq * np.exp(-2j * np.pi * centre_hz / rate * np.arange(len(iq)))
    ratio = Fraction(int(wanted), int(rate))
    return iq if ratio == 1 else resample_poly(iq, ratio.numerator, ratio.denominator)


def symbol_replica(values: np.ndarray, bins: np.ndarray, size: int) -> np.ndarray:
    """A symbol without prefix, energy 1."""
    spectrum = np.zeros(size, complex)
    spectrum[bins % size] = values
    x = np.fft.ifft(spectrum)
    return x / np.linalg.norm(x)


def matched(iq: np.ndarray, replica: np.ndarray) -> np.ndarray:
    """Share of the energy under the replica that it explains, 0 to 1, at each start."""
    found = np.abs(fftconvolve(iq, replica[::-1].conj(), mode="valid")) ** 2
    energy = np.convolve(np.abs(iq) ** 2, np.ones(len(replica)), mode="valid")
    return found / np.maximum(energy, energy.max() * 1e-6 + 1e-30)


def differential(values: np.ndarray) -> float:
    """How far neighbours agree in phase, 0 to 1: 1 for a flat channel, any delay and phase."""
    total = np.sum(np.abs(values) ** 2)
    return float(np.abs(np.sum(values[1:] * values[:-1].conj())) / max(total, 1e-30))


# LTE -----------------------------------------------------------------------------------------

SYNC_BINS = np.r_[-31:0, 1:32]


def lte_pss(n2: int) -> np.ndarray:
    """Clause 6.11.1.1."""
    n = np.r_[0:31, 32:63]
    return np.exp(-1j * np.pi * (25, 29, 34)[n2] * n * (n + 1) / 63)


def _register(taps: tuple[int, ...]) -> np.ndarray:
    x = np.zeros(31, np.int64)
    x[4] = 1
    for i in range(26):
        x[i + 5] = sum(x[i + t] for t in taps) % 2
    return 1 - 2 * x


def lte_sss_all(n2: int) -> np.ndarray:
    """Clause 6.11.2.1: (168, 2, 62), subframe 0 and 5."""
    s, c, z = _register((2, 0)), _register((3, 0)), _register((4, 2, 1, 0))
    out = np.empty((168, 2, 62))
    n1 = 0
    # Table 6.11.2.1-1 lists the pairs by growing distance of the two shifts.
    for distance in range(1, 8):
        for m0 in range(31 - distance):
            if n1 == 168:
                break
            m1 = m0 + distance
            even0, even1 = np.roll(s, -m0), np.roll(s, -m1)
            scramble0, scramble1 = np.roll(c, -n2), np.roll(c, -n2 - 3)
            out[n1, 0, ::2] = even0 * scramble0
            out[n1, 1, ::2] = even1 * scramble0
            out[n1, 0, 1::2] = even1 * scramble1 * np.roll(z, -(m0 % 8))
            out[n1, 1, 1::2] = even0 * scramble1 * np.roll(z, -(m1 % 8))
            n1 += 1
    return out


def _fft_at(iq: np.ndarray, start: int, size: int, bins: np.ndarray) -> np.ndarray | None:
    start -= EARLY
    if start < 0 or start + size > len(iq):
        return None
    return np.fft.fft(iq[start : start + size])[bins % size]


def _layouts():
    """(tdd, extended prefix, samples from SSS to PSS, samples from a subframe's first symbol to
    the PSS, both without prefixes) at 1.92 MS/s, from clauses 6.11 and 6.12."""
    yield False, False, 128 + 9, 822
    yield False, True, 128 + 32, 800
    yield True, False, 412, 274
    yield True, True, 480, 320


def lte_crs_score(iq, pss_at: int, head: int, tdd: bool, extended: bool, cell: int, half: int):
    """Agreement of the middle six blocks' reference signals of port 0 in the first symbol of
    subframes 0, 1, 4, 5, 6 and 9, as far as they are there (clause 6.10.1)."""
    shift, scores = cell % 6, []
    bins = np.array([6 * m + shift for m in range(-6, 6)])
    bins = np.where(bins >= 0, bins + 1, bins)
    zero = pss_at - head - (1920 if tdd else 0) - half * 9600
    for frame in range(-1, 1 + len(iq) // 19200):
        for subframe in (0, 5) if tdd else (0, 4, 5, 9):
            y = _fft_at(iq, zero + frame * 19200 + subframe * 1920, LTE_FFT, bins)
            if y is None:
                continue
            n_cp = 0 if extended else 1
            seed = 1024 * (7 * (2 * subframe + 1) + 1) * (2 * cell + 1) + 2 * cell + n_cp
            scores.append(differential(y * gold_symbols(seed, 116)[104:116].conj()))
    return float(np.mean(scores)) if scores else 0.0


def find_lte(
    iq: np.ndarray, rate: float, centre_hz: float = 0.0, reach_hz: float = 0.0
) -> LteCell | None:
    """The strongest cell around ``centre_hz``, give or take ``reach_hz`` and 2.5 kHz; None where
    its reference signals do not show."""
    x = to_rate(iq, rate, LTE_RATE, centre_hz)
    t = np.arange(len(x)) / LTE_RATE
    period = 9600
    best = []
    for coarse in np.arange(-reach_hz, reach_hz + 1, 5e3):
        moved = x * np.exp(-2j * np.pi * coarse * t)
        for n2 in range(3):
            m = matched(moved, symbol_replica(lte_pss(n2), SYNC_BINS, LTE_FFT))
            folds = max(1, len(m) // period)
            folded = m[: folds * period].reshape(folds, -1).mean(0) if len(m) >= period else m
            best.append((float(folded.max()), n2, int(folded.argmax()), coarse))
    best.sort(reverse=True)
    found: LteCell | None = None
    for _, n2, timing, coarse in best[:2]:
        cell = _with_pss(x * np.exp(-2j * np.pi * coarse * t), n2, timing, coarse)
        if cell is not None and (found is None or cell.crs > found.crs):
            found = cell
    return found if found is not None and found.crs > CERTAIN else None


def _with_pss(x, n2: int, timing: int, coarse: float) -> LteCell | None:
    replica = symbol_replica(lte_pss(n2), SYNC_BINS, LTE_FFT)
    places = range(timing, len(x) - LTE_FFT, 9600)
    turn = 0j
    for p in places:
        y = x[p : p + LTE_FFT] * replica.conj()
        turn += y[64:].sum() * y[:64].sum().conj()
    cfo = np.angle(turn) / (2 * np.pi * 64 / LTE_RATE)
    x = x * np.exp(-2j * np.pi * cfo * np.arange(len(x)) / LTE_RATE)
    candidates = []
    signals = lte_sss_all(n2)
    for tdd, extended, gap, head in _layouts():
        scores = np.zeros((168, 2))
        for i, p in enumerate(places):
            h = _fft_at(x, p, LTE_FFT, SYNC_BINS)
            y = _fft_at(x, p - gap, LTE_FFT, SYNC_BINS)
            if h is None or y is None:
                continue
            z = y * (h * lte_pss(n2).conj()).conj()
            z = z / max(np.linalg.norm(z), 1e-30)
            match = np.abs(signals @ z) ** 2 / 62
            # Half frames alternate between subframes 0 and 5.
            scores += match if i % 2 == 0 else match[:, ::-1]
        for flat in np.argsort(scores.ravel())[::-1][:3]:
            n1, half = divmod(int(flat), 2)
            cell = 3 * n1 + n2
            crs = lte_crs_score(x, timing, head, tdd, extended, cell, half)
            score = scores[n1, half] / max(1, len(places))
            candidates.append((score + crs, cell, tdd, extended, crs))
    if not candidates:
        return None
    _, cell, tdd, extended, crs = max(candidates)
    return LteCell(cell, tdd, extended, timing, coarse + cfo, crs)


# NR ------------------------------------------------------------------------------------------

NR_BINS = np.arange(-64, 63)
NR_SYMBOL = NR_FFT + 18


def _register7(taps: tuple[int, ...], start: tuple[int, ...]) -> np.ndarray:
    x = np.zeros(127, np.int64)
    x[:7] = start
    for i in range(120):
        x[i + 7] = (x[i + taps[0]] + x[i + taps[1]]) % 2
    return 1 - 2 * x


def nr_pss(n2: int) -> np.ndarray:
    """Clause 7.4.2.2.1."""
    return np.roll(_register7((4, 0), (0, 1, 1, 0, 1, 1, 1)), -43 * n2)


def nr_sss_all(n2: int) -> np.ndarray:
    """Clause 7.4.2.3.1: (336, 127)."""
    x0 = _register7((4, 0), (1, 0, 0, 0, 0, 0, 0))
    x1 = _register7((1, 0), (1, 0, 0, 0, 0, 0, 0))
    rows = [
        np.roll(x0, -(15 * (n1 // 112) + 5 * n2)) * np.roll(x1, -(n1 % 112)) for n1 in range(336)
    ]
    return np.array(rows)


def nr_dmrs_score(symbols: list[np.ndarray], cell: int, index: int) -> float:
    """Agreement of the PBCH's reference signals in symbols 1 to 3 (clause 7.4.1.4); each holds
    the block's 240 subcarriers."""
    seed = 2048 * (index + 1) * (cell // 4 + 1) + 64 * (index + 1) + cell % 4
    r = gold_symbols(seed, 144)
    k = np.arange(cell % 4, 240, 4)
    parts, used = [], 0
    for number, y in enumerate(symbols):
        comb = k[(k < 48) | (k >= 192)] if number == 1 else k
        for run in np.split(comb, np.nonzero(np.diff(comb) > 4)[0] + 1):
            parts.append(differential(y[run] * r[used : used + len(run)].conj()) * len(run))
            used += len(run)
    return float(sum(parts) / used)


def find_nr(iq: np.ndarray, rate: float, spacing: float, centres_hz) -> NrCell | None:
    """The strongest SS/PBCH block with ``spacing`` (Hz) centred on one of ``centres_hz``: the
    block's subcarrier 120. None where no PBCH reference signals show."""
    wanted = NR_FFT * spacing
    best = (0.0,)
    for centre in centres_hz:
        x = to_rate(iq, rate, wanted, centre)
        for n2 in range(3):
            m = matched(x, symbol_replica(nr_pss(n2), NR_BINS, NR_FFT))
            # Blocks that are wholly in the samples
            m = m[EARLY : len(m) - 3 * NR_SYMBOL]
            at = int(m.argmax()) + EARLY
            if m.max() > best[0]:
                best = (float(m.max()), n2, at, centre)
    if len(best) < 4:
        return None
    share, n2, at, centre = best
    x = to_rate(iq, rate, wanted, centre)
    replica = symbol_replica(nr_pss(n2), NR_BINS, NR_FFT)
    y = x[at : at + NR_FFT] * replica.conj()
    cfo = np.angle(y[128:].sum() * y[:128].sum().conj()) / (2 * np.pi * 128 / wanted)
    x = x * np.exp(-2j * np.pi * cfo * np.arange(len(x)) / wanted)
    h = _fft_at(x, at, NR_FFT, NR_BINS)
    second = _fft_at(x, at + 2 * NR_SYMBOL, NR_FFT, NR_BINS)
    whole = np.arange(-120, 120)
    symbols = [_fft_at(x, at + i * NR_SYMBOL, NR_FFT, whole) for i in (1, 2, 3)]
    if h is None or second is None or any(s is None for s in symbols):
        return None
    z = second * (h * nr_pss(n2)).conj()
    z = z / max(np.linalg.norm(z), 1e-30)
    match = np.abs(nr_sss_all(n2) @ z) ** 2 / 127
    candidates = []
    for n1 in np.argsort(match)[::-1][:4]:
        cell = 3 * int(n1) + n2
        for index in range(8):
            dmrs = nr_dmrs_score(symbols, cell, index)
            candidates.append((float(match[n1]) + dmrs, cell, index, dmrs))
    _, cell, index, dmrs = max(candidates)
    if dmrs < CERTAIN:
        return None
    return NrCell(cell, index, float(centre), at / wanted, dmrs, share)
