# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator's receiver: filters, floors, clocks, converters and gaps, and the truth of what
is left to see behind them."""

import math
from dataclasses import replace

import pytest
import torch

from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db
from training.waveforms import converter, filters, floors, gain, gaps, lte, radio, spurs
from training.waveforms.converter import Converter
from training.waveforms.filters import POINTS, Response, filtered, response_of
from training.waveforms.ofdm import Sender, emit
from training.waveforms.radio import Radio
from training.waveforms.rng import Rng
from training.waveforms.scene import SceneMaker, truth_of
from training.waveforms.span import IGNORE, LTE, NOISE, NoiseBank, Span, mean_power

SPEC = SpectrogramSpec()
SPAN = Span(1280, SPEC.hops_per_row(19.2e6, 10e-3), 256, SPEC)
BANK = NoiseBank(torch.Generator().manual_seed(1), 1 << 20)
PERFECT = Radio(filters.FLAT, None, 0.0, Converter(None, 0.1), False)
X = torch.linspace(-1, 1, POINTS + 1)[:-1]


def noise(samples: int = SPAN.samples):
    BANK.generator = torch.Generator().manual_seed(2)
    return BANK.draw(samples)


def columns_db(iq, span: Span = SPAN):
    """Mean power of each column over that of unit-variance noise, dB."""
    return 10 * torch.log10(mean_power(iq, span).mean(0) / span.noise_per_pixel)


def lte_carrier(snr_db: float, offset: int = 0, blocks: int = 25):
    cell = lte.LteCarrier(blocks, None, 7, 2, 11, 1.0, 1.0, 0.0)
    rng = Rng(0)
    return emit(lte.build_grid(cell, 13, offset, 0.3e-3, rng), SPAN, LTE, snr_db, rng, Sender())


def broadband(times):
    """Tones over 90 % of the span at ``times`` (samples, fractions allowed)."""
    rng = Rng(3)
    tones = zip(rng.tensor(60).tolist(), rng.tensor(60).tolist(), strict=True)
    turns = ((u - 0.5) * 0.9 * times + v for u, v in tones)
    return sum(torch.exp(2j * math.pi * turn) for turn in turns).to(torch.complex64)


@pytest.mark.parametrize("seed", range(16))
def test_noise_through_a_filter_has_the_filters_shape(seed):
    response = filters.draw_response(Rng(seed))
    wanted = 10 * torch.log10(response.power(256).clamp_min(1e-12))
    off = columns_db(filtered(noise(), response)) - wanted
    assert off[wanted > -60].abs().max() < 0.6


def test_filters_of_every_kind_come():
    drawn = [filters.draw_response(Rng(seed)) for seed in range(150)]
    depths = torch.tensor([r.depth_db for r in drawn if r.depth_db])
    assert 0.3 < len(depths) / len(drawn) < 0.5
    assert depths.min() < 35 and depths.max() > 65
    assert any(r.flat for r in drawn)
    passed = [float((r.power(256) > 0.25).float().mean()) for r in drawn if r.depth_db]
    assert min(passed) < 0.45 and max(passed) > 0.85


@pytest.mark.parametrize("depth", [25, 70])
def test_a_stop_band_is_as_deep_as_asked(depth):
    response = response_of(torch.where((X + 0.1).abs() < 0.5, 0.0, -float(depth)), depth)
    level = columns_db(filtered(noise(), response))
    centres = (torch.arange(256) - 128) / 128
    assert level[(centres + 0.1).abs() < 0.45].mean() == pytest.approx(0, abs=0.1)
    # The window's skirts reach a few columns, 70 dB down many.
    assert level[(centres + 0.1).abs() > 0.75].mean() == pytest.approx(-depth, abs=1)


@pytest.mark.parametrize("ppm", [50.0, -20.0, 2.0])
def test_a_wrong_clock_moves_what_repeats_every_10_ms(ppm):
    period = 192_000
    once = noise(period)
    heard = filtered(once.repeat(2), filters.FLAT, ppm)
    size = 1 << 15
    a, b = heard[40_000 : 40_000 + size], heard[40_000 + period : 40_000 + period + size]
    cross = torch.fft.fft(b) * torch.fft.fft(a).conj()
    # A delay of d samples turns each frequency by -2 pi f d.
    f = torch.fft.fftfreq(size, dtype=torch.float64)
    delays = torch.arange(-15, 15, 0.05, dtype=torch.float64)
    low = f.abs() < 0.02
    fits = [(cross[low] * torch.exp(2j * math.pi * f[low] * d)).sum().real for d in delays]
    wanted = period * ppm * 1e-6
    assert float(delays[int(torch.stack(fits).argmax())]) == pytest.approx(wanted, abs=0.15)


@pytest.mark.parametrize("ppm", [50.0, -50.0, 10.0])
def test_a_wrong_clock_leaves_signals_intact(ppm):
    n = torch.arange(40_000, dtype=torch.float64)
    wanted = broadband(n - ppm * 1e-6 * (n - len(n) / 2))
    error = (filtered(broadband(n), filters.FLAT, ppm) - wanted)[1500:-1500]
    assert error.abs().square().mean() < 10**-3.2 * wanted.abs().square().mean()


def test_a_perfect_filter_on_a_right_clock_changes_nothing():
    iq = noise()
    assert filtered(iq, filters.FLAT, 0.0) is iq
    through = filtered(iq, Response(filters.FLAT.gain * (1 + 1e-7)), 0.0)
    assert (through - iq).abs().max() < 1e-4


def test_floors_have_the_shape_that_was_drawn():
    drawn = [floors.draw_floor(response_of(-40 * (X.abs() > 0.6), 40), Rng(s)) for s in range(12)]
    for floor in drawn:
        level = columns_db(floors.shaped_noise(floor, SPAN.samples, BANK))
        wanted = 10 * torch.log10(floors.power_in_columns(floor, 256))
        assert (level - wanted).abs().max() < 0.7
        assert wanted.max() < floors.MOST_DB + 1
    spread = [float(f.max() / f.min()) for f in drawn]
    assert max(spread) > 3 and min(spread) == 1


@pytest.mark.parametrize("mid_rise", [False, True])
def test_a_converter_has_its_steps_and_their_noise(mid_rise):
    made = Converter(8, 0.1, mid_rise=mid_rise)
    iq = noise() * 7
    y, products = converter.converted(iq, made, SPAN)
    steps = torch.view_as_real(y) * 128 - (0.5 if mid_rise else 0.0)
    assert torch.equal(steps, steps.round())
    assert products is None
    scale = 0.1 / float(iq.abs().square().mean() ** 0.5)
    error = (y - iq * scale).abs().square().mean()
    assert error / 0.1**2 == pytest.approx(made.noise, rel=0.05)


def test_the_hardest_drive_clips_two_thirds_and_the_softest_keeps_a_bit():
    drives = [converter.draw_converter(8, Rng(seed)).drive for seed in range(600)]
    y, products = converter.converted(noise(), Converter(8, max(drives)), SPAN)
    full = (torch.view_as_real(y).abs() >= 127 / 128).any(1).float().mean()
    assert 0.6 < full < 0.8
    assert products is not None
    y, _ = converter.converted(noise(), Converter(8, min(drives)), SPAN)
    assert torch.view_as_real(y).std() * 128 > 0.5


def test_overload_lands_beside_the_carrier_and_is_not_scored_there():
    carrier = lte_carrier(40.0)
    iq = noise() + carrier.iq
    loud = Converter(16, 1.0)
    _, products = converter.converted(iq.clone(), loud, SPAN)
    heard = radio.heard_by(PERFECT, [carrier], products, 1.0, SPAN)
    truth = truth_of(heard, SPAN)
    inside = carrier.cover.mean(0) > 0.9
    assert (truth[:, inside] == LTE).float().mean() > 0.99
    # Products of the third order fill the band's width at each side.
    low = int(inside.nonzero()[0])
    assert (truth[:, low - 20 : low - 5] == IGNORE).float().mean() > 0.95
    # Measured: what of the clipped samples is there beside the carrier
    y, _ = converter.converted(iq.clone(), loud, SPAN)
    scale = 1.0 / float(iq.abs().square().mean() ** 0.5)
    seen = mean_power(y, SPAN)[:, low - 20 : low - 5].mean() / SPAN.noise_per_pixel / scale**2
    assert products[:, low - 20 : low - 5].mean() == pytest.approx(seen.item(), rel=0.6)


def test_what_a_filter_takes_away_is_noise_and_what_it_passes_stays():
    response = response_of(torch.where(X < 0, -70.0, 0.0), 70.0)
    behind = Radio(response, torch.full((POINTS,), 1e-2), 0.0, Converter(None, 0.1), False)
    left, right = lte_carrier(20.0, -300), lte_carrier(20.0, 300)
    nothing = torch.zeros(SPAN.rows, 256)
    truth = truth_of(radio.heard_by(behind, [left, right], nothing, 1.0, SPAN), SPAN)
    assert not (truth[:, :118] == LTE).any()
    assert torch.equal(truth[:, 140:], truth_of([left, right], SPAN)[:, 140:])
    # Not quite gone: neither scored nor noise
    weak = replace(behind, floor=torch.full((POINTS,), 10**-4.0))
    truth = truth_of(radio.heard_by(weak, [left], nothing, 1.0, SPAN), SPAN)
    band = left.cover.mean(0) > 0.9
    assert (truth[:, band] == IGNORE).float().mean() > 0.9


def test_few_bits_hide_what_is_weak():
    weak, strong = lte_carrier(0.0, -300), lte_carrier(17.0, 300)
    power = float((noise() + weak.iq + strong.iq).abs().square().mean())
    coarse = replace(PERFECT, converter=Converter(5, 0.02))
    nothing = torch.zeros(SPAN.rows, 256)
    band = weak.cover.mean(0) > 0.9
    for made, share in ((PERFECT, 1.0), (coarse, 0.0)):
        truth = truth_of(radio.heard_by(made, [weak, strong], nothing, power, SPAN), SPAN)
        assert (truth[:, band] == LTE).float().mean() == pytest.approx(share, abs=0.02)


def test_noise_is_noise_through_every_receiver():
    maker = SceneMaker(SPEC, 64)
    maker.draw_emissions = lambda span, rng: []
    maker.draw_span = lambda rng: Span(256, 4, 64, SPEC)
    shares = []
    for seed in range(60):
        frame = maker.frame(seed)
        assert torch.isfinite(frame.level_db).all()
        assert set(frame.truth.unique().tolist()) <= {NOISE, IGNORE}
        shares.append((frame.truth == NOISE).float().mean().item())
    # The rest are lines; overload by strong ones may fill a span.
    assert sorted(shares)[3] > 0.5 and sum(shares) / len(shares) > 0.9


def test_images_lie_where_the_mirrored_emission_is_told_to_be():
    carrier = lte_carrier(40.0, 300)
    iq, told = radio.mirrored(carrier.iq.clone(), [carrier], Rng(2))
    left = slice(20, 100)
    seen = mean_power(iq, SPAN)[:, left].mean(0) / SPAN.noise_per_pixel
    own = mean_power(carrier.iq, SPAN)[:, left].mean(0) / SPAN.noise_per_pixel
    told = told[:, left].mean(0)
    inside = told > 0.5 * told.max()
    assert inside.sum() > 50
    assert 10 * torch.log10((seen - own)[inside] / told[inside]).abs().max() < 1.5


def test_lines_have_the_power_that_is_told_of_them():
    for add in (spurs.add_dc, spurs.add_spurs):
        for seed in range(12):
            iq = torch.zeros(SPAN.samples, dtype=torch.complex64)
            told = add(iq, SPAN, Rng(seed))
            seen = mean_power(iq, SPAN) / SPAN.noise_per_pixel
            strong = told > 0.1 * told.max()
            assert seen[strong].sum() == pytest.approx(told[strong].sum().item(), rel=0.5)
            assert seen[told < 1e-3].sum() < 0.05 * seen.sum()


@pytest.mark.parametrize("way", [gain.stepped, gain.ramped, gain.followed])
def test_gain_control_changes_levels_and_nothing_else(way):
    iq = noise()
    ratio = way(iq, Rng(1)) / iq
    assert torch.isfinite(ratio.real).all()
    assert ratio.imag.abs().max() < 1e-4 * ratio.real.max()
    assert ratio.real.max() / ratio.real.min() > 1.05


def test_a_control_loop_turns_down_for_a_burst():
    iq = noise()
    burst = slice(80_000, 120_000)
    iq[burst] *= 20
    ratio = (gain.followed(iq, Rng(4)) / iq).real
    assert ratio[110_000:120_000].mean() < 0.5 * ratio[60_000:80_000].mean()


def test_gaps_are_silent_and_nothing_is_seen_in_them():
    carrier = lte_carrier(20.0)
    lost = gaps.Gaps(((50 * SPAN.row_samples, 90 * SPAN.row_samples),))
    iq = gaps.silenced(noise() + carrier.iq, lost, SPAN)
    level = spectrogram_db(iq, SPEC, SPAN.hops_per_row)[0]
    assert (level[51:89] == SPEC.floor_db).all() and (level[:49] > -60).all()
    truth = truth_of([gaps.dimmed(carrier, lost.shares(SPAN))], SPAN)
    assert (truth[50:90] == NOISE).all()
    assert torch.equal(truth[90:], truth_of([carrier], SPAN)[90:])


def test_recordings_end_within_their_frames_at_whole_rows():
    drawn = [gaps.draw_gaps(SPAN, Rng(seed)) for seed in range(400)]
    assert 0.8 < sum(not g.silent for g in drawn) / len(drawn) < 0.92
    cut = [g.silent[0] for g in drawn if len(g.silent) == 1 and g.silent[0][1] == SPAN.samples]
    lengths = [a / SPAN.sample_rate for a, _ in cut if a % SPAN.row_samples == 0]
    assert min(lengths) < 2e-3 and max(lengths) > 4e-3
    for g in drawn:
        assert all(0 <= a < b <= SPAN.samples for a, b in g.silent)
        ends = [p for pair in g.silent for p in pair]
        assert ends == sorted(ends)


def test_a_gated_emission_is_there_for_its_time_alone():
    carrier = lte_carrier(20.0)
    burst = gaps.gated(carrier, 3e-3, 3.2e-3, SPAN)
    on = (burst.iq.abs() > 0).nonzero().ravel() / SPAN.sample_rate
    assert on[0].item() == pytest.approx(3e-3, abs=1e-6)
    assert on[-1].item() == pytest.approx(3.2e-3, abs=1e-6)
    rows = (truth_of([burst], SPAN) == LTE).any(1).sum().item()
    row_s = SPAN.row_samples / SPAN.sample_rate
    assert rows * row_s == pytest.approx(0.2e-3, abs=1.5 * row_s)
    whole = gaps.gated(carrier, 0.0, SPAN.duration, SPAN)
    assert torch.equal(whole.iq, carrier.iq) and torch.equal(whole.cover, carrier.cover)


def test_samples_before_the_frame_pass_the_receiver_too():
    before = 5000
    carrier = lte_carrier(20.0)
    for seed in range(8):
        iq = torch.cat([noise(before), noise() + carrier.iq])
        out, heard = radio.receive(iq, [carrier], SPAN, BANK, Rng(seed))
        assert out.numel() == before + SPAN.samples
        assert torch.isfinite(torch.view_as_real(out)).all()
        assert all(e.power.shape == (SPAN.rows, 256) for e in heard)
        assert all(torch.isfinite(e.power).all() for e in heard)


def test_some_clean_scenes_have_no_noise_at_all():
    maker = SceneMaker(SPEC, 256)
    clean, usual = lte_carrier(70.0), lte_carrier(20.0)
    silent = [not maker.draw_noise([clean], SPAN, Rng(s)).any() for s in range(20)]
    assert 3 < sum(silent) < 17
    assert all(maker.draw_noise([usual], SPAN, Rng(s)).any() for s in range(5))
    assert all(maker.draw_noise([], SPAN, Rng(s)).any() for s in range(5))
