# SPDX-License-Identifier: GPL-3.0-or-later
"""What generated scenes hold, before any sample is made: no sample rate gives it away."""

import itertools
from collections import Counter
from statistics import mean

import pytest

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.waveforms import other, plans, rates
from training.waveforms.rng import Rng
from training.waveforms.span import SUBCARRIER_HZ, Span

SPEC = SpectrogramSpec()
RATES = sorted({*rates.CELLULAR_MSPS, *rates.ROUND_MSPS})
SCENES = 240


def span_of(msps: float) -> Span:
    n = rates.nearest_fft(msps * 1e6)
    return Span(n, SPEC.hops_per_row(n * SUBCARRIER_HZ), 256, SPEC)


def scenes(msps: float, first_seed: int = 0):
    span = span_of(msps)
    return [plans.draw_plan(span, Rng(first_seed + seed)) for seed in range(SCENES)]


@pytest.mark.parametrize("msps", RATES)
def test_every_rate_has_every_group_about_as_often(msps):
    drawn = scenes(msps, int(1000 * msps))
    counts = Counter(group for plan in drawn for group in {p.group for p in plan})
    groups = list(plans.GROUPS)
    if span_of(msps).sample_rate < plans.WIFI_SPAN:
        groups.remove("wifi")
        assert 0.4 < counts["wifi"] / mean(counts[group] for group in groups) < 0.8
    shares = [counts[group] / SCENES for group in groups]
    assert all(0.25 < share < 0.6 for share in shares), dict(counts)
    assert max(shares) < 1.7 * min(shares)
    empty = sum(not plan for plan in drawn) / SCENES
    assert 0.07 < empty < 0.22
    together = sum(len({p.group for p in plan}) > 1 for plan in drawn) / SCENES
    assert together > 0.35


@pytest.mark.parametrize("msps", RATES)
def test_a_receivers_rate_is_met_within_a_percent(msps):
    n = rates.nearest_fft(msps * 1e6)
    assert n * SUBCARRIER_HZ / 1e6 == pytest.approx(msps, rel=0.0101 if msps < 6 else 0.005)
    # Subcarriers of 60 kHz fit a whole number of times.
    assert n % 4 == 0
    SPEC.check_sample_rate(n * SUBCARRIER_HZ)


def test_cellular_and_round_rates_come_as_often_and_others_too():
    drawn = [rates.draw_fft(Rng(seed)) for seed in range(1500)]
    cellular = {rates.nearest_fft(r * 1e6) for r in rates.CELLULAR_MSPS}
    usual = {rates.nearest_fft(r * 1e6) for r in rates.ROUND_MSPS} - cellular
    assert sum(n in cellular for n in drawn) / len(drawn) > 0.35
    assert sum(n in usual for n in drawn) / len(drawn) > 0.25
    assert sum(n not in usual | cellular for n in drawn) / len(drawn) > 0.1
    assert min(drawn) * SUBCARRIER_HZ < 1e6 and max(drawn) * SUBCARRIER_HZ > 120e6


@pytest.mark.parametrize("msps", [1.92, 10.0, 61.44])
def test_carriers_are_whole_cut_and_around_the_span_and_never_meet(msps):
    span = span_of(msps)
    half = span.sample_rate / 2
    kinds = Counter()
    for plan in scenes(msps):
        bands = sorted(p.place.edges for p in plan if p.place is not None)
        assert all(a[1] <= b[0] + 2e4 for a, b in itertools.pairwise(bands))
        for low, high in bands:
            assert low < half and high > -half
            kinds[(low < -half) + (high > half)] += 1
    whole, cut, around = (kinds[i] / sum(kinds.values()) for i in range(3))
    assert whole > 0.1 and cut > 0.1
    assert around > 0.07 or msps > 20


@pytest.mark.parametrize("technology", ["lte", "nr"])
def test_a_narrow_span_lies_within_wide_carriers(technology):
    span = span_of(2.4)
    places = [plans.draw_place(technology, span, [], True, Rng(seed)) for seed in range(40)]
    widths = {place.bandwidth for place in places}
    assert len(widths) > 3
    assert all(p.inside and p.edges[0] < -1e6 and p.edges[1] > 1e6 for p in places)


def test_most_signals_are_between_0_and_20_db():
    drawn = [plans.draw_snr(Rng(seed)) for seed in range(800)]
    assert sum(0 <= snr <= 20 for snr in drawn) / len(drawn) > 0.6
    assert min(drawn) < -8 and max(drawn) > 45


def test_some_emissions_begin_end_or_are_a_short_burst():
    times = [p.on_air for plan in scenes(5.0) for p in plan if p.on_air]
    duration = span_of(5.0).duration
    assert all(0 <= a < b <= duration for a, b in times)
    assert min(b - a for a, b in times) < 0.4e-3
    assert any(a == 0 for a, _ in times) and any(b > 0.999 * duration for _, b in times)


def test_groups_come_once_before_one_comes_again():
    for seed in range(20):
        groups = plans.draw_groups(6, span_of(20.0), Rng(seed))
        assert set(groups[:4]) == set(plans.GROUPS)
        assert len(set(groups[4:])) == 2


def test_wifi_comes_half_as_often_in_spans_narrower_than_its_channels():
    def share(rate_mhz: float) -> float:
        span = span_of(rate_mhz)
        return sum(plans.draw_groups(1, span, Rng(seed)) == ["wifi"] for seed in range(2000)) / 2000

    assert 0.4 < share(2.0) / share(20.0) < 0.7


def test_every_kind_belongs_to_a_group():
    assert set(other.WIFI) | set(plans.OTHER) == set(other.USUAL)
    assert "wifi" in other.WIFI and "dvb_t" in plans.OTHER
