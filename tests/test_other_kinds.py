# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds that are neither LTE nor NR: their truth is where their energy is, they repeat at the lags
of their own standards, and no sample rate tells them apart."""

import numpy as np
import pytest
import torch
from self_likeness import likeness

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.waveforms import other, plans
from training.waveforms.kinds import KINDS, WIFI
from training.waveforms.other import (
    arbitrary,
    broadcast,
    cdma,
    drones,
    power_lines,
    video,
    wifi,
    wifi_ah,
)
from training.waveforms.other.base import empty, frequency, modulated, put, resampling
from training.waveforms.other.wifi_packets import packet
from training.waveforms.rng import Rng
from training.waveforms.span import Span

SPEC = SpectrogramSpec()


def make_span(fft_15k: int, seconds: float) -> Span:
    rate = fft_15k * 15e3
    return Span(fft_15k, SPEC.hops_per_row(rate, seconds), 256, SPEC)


WIDE, NARROW = make_span(1344, 5e-3), make_span(160, 17e-3)
BOTH = [(n, s) for n in other.NAMES for s in (WIDE, NARROW) if other.TABLE[n][1] <= s.sample_rate]


@pytest.mark.parametrize(("name", "span"), BOTH, ids=lambda x: getattr(x, "fft_15k", x))
def test_other_emissions_are_finite_and_labelled_where_they_are(name, span):
    emission = other.emit(other.TABLE[name][0], span, 25.0, Rng(len(name)))
    assert emission.iq.shape == (span.samples,)
    assert torch.isfinite(torch.view_as_real(emission.iq)).all()
    own = emission.cover > 0.5
    rest = emission.power[emission.cover == 0]
    if own.any():
        assert not rest.numel() or emission.power[own].mean() > 30 * rest.mean()
        assert emission.power[own].sum() > 0.9 * emission.power.sum()


@pytest.mark.parametrize("rate", [0.96e6, 1.92e6, 2.4e6, 5e6, 10e6, 20e6, 40e6, 61.44e6, 122.88e6])
def test_no_rate_tells_what_is_there(rate):
    """Wi-Fi, other OFDM, spread spectrum and narrow telegrams come at every rate."""
    weights = {name: weight for name, (_, least, weight) in other.TABLE.items() if least <= rate}
    total = sum(weights.values())
    families = [WIFI, ("ofdm_link", "drone", "wide_bursts"), ("gnss", "umts", "cdma2000")]
    families.append(("fsk_bursts", "ook_bursts", "remote_control", "transponders", "gsm"))
    shares = [sum(weights.get(name, 0) for name in family) / total for family in families]
    assert all(
        low < share < 0.45 for low, share in zip((0.08, 0.1, 0.02, 0.1), shares, strict=True)
    )


def test_kinds_of_80211_are_told_apart_by_name():
    assert set(WIFI) == {n for n in KINDS if n.startswith("wifi")} and len(WIFI) == 5
    assert len(set(KINDS)) == len(KINDS) < 255


# The kind's samples at a rate of its own, that rate, its symbol in seconds, and the range of
# coherence that its prefix, pilots and preambles leave at that lag
def wifi_train(form: str, clock: float):
    parts = [packet(8000, 20, form, Rng(seed), over=1) for seed in range(8)]
    return torch.cat(parts), 20e6 * clock


def drone_burst(spacing: float):
    own = drones.numerology(spacing, 600, Rng(0))
    return drones.burst(6, own, Rng(1)), own.rate


def television(n: int, active: int):
    values = Rng(1).data((40, active))
    values = broadcast._with_pilots(values, broadcast.Pilots(3, 4, 4 / 3))
    return modulated(values, torch.arange(active) - active // 2, n, n // 8), 64e6 / 7


SYMBOLS = {
    "802.11a": (wifi_train("a", 1), 3.2e-6, 0.2, 0.3),
    "802.11n": (wifi_train("n", 1), 3.2e-6, 0.12, 0.3),
    "802.11ax": (wifi_train("ax", 1), 12.8e-6, 0.05, 0.2),
    "802.11p": (wifi_train("a", 0.5), 6.4e-6, 0.2, 0.3),
    "802.11ah": (wifi_train("n", 0.1), 32e-6, 0.12, 0.3),
    "802.11ah, 1 MHz": ((wifi_ah.narrow_packet(200, Rng(1)), 2e6), 32e-6, 0.15, 0.35),
    "drone at 15 kHz": (drone_burst(15e3), 1 / 15e3, 0.05, 0.1),
    "WiMAX-like link": (drone_burst(10.9375e3), 1 / 10.9375e3, 0.05, 0.12),
    "DVB-T 2k": (television(2048, 1705), 224e-6, 0.1, 0.16),
}
LAGS = [1 / 15e3, 1 / 30e3, 1 / 45e3, 1 / 60e3, 12.8e-6, 6.4e-6, 3.2e-6, 32e-6, 50e-6, 27.1e-6]


@pytest.mark.parametrize("name", SYMBOLS)
def test_symbols_are_alike_at_the_lag_of_their_own_length_alone(name):
    (x, rate), symbol, low, high = SYMBOLS[name]
    assert low < likeness(x, rate, symbol) < high
    for lag in LAGS:
        # Preambles of repeated training have harmonics of their own; they are short.
        if abs(lag - symbol) > 2e-6 and lag * rate > 20:
            multiple = abs(symbol / lag - round(symbol / lag)) < 0.01 or lag / symbol == 0.5
            assert likeness(x, rate, lag) < (0.09 if multiple else 0.035), lag


@pytest.mark.parametrize("seed", range(6))
def test_multicarrier_signals_of_no_standard_do_not_repeat_after_its_symbols(seed):
    x = arbitrary._multicarrier(400_000, 20e6, 9e6, Rng(seed))
    assert x.shape == (400_000,) and torch.isfinite(torch.view_as_real(x)).all()
    for lag in (1 / 15e3, 1 / 30e3, 12.8e-6, 6.4e-6, 3.2e-6):
        assert likeness(x, 20e6, lag) < 0.02, lag


def test_signals_of_no_standard_come_in_scenes_of_their_own_alone():
    assert "arbitrary" in KINDS and "arbitrary" not in other.USUAL
    assert set(plans.OTHER) | set(WIFI) == set(other.USUAL) == set(KINDS[3:]) - {"arbitrary"}


def test_power_line_frames_have_the_spacing_of_ieee_1901():
    x, _ = power_lines.power_line(make_span(1024, 5e-3), Rng(4))
    rate = 1024 * 15e3
    assert likeness(x, rate, 40.96e-6) > 0.08
    assert max(likeness(x, rate, lag) for lag in (66.7e-6, 33.3e-6, 12.8e-6)) < 0.04


def test_a_first_symbol_of_dvb_t2_holds_its_parts_one_subcarrier_higher():
    x = broadcast.first_symbol(Rng(1))
    turn = torch.exp(2j * torch.pi * torch.arange(2048) / 1024).to(torch.complex64)
    assert x.numel() == 2048
    body = x[542:1566]
    assert torch.allclose(x[:542], body[:542] * turn[:542], atol=1e-4)
    assert torch.allclose(x[1566:], body[542:] * turn[542:1024], atol=1e-4)


# ---- codes that repeat


def test_the_first_chips_of_gps_satellites_are_as_published():
    """IS-GPS-200 table 3-Ia, octal, of satellites 1, 2, 3 and 10."""
    for satellite, chips in ((0, 0o1440), (1, 0o1620), (2, 0o1710), (9, 0o1504)):
        bits = ((1 - cdma.gps_code(satellite)[:10]) / 2).int().tolist()
        assert int("".join(map(str, bits)), 2) == chips
    assert len(cdma.gps_code(0)) == 1023


def test_scrambling_codes_are_balanced_and_differ():
    a, b = cdma.scrambling_code(0), cdma.scrambling_code(1)
    assert len(a) == 38400 and torch.allclose(a.abs(), torch.ones(38400))
    assert (a * b.conj()).mean().abs() < 0.02 and a.mean().abs() < 0.02
    code = cdma.short_code()
    assert len(code) == 2**15 and code.mean().abs() < 1e-3


def test_w_cdma_repeats_its_pilot_each_10_ms_and_cdma2000_does_not():
    span = make_span(512, 16e-3)
    x, _ = cdma.umts(span, Rng(1))
    assert likeness(x, span.sample_rate, 10e-3) > 0.1
    assert likeness(x, span.sample_rate, 9.7e-3) < 0.04
    # A short symbol's lag shows nothing: it is no OFDM.
    assert likeness(x, span.sample_rate, 1 / 15e3) < 0.02
    x, _ = cdma.cdma2000(make_span(256, 16e-3), Rng(1))
    assert likeness(x, 3.84e6, 10e-3) < 0.05


def test_navigation_repeats_each_millisecond_below_the_floor():
    span = make_span(512, 10e-3)
    x, _ = cdma.gnss(span, Rng(1))
    # Doppler turns each satellite's code by another phase, so less than all of it is alike.
    again, between = (likeness(x, span.sample_rate, lag) for lag in (1e-3, 0.93e-3))
    assert again > 0.06 and again > 4 * between
    weak = sum(
        bool((other.emit(cdma.gnss, span, 8.0, Rng(seed)).power < 1).all()) for seed in range(8)
    )
    assert weak >= 4


# ---- pictures


@pytest.mark.parametrize(
    ("standard", "line_s", "fields"), [(video.PAL, 64e-6, 50), (video.NTSC, 63.5556e-6, 59.94)]
)
def test_lines_of_a_picture_are_alike_and_fields_too(standard, line_s, fields):
    frame = standard.lines * standard.per_line
    x = video.composite(frame * 5 // 4, standard, Rng(6))
    assert standard.per_line / video.RATE == pytest.approx(line_s, rel=1e-5)
    assert video.RATE / frame * 2 == pytest.approx(fields, rel=1e-4)
    x = (x - x.mean()).numpy()
    line = likeness(x, video.RATE, line_s)
    assert line > 0.6 and line > likeness(x, video.RATE, 1.31 * line_s) + 0.2
    # A field later lie the neighbouring lines, half a line aside of a whole number of them.
    assert likeness(x, video.RATE, standard.lines // 2 * line_s) > 0.4


@pytest.mark.parametrize(("standard", "pulses"), [(video.PAL, 640), (video.NTSC, 543)])
def test_synchronising_pulses_are_as_many_as_lines_and_half_lines_of_bt_470(standard, pulses):
    """15 and 18 half lines about a field's start have a pulse each, where half as many would be."""
    low = video._blanking(standard).view(-1) < -0.1
    assert int((low & ~low.roll(1)).sum()) == pulses
    assert 0.07 < low.float().mean().item() < 0.1


# ---- rates


def test_resampling_errs_by_a_cheap_clocks_error_at_most():
    for rate in (1.005e6, 2.4e6, 10.005e6, 19.995e6, 28.005e6, 61.44e6):
        for native in (40e6, 64e6 / 7, 3.84e6, 480e3):
            count, wide = resampling(round(6e-3 * rate), rate, native)
            assert count / wide == pytest.approx(native / rate, rel=2.1e-5)
            assert wide >= round(6e-3 * rate)


def test_of_a_burst_that_is_longer_than_any_transform_the_span_shows_its_part():
    """120 ms of a sweep at 400 kS/s, from long before a span of 20 ms at 61.44 MS/s on."""
    span = Span(4096, 37, 256, SpectrogramSpec())
    rate, start = 400e3, -50e-3
    time = torch.arange(48_000, dtype=torch.float64) / rate
    native = torch.polar(torch.ones_like(time), 3e6 * time.square()).to(torch.complex64)
    out = empty(span)
    put(out, native, rate, start, span, 5e6)
    whole = torch.arange(span.samples, dtype=torch.float64) / span.sample_rate - start
    wanted = torch.polar(torch.ones_like(whole), 3e6 * whole.square())
    there = out * torch.polar(torch.ones_like(whole), -2 * torch.pi * 5e6 * (whole + start))
    inner = slice(2000, -2000)
    likeness = (there[inner] * wanted[inner].conj()).mean().abs()
    assert likeness > 0.95 and out.abs()[inner].mean().item() == pytest.approx(1, abs=0.01)


def test_bands_wider_than_a_span_lie_around_it_anywhere():
    places = torch.tensor([frequency(NARROW, Rng(s), 18e6, cut=True) for s in range(200)])
    assert places.abs().max() > 7.5e6 and places.std() > 4e6
    # The span, 2.4 MHz, lies in the band but for a fifth of it.
    assert places.abs().max() <= 9e6 - 0.3 * 2.4e6
    whole = torch.tensor([frequency(WIDE, Rng(s), 5e6) for s in range(200)]).abs().max()
    assert 6.5e6 < whole <= WIDE.sample_rate / 2 - 2.5e6


def test_a_channel_wider_than_the_span_fills_it():
    for seed in range(6):
        x, bandwidth = wifi.wifi_cut(NARROW, Rng(seed))
        assert bandwidth > 16e6
        spectrum = np.abs(np.fft.fft(x.numpy())) ** 2
        # One quarter may be the empty centre subcarrier.
        parts = spectrum.reshape(4, -1).sum(1) / spectrum.sum()
        assert sorted(parts)[1] > 0.1
