# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver does to samples, stage after stage, and what of the emissions is left to see.

Everything happens to the samples: a detector that looks at more than their power meets the same
receiver.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from . import converter, filters, floors, gain, gaps, spurs
from .converter import Converter
from .filters import Response
from .gaps import Gaps
from .rng import Rng
from .span import IGNORE, Emission, NoiseBank, Span

PHASE_POOL = 1 << 19
# What lies so far below the noise is not there (dB): no label, where weaker ones are not scored.
GONE_DB = -25.0
# Power over the noise's from which on a pixel of the radio's own making is not scored
SEEN_OWN = 0.5
# A row in which something is so much stronger than noise may hold products of its overload.
LOUD = 10.0
# Power that a sudden end of the strongest emission spreads over its row, shared by the row's FFTs
SPLASH = 0.02
# Receivers: most samples/s, bits, clock error (ppm), how often
RADIOS = (
    # RTL-SDR and other television sticks
    (3.3e6, (8,), 50.0, 3.0),
    # HackRF and its like
    (22e6, (8,), 20.0, 2.0),
    # Radios with a good reference; 8 bits are what some send over their bus
    (float("inf"), (8, 8, 10, 12, 12, 14, 16, 16), 2.0, 3.5),
    # A simulator or a signal generator's file
    (float("inf"), (16, None, None), 0.0, 0.8),
    # Low-cost boards of few bits
    (float("inf"), (4, 5, 6, 7), 20.0, 0.5),
)


@dataclass(frozen=True)
class Radio:
    """A receiver. ``response``: its filter, before the converter or (``decimating``) behind it;
    ``floor``: power spectrum of the noise added behind the filter (POINTS,) over the antenna's,
    or None; ``clock_ppm``: how fast its sample clock is."""

    response: Response
    floor: Tensor | None
    clock_ppm: float
    converter: Converter
    decimating: bool

    def through(self, cols: int) -> tuple[Tensor, Tensor]:
        """Power of the antenna's noise and of all other noise in each column, over the antenna's
        before the filter: (cols,) twice. The converter's noise counts as 0 here."""
        return self.response.power(cols), floors.power_in_columns(self.floor, cols)


def draw_radio(span: Span, rng: Rng, shapes: floors.Shapes = floors.USUAL) -> Radio:
    """A receiver that offers the span's sample rate; ``shapes``: of its floor."""
    fitting = [radio for radio in RADIOS if span.sample_rate <= radio[0]]
    _, bits, ppm, _ = rng.choice(fitting, [weight for *_, weight in fitting])
    response = filters.draw_response(rng)
    return Radio(
        response=response,
        floor=floors.draw_floor(response, rng, shapes),
        clock_ppm=rng.uniform(-ppm, ppm) if rng.chance(0.8) else 0.0,
        converter=converter.draw_converter(rng.choice(bits), rng),
        decimating=rng.chance(0.5),
    )


def receive(
    iq: Tensor,
    emissions: Sequence[Emission],
    span: Span,
    bank: NoiseBank,
    rng: Rng,
    draw: Callable[[Span, Rng], Radio] = draw_radio,
) -> tuple[Tensor, list[Emission]]:
    """Samples as a radio delivers them, full scale 1.

    Args:
        iq: complex64 (samples,), noise of variance 1 plus emissions; it may be changed. The last
            ``span.samples`` are the frame.
        emissions: what of the frame's samples is known.
        draw: which radio it is.

    Returns:
        The samples, and the emissions as far as they can be seen in them. One of the kind IGNORE
        stands for what the radio adds by itself: lines, images, products of overload.
    """
    radio, lost = draw(span, rng), gaps.draw_gaps(span, rng)
    own = torch.zeros(span.rows, span.spec.cols)
    if rng.chance(0.15):
        _add_phase_noise(iq, rng)
    if rng.chance(0.5):
        iq, image = mirrored(iq, emissions, rng)
        own += image
    if not radio.decimating:
        iq = _behind_filter(iq, radio, bank)
        own *= radio.response.power(span.spec.cols)
    if rng.chance(0.2):
        iq = gain.controlled(iq, rng)
    if rng.chance(0.4):
        own += spurs.add_dc(iq, span, rng)
    if rng.chance(0.3):
        own += spurs.add_spurs(iq, span, rng)
    power = float(torch.view_as_real(iq).square().mean() * 2)
    iq, products = converter.converted(iq, radio.converter, span)
    if products is not None:
        # Overload by noise alone is noise.
        loudest = (own + sum(e.power for e in emissions)).amax(1, keepdim=True)
        own += products * (loudest > LOUD)
    if radio.decimating:
        # Its noise is as much below the signal as before
        scale = (float(torch.view_as_real(iq).square().mean() * 2) / max(power, 1e-30)) ** 0.5
        iq = _behind_filter(iq, radio, bank, scale)
        own *= radio.response.power(span.spec.cols)
    share = lost.shares(span)
    heard = [gaps.dimmed(e, share) for e in heard_by(radio, emissions, own, power, span)]
    if lost.silent:
        heard.append(_splashes(heard, lost, span))
    return gaps.silenced(iq.contiguous(), lost, span), heard


def _behind_filter(iq: Tensor, radio: Radio, bank: NoiseBank, scale: float = 1.0) -> Tensor:
    """Samples after the filter, on the receiver's clock, with the noise of what follows it."""
    iq = filters.filtered(iq, radio.response, radio.clock_ppm)
    if radio.floor is None:
        return iq
    return iq + floors.shaped_noise(radio.floor, iq.numel(), bank) * scale


def heard_by(
    radio: Radio, emissions: Sequence[Emission], own: Tensor, power: float, span: Span
) -> list[Emission]:
    """The emissions, and one for the radio's ``own`` power per pixel (rows, cols), with their
    powers relative to all noise that the samples hold: what a filter took away is gone, or too
    weak to be scored. ``power``: of a complex sample before the converter, noise of 1 included."""
    through, behind = radio.through(span.spec.cols)
    quantising = radio.converter.noise * power
    noise = through * (1 + quantising * radio.decimating) + behind
    noise = (noise + quantising * (not radio.decimating)).clamp_min(1e-12)
    out = []
    for emission in emissions:
        seen = emission.power * (through / noise)
        there = seen > 10 ** (GONE_DB / 10) * (through < 0.5 * noise)
        out.append(replace(emission, power=seen, cover=emission.cover * there))
    return [*out, _ignored(own / noise, span)]


def _ignored(power: Tensor, span: Span) -> Emission:
    """What is neither noise nor an emission where its ``power`` (rows, cols) is the strongest."""
    power = torch.where(power > SEEN_OWN, power, 0.0)
    everywhere = torch.ones_like(power)
    nothing = torch.zeros(span.samples, dtype=torch.complex64)
    return Emission(IGNORE, nothing, power, everywhere, everywhere > 0, by_energy=True)


def _splashes(heard: Sequence[Emission], lost: Gaps, span: Span) -> Emission:
    """Where the ends of gaps spread the strongest emission over all frequencies."""
    strongest = torch.zeros(span.rows)
    for emission in heard:
        strongest = torch.maximum(strongest, emission.power.amax(1))
    power = strongest * lost.edges(span) * (SPLASH / span.hops_per_row)
    return _ignored(power[:, None].expand(-1, span.spec.cols), span)


def mirrored(iq: Tensor, emissions, rng: Rng) -> tuple[Tensor, Tensor]:
    """Gain and phase that differ between I and Q mirror the spectrum, 25 to 50 dB below: the
    samples, and the images' power per pixel."""
    image = 10 ** (-rng.uniform(25, 50) / 20)
    turn = rng.uniform(0, 2 * math.pi)
    power = sum(e.power for e in emissions) if emissions else torch.zeros(1, 1)
    told = power.flip(-1).roll(1, -1) * image**2
    return iq + iq.conj() * complex(image * math.cos(turn), image * math.sin(turn)), told


@lru_cache(maxsize=1)
def _phase_walk() -> Tensor:
    """(PHASE_POOL,) of a random walk that is pulled back to zero: a phase-locked loop's noise,
    flat up to about a thousandth of the rate and falling beyond, of variance 1."""
    steps = torch.randn(PHASE_POOL, generator=torch.Generator().manual_seed(11))
    f = torch.fft.rfftfreq(PHASE_POOL)
    walk = torch.fft.irfft(torch.fft.rfft(steps) / (1 + f / 1e-3), n=PHASE_POOL)
    return walk / walk.std()


def _add_phase_noise(iq: Tensor, rng: Rng) -> None:
    """0.3 to 4 degrees RMS: for so little, exp(jx) is 1 + jx."""
    walk = _phase_walk()
    level = rng.log_uniform(0.005, 0.07)
    for a in range(0, iq.numel(), PHASE_POOL):
        piece = iq[a : a + PHASE_POOL]
        start = rng.integer(0, PHASE_POOL - piece.numel())
        phase = walk[start : start + piece.numel()] * level
        parts = torch.view_as_real(piece)
        real, imaginary = parts[:, 0].clone(), parts[:, 1]
        parts[:, 0].addcmul_(imaginary, phase, value=-1)
        imaginary.addcmul_(real, phase)
