# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence: what repeats after a lag shows at that lag, and nothing else does."""

import math

import pytest
import torch

from radiofm_core.errors import UsageError
from radiofm_core.spectrum.evidence import evidence_planes
from radiofm_core.spectrum.evidence_grid import EvidenceGrid, memory_samples
from radiofm_core.spectrum.spec import MAX_LAG_S, SpectrogramSpec

SYMBOL, WIFI, FRAME, CONTROL = 1 / 15e3, 3.2e-6, 10e-3, 9.7e-3
SPEC = SpectrogramSpec(rows=64, evidence_lags=(SYMBOL, WIFI, FRAME, CONTROL))
# of a wide and of a narrow transform, whole and fractional lags
RATES = (1.92e6, 10.005e6, 15.36e6, 20.01e6, 30.72e6)


def noise(samples: int, seed: int = 1) -> torch.Tensor:
    parts = torch.randn(samples, 2, generator=torch.Generator().manual_seed(seed))
    return torch.view_as_complex(parts * 0.5**0.5)


def frame_and_before(x: torch.Tensor, rate: float) -> tuple[torch.Tensor, torch.Tensor, int]:
    hops = SPEC.hops_per_row(rate, 5e-3)
    memory = memory_samples(SPEC, rate)
    return x[memory : memory + SPEC.frame_samples(hops)], x[:memory], hops


def samples_of(rate: float) -> int:
    return memory_samples(SPEC, rate) + SPEC.frame_samples(SPEC.hops_per_row(rate, 5e-3))


def magnitude(planes: torch.Tensor) -> torch.Tensor:
    return torch.complex(planes[:, 0], planes[:, 1]).abs()


def repeated(x: torch.Tensor, lag: float) -> torch.Tensor:
    """Half of the power is what was there a lag before, which may be no whole sample."""
    turns = torch.fft.fftfreq(len(x), dtype=torch.float64) * lag
    late = torch.fft.ifft(torch.fft.fft(x) * torch.exp(-2j * math.pi * turns).to(x.dtype))
    return (x + late) * 0.5**0.5


@pytest.mark.parametrize("rate", RATES)
def test_noise_is_coherent_at_no_lag_and_looks_say_how_little(rate):
    frame, before, hops = frame_and_before(noise(samples_of(rate)), rate)
    planes = evidence_planes(frame, SPEC, rate, hops, before)
    looks = EvidenceGrid.of(SPEC, rate, hops).looks
    for plane in magnitude(planes):
        if not plane.isnan().all():
            assert plane.square().mean() * looks == pytest.approx(1.0, abs=0.45)


@pytest.mark.parametrize(
    ("rate", "number"), [(r, n) for r in RATES for n in range(4) if r > 2e6 or n != 1]
)
def test_what_repeats_after_a_lag_shows_at_it_alone(rate, number):
    lag = SPEC.evidence_lags[number]
    x = repeated(noise(samples_of(rate)), lag * rate)
    frame, before, hops = frame_and_before(x, rate)
    planes = magnitude(evidence_planes(frame, SPEC, rate, hops, before)).nanmean((1, 2))
    # a quarter of a transform is the most that may be missing to the lag, which costs a third
    assert planes[number] > 0.3
    others = [float(v) for i, v in enumerate(planes) if i != number and not v.isnan()]
    assert max(others) < 0.6 * planes[number]


def test_the_phase_is_alike_in_all_cells_and_tells_the_frequency_offset():
    rate = 15.36e6
    x = repeated(noise(samples_of(rate)), SYMBOL * rate)
    offset = 2e3
    x = x * torch.exp(2j * math.pi * offset / rate * torch.arange(len(x)))
    frame, before, hops = frame_and_before(x, rate)
    plane = evidence_planes(frame, SPEC, rate, hops, before)[0]
    phase = torch.complex(plane[0], plane[1]).angle()
    expected = 2 * math.pi * offset * SYMBOL
    assert (phase - expected).abs().max() < 0.5


@pytest.mark.parametrize("ppm", (-50, 20, 50))
def test_a_clock_that_is_off_does_not_hide_a_long_lag(ppm):
    rate = 15.36e6
    x = repeated(noise(samples_of(rate)), FRAME * rate * (1 + ppm * 1e-6))
    frame, before, hops = frame_and_before(x, rate)
    plane = evidence_planes(frame, SPEC, rate, hops, before)[2]
    cells = torch.complex(plane[0], plane[1])
    assert cells.mean().abs() > 0.3  # in phase across the span, too


def test_lags_are_not_guessed_where_they_cannot_be_judged():
    rate = 1.92e6
    frame, before, hops = frame_and_before(noise(samples_of(rate)), rate)
    planes = evidence_planes(frame, SPEC, rate, hops, before)
    assert planes[1].isnan().all()  # 3.2 us are 6 samples
    assert not planes[0].isnan().any()
    alone = evidence_planes(frame, SPEC, rate, hops)
    assert alone[2:].isnan().all()  # nothing is 10 ms ago
    assert not alone[0].isnan().any()
    short = evidence_planes(frame[: len(frame) // 2], SPEC, rate, hops, before)
    assert short[0, :, 2:].isnan().all() and not short[0, :, :2].isnan().any()
    assert evidence_planes(frame[:20], SPEC, rate, hops).isnan().all()
    assert evidence_planes(torch.zeros_like(frame), SPEC, rate, hops).isnan().all()


def test_long_lags_are_judged_where_half_of_a_cell_has_samples_before():
    rate, hops = 1.92e6, SPEC.hops_per_row(1.92e6, 5e-3)
    x = noise(samples_of(rate))
    frame, before, _ = frame_and_before(x, rate)
    cell = EvidenceGrid.of(SPEC, rate, hops).cell_hops * 16
    lag = round(FRAME * rate)
    for missing, judged in ((0.25, True), (0.75, False)):
        short = before[-(lag - round(missing * cell)) :]
        plane = evidence_planes(frame, SPEC, rate, hops, short)[2]
        assert bool(plane[:, 0].isnan().all()) != judged


def test_a_spec_without_lags_is_as_before_there_were_any():
    spec = SpectrogramSpec()
    assert "evidence_lags" not in spec.to_dict()
    assert spec.frame_floats == 65536
    assert SpectrogramSpec.from_dict(spec.to_dict()) == spec
    with_lags = SpectrogramSpec(evidence_lags=(SYMBOL, FRAME))
    assert SpectrogramSpec.from_dict(with_lags.to_dict()) == with_lags
    assert with_lags.fingerprint != spec.fingerprint
    assert with_lags.frame_floats == 65536 + 2 * 2 * 16 * 32


@pytest.mark.parametrize("lags", ((0.0,), (-1e-6,), (1.0,), (math.nan,), (SYMBOL, SYMBOL), "10 ms"))
def test_lags_that_cannot_be_are_refused(lags):
    with pytest.raises(UsageError, match="evidence_lags"):
        SpectrogramSpec(evidence_lags=lags)


def test_the_longest_lag_is_allowed():
    assert SpectrogramSpec(evidence_lags=(MAX_LAG_S,)).evidence_floats == 1024
