# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated scenes: physics of the grids, truth that matches the energy, seeds that reproduce."""

import numpy as np
import pytest
import torch

from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db
from training.waveforms import lte, nr
from training.waveforms.kinds import KINDS
from training.waveforms.ofdm import emit, symbol_starts
from training.waveforms.rng import Rng
from training.waveforms.scene import SceneMaker, truth_of
from training.waveforms.span import FIRST_OTHER, IGNORE, LTE, NOISE, NR, Span

SPEC = SpectrogramSpec()
SPAN = Span(1280, SPEC.hops_per_row(19.2e6), 256, SPEC)


def fdd_cell(**changes):
    fields = {
        "resource_blocks": 50,
        "tdd": None,
        "special": 7,
        "ports": 2,
        "cell_id": 11,
        "load": 0.5,
        "control_load": 0.5,
        "crs_boost_db": 0.0,
    }
    return lte.LteCarrier(**{**fields, **changes})


def lte_emission(cell, offset=0, snr_db=20.0, seed=0):
    rng = Rng(seed)
    return emit(lte.build_grid(cell, 23, offset, 0.3e-3, rng), SPAN, LTE, snr_db, rng)


def test_an_lte_slot_of_seven_symbols_lasts_half_a_millisecond():
    starts = symbol_starts(4, 15e3)
    assert starts[7].item() == pytest.approx(0.5e-3, abs=1e-12)
    assert starts[28].item() == pytest.approx(2e-3, abs=1e-12)
    # The first symbol's prefix is 160, the others' 144 of 30.72 MHz samples.
    assert starts[1].item() * 30.72e6 == pytest.approx(2208)
    assert (starts[2] - starts[1]).item() * 30.72e6 == pytest.approx(2192)


def test_an_nr_slot_at_30_khz_lasts_half_a_millisecond():
    assert symbol_starts(8, 30e3)[14].item() == pytest.approx(0.5e-3, abs=1e-12)


def test_fdd_truth_fills_the_carrier_however_light_the_load():
    truth = truth_of([lte_emission(fdd_cell(load=0.0), snr_db=45.0)], SPAN)
    # 50 resource blocks of 180 kHz in bins of 75 kHz, and the empty centre subcarrier
    columns = (truth == LTE).float().mean(0) > 0.99
    assert columns.sum().item() == pytest.approx(50 * 180e3 / 75e3, abs=1)
    assert columns[128 - 58 : 128 + 58].all()


def test_tdd_truth_follows_the_subframes():
    cell = fdd_cell(tdd=1, special=5)
    truth = truth_of([lte_emission(cell, snr_db=45.0)], SPAN)
    on = (truth[:, 128 + 20] == LTE).float().mean().item()
    # DSUUD twice a frame: two whole subframes and three of fourteen symbols in each five
    assert on == pytest.approx((2 + 3 / 14) / 5, abs=0.04)


@pytest.mark.parametrize("offset", (-300, 0, 150))
def test_the_carriers_energy_is_where_its_truth_is(offset):
    emission = lte_emission(fdd_cell(load=1.0), offset)
    level = spectrogram_db(emission.iq + 1e-6, SPEC, SPAN.hops_per_row)[0]
    profile = (10 ** (level / 10)).mean(0)
    inside = (emission.cover > 0.5).float().mean(0) > 0.5
    assert profile[inside].sum() / profile.sum() > 0.98
    centre = 128 + offset * 15e3 / 75e3
    middle = inside.nonzero().float().mean().item()
    assert middle == pytest.approx(centre, abs=1)


def test_signal_to_noise_ratio_is_as_asked():
    emission = lte_emission(fdd_cell(load=1.0, control_load=1.0), snr_db=10.0, seed=3)
    level = spectrogram_db(emission.iq, SPEC, SPAN.hops_per_row)[0]
    inside = emission.cover > 0.9
    measured = (10 ** (level / 10) / SPAN.noise_per_pixel)[inside].mean().log10() * 10
    predicted = emission.power[inside].mean().log10() * 10
    assert measured.item() == pytest.approx(predicted.item(), abs=0.3)


def test_a_strong_signals_leakage_is_neither_noise_nor_transmission():
    cell = fdd_cell(load=1.0, resource_blocks=25)
    strong = truth_of([lte_emission(cell, snr_db=60.0)], SPAN)
    weak = truth_of([lte_emission(cell, snr_db=10.0)], SPAN)
    assert torch.equal(strong == LTE, weak == LTE)
    assert (strong == IGNORE).float().mean() > 0.2
    assert (weak == IGNORE).float().mean() < 0.05


def test_an_idle_nr_cell_sends_only_its_ssb():
    rng = Rng(5)
    cell = nr.NrCarrier(52, 15e3, None, 1, 20, 16, 0.0, 0.0, 0, 0.0, 52)
    grid = nr.build_grid(cell, 40, 0, 0.0, rng)
    sent = grid.truth.nonzero()
    assert sent[:, 1].min() == 16 and sent[:, 1].max() == 35
    assert sorted(set(sent[:, 0].tolist())) == [2, 3, 4, 5, 282, 283, 284, 285]


def test_gaps_of_three_symbols_close_and_longer_ones_stay():
    sent = torch.zeros(20, 1, dtype=torch.bool)
    sent[[2, 6, 12]] = True
    closed = nr.close_gaps(sent, 3)[:, 0]
    assert closed.nonzero().ravel().tolist() == [2, 3, 4, 5, 6, 12]


def test_frames_depend_on_their_seed_alone():
    first, second = SceneMaker(SPEC), SceneMaker(SPEC)
    second.frame(99)
    a, b = first.frame(7), second.frame(7)
    assert torch.equal(a.level_db, b.level_db) and torch.equal(a.truth, b.truth)
    assert not torch.equal(a.level_db, first.frame(8).level_db)


def test_scenes_are_finite_and_hold_every_class():
    maker = SceneMaker(SPEC)
    seen = np.zeros(256, np.int64)
    for seed in range(60):
        frame = maker.frame(seed)
        assert torch.isfinite(frame.level_db).all()
        assert frame.level_db.shape == (1, 256, 256)
        bin_hz, row_s = frame.resolution
        assert 0.96e6 <= bin_hz * 256 <= 122.88e6
        assert SPEC.row_duration_min <= row_s <= SPEC.row_duration_max
        seen += np.bincount(frame.truth.numpy().ravel(), minlength=256)
    assert set(np.flatnonzero(seen)) <= {*range(len(KINDS)), IGNORE}
    shares = seen[[LTE, NR]], seen[FIRST_OTHER : len(KINDS)].sum()
    assert min(*shares[0], shares[1]) > 0.03 * seen.sum() and seen[NOISE]
