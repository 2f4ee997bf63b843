# SPDX-License-Identifier: GPL-3.0-or-later
"""802.11 OFDM packets field by field (IEEE 802.11-2020 clauses 17, 19, 21, 802.11ax clause 27).

Formats: ``a`` (non-HT, duplicated in channels wider than 20 MHz), ``n``, ``ac``, ``ax``.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ..rng import Rng
from ..sequences import m_sequence
from .base import with_prefix

SPACING_HZ = 312.5e3
# Clause 17.3.3: subcarriers of the short training symbols and their sign of 1 + j
SHORT = {-24: 1, -20: -1, -16: 1, -12: -1, -8: -1, -4: 1}
SHORT |= {4: -1, 8: -1, 12: 1, 16: 1, 20: 1, 24: 1}
# Long training symbol, subcarriers -26 to -1 and 1 to 26
LONG_LOW = "++--++-+-++++++--++-+-++++"
LONG_HIGH = "+--++-+-+-----++--+-+-++++"
_WHOLE = LONG_LOW + "+" + LONG_HIGH
# The long training fields of n and ac, by width (equations 19-23, 19-24, 21-23, 21-24)
_GAP = "---++-+-++-"
_HALF_80 = _WHOLE + _GAP + _WHOLE
TRAINING = {
    20: "++" + LONG_LOW + "0" + LONG_HIGH + "--",
    40: _WHOLE + "---+000-++-" + _WHOLE,
    80: _HALF_80 + "+-+-000+--+" + _HALF_80,
}
# Rotation of each 20 MHz part, clause 21.3.7.5
ROTATIONS = {20: (1,), 40: (1, 1j), 80: (1, -1, -1, -1), 160: (1, -1, -1, -1, 1, -1, -1, -1)}
# (innermost, outermost) subcarriers on either side of the centre and the pilots, by format and
# width; a channel of 160 MHz is two of 80.
TONES = {
    ("a", 20): (1, 26, (7, 21)),
    ("n", 20): (1, 28, (7, 21)),
    ("n", 40): (2, 58, (11, 25, 53)),
    ("ac", 80): (2, 122, (11, 39, 75, 103)),
    ("ax", 20): (2, 122, (22, 48, 90, 116)),
    ("ax", 40): (3, 244, (10, 36, 78, 104, 144, 170, 212, 238)),
    ("ax", 80): (3, 500, (24, 92, 158, 226, 266, 334, 400, 468)),
}
WIDTHS = {"a": (20, 40, 80), "n": (20, 40), "ac": (20, 40, 80, 160), "ax": (20, 40, 80, 160)}
# Clause 17.3.5.10: the scrambler's output for a state of ones
PILOT_POLARITY = m_sequence(7, (3, 0), (0, 0, 0, 0, 1, 1, 1))


@lru_cache(maxsize=32)
def subcarriers(form: str, width: int) -> tuple[Tensor, Tensor]:
    """Subcarriers in use and which of them are pilots: int64 (K,), bool (K,)."""
    if width == 160:
        k, pilots = subcarriers(form, 80)
        half = 512 if form == "ax" else 128
        return torch.cat([k - half, k + half]), torch.cat([pilots, pilots])
    if form == "a" and width > 20:
        k, pilots = subcarriers("a", 20)
        centres = [64 * i - 32 * (width // 20 - 1) for i in range(width // 20)]
        return torch.cat([k + c for c in centres]), pilots.repeat(len(centres))
    inner, outer, pilots = TONES.get((form, width)) or TONES["n", width]
    side = torch.arange(inner, outer + 1)
    k = torch.cat([-side.flip(0), side])
    return k, torch.isin(k.abs(), torch.tensor(pilots))


def occupied_hz(form: str, width: int) -> float:
    """From the lowest to the highest subcarrier of a format."""
    k, _ = subcarriers(form, width)
    return float(k[-1] - k[0] + 1) * SPACING_HZ / (4 if form == "ax" else 1)


def _in_all_parts(base: Tensor, width: int, n: int) -> Tensor:
    """(symbols, 64) spectra of 20 MHz, repeated and rotated in each part: (symbols, n)."""
    out = torch.zeros(base.shape[0], n, dtype=torch.complex64)
    own = torch.arange(-32, 32)
    parts = ROTATIONS[width]
    for i, turn in enumerate(parts):
        centre = 64 * i - 32 * (len(parts) - 1)
        out[:, (own + centre) % n] = base[:, own % 64] * turn
    return out


@lru_cache(maxsize=16)
def _legacy(width: int, n: int) -> tuple[Tensor, Tensor]:
    """Short and long training symbols, in time: (n,) each."""
    base = torch.zeros(2, 64, dtype=torch.complex64)
    for k, sign in SHORT.items():
        base[0, k] = sign * (1 + 1j) * (13 / 6) ** 0.5
    k, _ = subcarriers("a", 20)
    base[1, k] = torch.tensor([1.0 if c == "+" else -1.0 for c in LONG_LOW + LONG_HIGH]) + 0j
    short, long = torch.fft.ifft(_in_all_parts(base, width, n)).mul_(n)
    return short, long


@lru_cache(maxsize=16)
def _rotation(width: int, n: int) -> Tensor:
    """What each subcarrier of n and ac is turned by: (n,)."""
    parts = torch.tensor(ROTATIONS[width], dtype=torch.complex64)
    k = torch.fft.fftfreq(n, 1 / n).long()
    return parts[((k + 32 * len(parts)) // 64).clamp(0, len(parts) - 1)]


@lru_cache(maxsize=16)
def _training(width: int, n: int) -> Tensor:
    """Spectrum of the long training symbol of n and ac: (n,)."""
    text = TRAINING[min(width, 80)]
    values = torch.tensor([{"+": 1.0, "-": -1.0, "0": 0.0}[c] for c in text])
    k = torch.arange(len(text)) - len(text) // 2
    out = torch.zeros(n, dtype=torch.complex64)
    for half in (-128, 128) if width == 160 else (0,):
        out[(k + half) % n] = values + 0j
    return out * _rotation(width, n)


def _signals(form: str, width: int, n: int, rng: Rng) -> Tensor:
    """L-SIG and the format's own signal fields, BPSK in real or imaginary part, in time."""
    quadrature = {"a": "r", "n": "rii", "ac": "rri", "ax": "rrrr"}[form]
    k, pilots = subcarriers("n" if form == "ax" else "a", 20)
    base = torch.zeros(len(quadrature), 64, dtype=torch.complex64)
    for i, branch in enumerate(quadrature):
        # RL-SIG of ax is L-SIG once more.
        if not (form == "ax" and i == 1):
            bits = (rng.tensor(len(k)) > 0.5).float() * 2 - 1
        values = bits * (1j if branch == "i" else 1 + 0j)
        values[pilots] = torch.tensor([1.0, 1.0, 1.0, -1.0]) * float(PILOT_POLARITY[i]) + 0j
        base[i, k] = values * (52 / len(k)) ** 0.5
    return with_prefix(_in_all_parts(base, width, n), n // 4)


def _data(
    count: int, form: str, width: int, n: int, rng: Rng, order: int, first: int = 0
) -> Tensor:
    """Spectra of data symbols (``order`` 2: BPSK) from the ``first`` pilot polarity on:
    (count, n)."""
    k, pilots = subcarriers(form, width)
    if form == "a" and width > 20:
        # A duplicate: all 20 MHz parts carry the same.
        own = len(subcarriers("a", 20)[0])
        turns = torch.tensor(ROTATIONS[width], dtype=torch.complex64).repeat_interleave(own)
        values = rng.data((count, own), max(order, 4)).repeat(1, width // 20) * turns
    else:
        values = rng.data((count, len(k)), max(order, 4))
    if order == 2:
        values = values.real * 2**0.5 + 0j
    polarity = torch.from_numpy(PILOT_POLARITY)[(torch.arange(count) + first) % 127]
    one = torch.ones(int(pilots.sum()))
    one[-1] = -1
    values[:, pilots] = (polarity[:, None] * one) + 0j
    out = torch.zeros(count, n, dtype=torch.complex64)
    out[:, k % n] = values * (52 * (width // 20) / len(k)) ** 0.5
    return out * _rotation(width, n) if form in ("n", "ac") else out


def packet(samples: int, width: int, form: str, rng: Rng, over: int = 2) -> Tensor:
    """A packet of at most ``samples`` at ``over`` times ``width`` MHz: training fields, signal
    fields, the format's own training, data; power 1."""
    n = 64 * over * width // 20
    stf, ltf = _legacy(width, n)
    parts = [stf.repeat(3)[: 5 * n // 2], ltf[n // 2 :], ltf, ltf]
    parts.append(_signals(form, width, n, rng))
    streams = rng.integer(1, 2 if form == "ax" else 4)
    if form in ("n", "ac"):
        # A short training field of 4 us, then a long one for each of one to four streams
        parts.append(stf.repeat(2)[: 5 * n // 4])
        tones = len(subcarriers(form, width)[0])
        training = _training(width, n) * (52 * (width // 20) / tones) ** 0.5
        parts.append(with_prefix(training.expand(streams, n), n // 4))
    if form == "ax":
        # Long training of 6.4 us (every other subcarrier) or 12.8 us, after guards as the data's
        prefix = rng.choice((n // 4, n // 2, n))
        parts.append(stf.repeat(2)[: 5 * n // 4])
        training = _data(1, form, width, 4 * n, rng, 2).expand(streams, 4 * n)
        if rng.chance(0.7):
            training = training * (torch.arange(4 * n) % 2 == 0) * 2**0.5
            body = torch.fft.ifft(training).mul_(4 * n)[:, : 2 * n]
            parts.append(torch.cat([body[:, 2 * n - prefix :], body], dim=1).reshape(-1))
        else:
            parts.append(with_prefix(training, prefix))
        size = 4 * n
    else:
        size = n
        prefix = n // 4 if form == "a" or rng.chance(0.75) else n // 8
    left = samples - sum(p.numel() for p in parts)
    if left > 0:
        count = -(-left // (size + prefix))
        order = rng.choice((2, 4, 16, 64, 256))
        parts.append(with_prefix(_data(count, form, width, size, rng, order, first=3), prefix))
    return torch.cat(parts)[:samples] * (52 * (width // 20)) ** -0.5
