# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of generated signals against the standards' figures: prefixes, special subframes, blocks,
uplinks, shared carriers, channels, preambles."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.waveforms import carriers, lte, nr, uplink
from training.waveforms.channel import LTE_PROFILES, TDL_PROFILES, draw_channel, make_channel
from training.waveforms.lte.grid import reference_places
from training.waveforms.ofdm import Sender, emit, shifted
from training.waveforms.other.base import resampled, resampling
from training.waveforms.other.wifi import packet
from training.waveforms.rng import Rng
from training.waveforms.span import LTE, Span, mean_power

SPEC = SpectrogramSpec()
SPAN = Span(1280, SPEC.hops_per_row(19.2e6), 256, SPEC)
CELL = lte.LteCarrier(50, None, 7, 2, 11, 0.5, 0.5, 0.0)


def lte_grid(subframes=20, **changes):
    return lte.build_grid(replace(CELL, **changes), subframes, 0, 0.0, Rng(1))


def test_a_control_region_may_have_no_room_for_a_pdcch():
    # PCFICH and PHICH take all resource element groups of the one symbol
    full = {"extended": True, "phich_sixths": 12, "control_symbols": 1}
    grid = lte_grid(10, tdd=0, cell_id=292, control_load=1.0, **full)
    assert torch.isfinite(torch.view_as_real(grid.values)).all()


@pytest.mark.parametrize("config", range(7))
def test_tdd_carriers_send_in_their_downlink_subframes(config):
    grid = lte_grid(10, tdd=config, special=4)
    sent = grid.truth.any(1).view(10, 14).sum(1).tolist()
    counts = {"D": 14, "S": 12, "U": 0}
    assert sent == [counts[kind] for kind in lte.TDD_SUBFRAMES[config]]
    busy = (grid.values.abs().amax(1) > 0).view(10, 14).any(1)
    assert busy.tolist() == [kind != "U" for kind in lte.TDD_SUBFRAMES[config]]


def test_the_extended_prefix_leaves_twelve_symbols_in_a_millisecond():
    grid = lte_grid(10, extended=True)
    assert grid.values.shape[0] == 120
    assert grid.starts[12].item() == pytest.approx(1e-3, abs=1e-12)


def test_an_empty_mbsfn_subframe_sends_its_control_region_only():
    grid = lte_grid(10, mbsfn=(2, 7), control_symbols=2)
    energy = grid.values.abs().amax(1).view(10, 14) > 0
    assert energy[2].nonzero().ravel().tolist() == [0, 1]
    truth = grid.truth.any(1).view(10, 14)
    assert truth[7].nonzero().ravel().tolist() == [0, 1]
    assert not (energy & ~truth).any()
    with_data = lte_grid(10, mbsfn=(2, 7), mbsfn_load=1.0)
    assert with_data.truth.all()


@pytest.mark.parametrize(("ports", "elements"), [(1, 8), (2, 16), (4, 24)])
def test_an_idle_blocks_reference_signals_are_as_many_as_table_6_10_1_2_says(ports, elements):
    grid = lte_grid(2, ports=ports, load=0.0, control_load=0.0)
    block = grid.values[14:].abs()[:, 4 * 12 : 5 * 12]
    assert (block[3:] > 0).sum() == elements - (block[:3] > 0).sum() + _in_control(block)
    places = reference_places(replace(CELL, ports=ports))
    assert 2 * len(places) == elements


def _in_control(block) -> int:
    """Elements of the control region that are no reference signals."""
    comb = torch.arange(12) % 3 != CELL.cell_id % 3
    return int((block[:3][:, comb] > 0).sum())


@pytest.mark.parametrize("block", [-1, 50])
def test_a_narrowband_carrier_in_the_guard_band_lies_beside_the_others(block):
    grid = lte_grid(nb_iot=block)
    assert grid.truth.shape[1] == 52
    # It sends in every subframe, a boosted 180 kHz just outside of the carrier.
    own = grid.values.abs()[:, :12] if block < 0 else grid.values.abs()[:, -12:]
    assert (own.amax(1).view(20, 14).amax(1) > 1.9).all()


def test_ss_blocks_start_where_38_213_says():
    def starts(**fields):
        cell = nr.NrCarrier(51, fields.pop("hz"), None, 8, 20, 0, 0.0, 0.0, 0, 0.0, **fields)
        return cell.ssb_symbols()

    assert starts(hz=15e3) == [2, 8, 16, 22, 30, 36, 44, 50]
    assert starts(hz=30e3, ssb_case="B") == [4, 8, 16, 20, 32, 36, 44, 48]
    assert starts(hz=30e3, ssb_case="C") == [2, 8, 16, 22, 30, 36, 44, 50]


def test_at_60_khz_ss_blocks_keep_30_khz():
    cell = nr.NrCarrier(24, 60e3, None, 1, 20, 3, 0.0, 0.0, 0, 0.0, ssb_shift=5)
    main, block = nr.build_grids(cell, 10, 7, 0.0, Rng(0))
    assert not main.truth.any()
    assert block.subcarrier_hz == 30e3 and block.offset == 14
    band = (block.values.abs().amax(0) > 0).nonzero().ravel()
    assert (band[0].item(), band[-1].item()) == (3 * 12 + 5, 3 * 12 + 5 + 239)


def test_at_60_khz_data_keep_clear_of_ss_blocks():
    cell = nr.NrCarrier(24, 60e3, None, 1, 20, 4, 1.0, 0.0, 0, 0.0)
    main, block = nr.build_grids(cell, 10, 0, 0.0, Rng(0))
    # A symbol of 30 kHz lasts as long as two, a block is half as wide.
    taken = (block.values.abs() > 0).view(-1, 24, 24).any(2).repeat_interleave(2, 0)
    sent = (main.values.abs() > 0).view(-1, 24, 12).any(2)
    symbols = taken.any(1)
    assert symbols.sum() == 8 and taken.any(0).nonzero().ravel().tolist() == list(range(2, 12))
    assert not sent[symbols, 2:12].any() and sent[symbols].any(0)[12:].all()


def test_uplinks_use_their_slots_alone_and_their_peaks_are_low():
    up = uplink.Uplink(False, 51, 30e3, "DDDSU", 5, 1.0, True, 5, False)
    (grid,) = uplink.build_uplink(up, 20, 0, 0.0, Rng(2))
    slots = (grid.values.abs().amax(1) > 0).view(-1, 14).any(1)
    assert slots.nonzero().ravel().remainder(5).unique().tolist() == [4]

    def peak_over_mean(spread: bool) -> float:
        one = replace(up, spread=spread, slots=None, resource_blocks=12, period_slots=1000)
        (g,) = uplink.build_uplink(one, 40, 0, 0.0, Rng(3))
        x = torch.fft.ifft(g.values, n=1024).abs().square()
        x = x[x.mean(1) > 0]
        return float((x.amax(1) / x.mean(1)).median().log10() * 10)

    assert peak_over_mean(True) < peak_over_mean(False) - 0.7


def test_random_access_preambles_have_a_steady_envelope():
    up = uplink.Uplink(True, 50, 15e3, None, 5, 0.0, True, 1000, True)
    _, access = uplink.build_uplink(up, 40, 0, 0.0, Rng(1))
    rows = access.values[access.values.abs().amax(1) > 0]
    x = torch.fft.ifft(rows[:, 13 : 13 + 839]).abs()
    assert (x.std(1) / x.mean(1)).max() < 1e-3
    lengths = access.starts.diff()[1::2]
    assert lengths.numpy() == pytest.approx((3168 + 24576) / 30.72e6)


def test_in_a_shared_carrier_nr_leaves_lte_its_reference_signals():
    place = carriers.Place(10e6, 0.0, 0.0, 20)
    cell = replace(CELL, mbsfn=(2,), control_symbols=2)
    host = nr.NrCarrier(50, 15e3, None, 0, 20, 0, 1.0, 0.0, 0, 0.0)
    base, guest = carriers.shared_grids(cell, host, place, Rng(4))
    both = (base.values.abs() > 0) & (base.positions != 0)
    k = {int(p): i for i, p in enumerate(guest.positions)}
    assert (guest.values.abs() > 0).any()
    plain = torch.arange(20) % 10 != 2
    for _, symbol, first in reference_places(cell):
        columns = [k[int(p)] for p in base.positions[first::6] if int(p) in k]
        assert both.view(20, 14, -1)[plain, symbol, first::6].all()
        assert not (guest.values.view(20, 14, -1)[plain, symbol][:, columns].abs() > 0).any()


def delay_spread(delays, powers) -> float:
    """RMS."""
    d, p = np.array(delays, float), 10 ** (np.array(powers) / 10)
    mean = (d * p).sum() / p.sum()
    return float(np.sqrt(((d - mean) ** 2 * p).sum() / p.sum()))


@pytest.mark.parametrize(("name", "ns"), [("EPA", 43), ("EVA", 357), ("ETU", 991)])
def test_lte_profiles_have_the_delay_spreads_of_36_101(name, ns):
    assert delay_spread(*LTE_PROFILES[name]) == pytest.approx(ns, abs=2)


@pytest.mark.parametrize("name", TDL_PROFILES)
def test_tdl_profiles_are_normalised_to_a_delay_spread_of_one(name):
    assert delay_spread(*TDL_PROFILES[name]) == pytest.approx(1.0, abs=0.02)


def test_channels_keep_the_mean_power_and_turn_at_their_doppler():
    rng = Rng(0)
    times, frequencies = torch.arange(280) / 14e3, torch.arange(0, 18e6, 180e3)
    power = [
        float(channel.response(times, frequencies).abs().square().mean())
        for channel in (draw_channel(rng) for _ in range(400))
        if channel is not None
    ]
    assert np.mean(power) == pytest.approx(1.0, abs=0.1)
    still = make_channel(*LTE_PROFILES["EVA"], 1e-9, 0.0, 0.0, rng)
    assert still.response(times, frequencies).shape[0] == 1
    moving = make_channel(*LTE_PROFILES["EVA"], 1e-9, 300.0, 0.0, rng)
    h = moving.response(times, frequencies)[:, 0]
    assert (h[140] - h[0]).abs() > 0.2 * h.abs().mean()


def test_a_senders_offset_moves_its_carrier():
    grid = lte.build_grid(replace(CELL, load=1.0), 23, 0, 0.3e-3, Rng(0))
    centres = []
    for cfo in (0.0, 300e3):
        emission = emit(grid, SPAN, LTE, 20.0, Rng(0), Sender(cfo))
        profile = mean_power(emission.iq, SPAN).mean(0)
        columns = torch.arange(256.0)
        centres.append(float((profile * columns).sum() / profile.sum()))
        cover = (emission.cover > 0.5).float().mean(0)
        assert float((cover * columns).sum() / cover.sum()) == pytest.approx(centres[-1], abs=0.5)
    assert centres[1] - centres[0] == pytest.approx(300e3 / 75e3, abs=0.05)


def test_a_shifted_tone_lands_on_its_frequency():
    tone = shifted(torch.ones(4096, dtype=torch.complex64), 1875.0, 7.68e6)
    assert int(torch.fft.fft(tone).abs().argmax()) == 1
    assert tone.abs().sub(1).abs().max() < 1e-5


def test_resampling_keeps_frequency_and_cuts_at_the_spans_edge():
    count, wide = resampling(SPAN.samples, SPAN.sample_rate, 20e6)
    assert wide >= SPAN.samples
    assert count / wide == pytest.approx(20e6 / SPAN.sample_rate, rel=2e-5)
    t = torch.arange(count) / 20e6
    native = torch.exp(2j * torch.pi * 1e6 * t.double()).to(torch.complex64)
    moved = resampled(native, wide, SPAN, -3e6)
    spectrum = torch.fft.fft(moved[: 1 << 18]).abs()
    found = torch.fft.fftfreq(1 << 18)[spectrum.argmax()].item() * SPAN.sample_rate
    assert found == pytest.approx(-2e6, abs=200)
    assert resampled(native, wide, SPAN, 9e6).abs().square().mean() < 1e-3


@pytest.mark.parametrize("form", ["a", "n", "ac", "ax"])
def test_wifi_packets_begin_with_the_legacy_training_fields(form):
    x = packet(40 * 400, 20, form, Rng(1))
    # At 40 MS/s: ten short symbols of 0.8 us, a guard of 1.6 us, two long symbols of 3.2 us
    assert torch.allclose(x[:288], x[32:320], atol=1e-4)
    assert torch.allclose(x[384:512], x[512:640], atol=1e-4)
    assert not torch.allclose(x[640:700], x[512:572], atol=1e-2)
    power = x.abs().square()
    assert power[:320].mean() == pytest.approx(power[640:].mean().item(), rel=0.2)


def test_the_long_training_field_is_what_is_on_the_air(shared_data):
    path = shared_data / "iq/wifi_usrp/wifi_dot11a_12mbps.sigmf-data"
    samples = np.fromfile(path, np.int16).astype(np.float32).view(np.complex64)
    symbol = packet(40 * 40, 20, "a", Rng(1))[384:512:2].numpy()
    symbol = symbol / np.linalg.norm(symbol)
    found = np.abs(np.correlate(samples, symbol)) ** 2
    energy = np.convolve(np.abs(samples) ** 2, np.ones(64), mode="valid")
    share = found / np.maximum(energy, 0.01 * energy.max())
    places = np.nonzero(share > 0.8)[0]
    # Two of them in a row, 64 samples apart, in each packet
    assert np.isin(places + 64, places).any()


def test_who_writes_to_drawn_symbols_does_not_change_later_ones():
    for order in (4, 16, 64, 256):
        first = Rng(3).data((20, 12), order)
        kept = first.clone()
        first.zero_()
        assert torch.equal(Rng(3).data((20, 12), order), kept)
