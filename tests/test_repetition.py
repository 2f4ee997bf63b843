# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated LTE, NR and Wi-Fi repeat as those on the air do, by load and signal-to-noise ratio."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from self_coherence import coherence, coherences

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.waveforms import lte, nr, sidelink, uplink
from training.waveforms.ofdm import Sender, emit
from training.waveforms.other.wifi import packet
from training.waveforms.rng import Rng
from training.waveforms.span import LTE, NR, Span

SPEC = SpectrogramSpec()
LOADS = (0.0, 0.3, 0.7, 1.0)
SNRS_DB = (30.0, 10.0, 0.0)
DURATION_S = 24e-3
# What chance alone reaches in blocks of 2 ms by half of 4.5 MHz, and twice of that
FLOOR = 0.03


def make_span(fft_15k: int) -> Span:
    rate = fft_15k * 15e3
    hops = SPEC.hops_per_row(rate)
    return Span(fft_15k, hops, int(DURATION_S * rate) // SPEC.row_samples(hops), SPEC)


def with_noise(iq: np.ndarray, snr_db: float) -> np.ndarray:
    """``snr_db`` of a resource element of amplitude 1, whose samples are those of unit noise."""
    noise = np.random.default_rng(1).standard_normal((len(iq), 2)) @ [1, 1j]
    return iq * 10 ** (snr_db / 20) + noise * 0.5**0.5


@lru_cache(maxsize=32)
def lte_samples(load: float, seed: int) -> tuple[np.ndarray, float]:
    rng = Rng(seed)
    cell = replace(
        lte.draw_carrier(rng, 5e6), load=load, tdd=None, mbsfn=(), nb_iot=None, extended=False
    )
    span = make_span(512)
    grid = lte.build_grid(cell, 26, 0, 0.3e-3, rng)
    return emit(grid, span, LTE, 0.0, rng, Sender()).iq.numpy(), span.sample_rate


@lru_cache(maxsize=32)
def nr_samples(spacing: float, load: float, seed: int) -> tuple[np.ndarray, float]:
    rng = Rng(seed)
    cell = nr.draw_carrier(rng, 5e6)
    while cell.subcarrier_hz != spacing or (cell.ssb_beams > 0 and cell.ssb_period_ms < 20):
        cell = nr.draw_carrier(rng, 5e6)
    span = make_span(512)
    grids = nr.build_grids(replace(cell, load=load, tdd=None), 26, 0, 0.3e-3, rng)
    return emit(grids, span, NR, 0.0, rng, Sender()).iq.numpy(), span.sample_rate


def share_of(iq: np.ndarray, snr_db: float, rate: float, width: float) -> float:
    """Of the power in the band, how much is the signal's: noise hides so much of a repetition."""
    signal = (np.abs(iq) ** 2).mean() * rate / width * 10 ** (snr_db / 10)
    return signal / (signal + 1)


def by_load_and_snr(test):
    for name, values in (("seed", range(2)), ("load", LOADS), ("snr_db", SNRS_DB)):
        test = pytest.mark.parametrize(name, values)(test)
    return test


@by_load_and_snr
def test_lte_repeats_within_its_symbol_and_with_its_frame(load, snr_db, seed):
    iq, rate = lte_samples(load, seed)
    found = coherences(with_noise(iq, snr_db), rate, 4.5e6)
    share = share_of(iq, snr_db, rate, 4.5e6)
    assert 0.03 * share < found["15 kHz"] < 0.12
    # Reference signals on every third or sixth subcarrier: what data bury, and only they
    least, most = {0.0: (0.35, 0.75), 0.3: (0.03, 0.6), 0.7: (0.01, 0.45), 1.0: (0.0, 0.25)}[load]
    assert least * share < found["a third"] < most * share + FLOOR
    # Reference and synchronisation signals come again with the radio frame, under any load.
    assert found["frame"] > {0.0: 0.7, 0.3: 0.15, 0.7: 0.1, 1.0: 0.07}[load] * share
    assert found["nothing"] < FLOOR


@by_load_and_snr
@pytest.mark.parametrize("spacing", (15e3, 30e3))
def test_nr_repeats_within_its_symbol_and_not_with_the_frame(load, snr_db, seed, spacing):
    iq, rate = nr_samples(spacing, load, seed)
    width = 25 * 180e3 if spacing == 15e3 else 11 * 360e3
    found = coherences(with_noise(iq, snr_db), rate, width)
    share = share_of(iq, snr_db, rate, width)
    own = "15 kHz" if spacing == 15e3 else "30 kHz"
    if load > 0.5:
        assert found[own] > 0.05 * share - 0.015
    # The comb of DMRS of type 1 repeats within half of a symbol of 15 kHz.
    assert found["30 kHz"] < 0.17
    assert found["frame"] < 1.5 * FLOOR
    assert found["a third"] < 0.06


def test_an_idle_lte_cells_ports_are_not_in_phase():
    """They send one sequence on two combs: in phase, its sum would peak in the cyclic prefix and
    repeat after 66.7 us twice as much as the prefix's share of the symbol."""
    span, found = make_span(256), []
    for seed in range(12):
        rng = Rng(seed)
        cell = lte.LteCarrier(15, None, 7, 2, 17 * seed, 0.0, 0.0, 0.0)
        grid = lte.build_grid(cell, 26, 0, 0.3e-3, rng)
        iq = emit(grid, span, LTE, 0.0, rng, Sender()).iq.numpy()
        found.append(coherences(iq, span.sample_rate, 2.7e6)["15 kHz"])
    assert np.mean(found) == pytest.approx(144 / 2192, abs=0.02)
    assert np.std(found) > 0.005


def test_references_on_every_second_subcarrier_repeat_within_half_a_symbol():
    """NR of 15 kHz with DMRS of type 1 shows at 33.3 us, where 30 kHz does; with type 2 not."""
    found = {}
    for dmrs_type in (1, 2):
        rng, span = Rng(8), make_span(512)
        cell = nr.NrCarrier(25, 15e3, None, 0, 20, 0, 1.0, 0.0, 0, 0.0, dmrs_type=dmrs_type)
        grids = nr.build_grids(replace(cell, dmrs_added=3), 26, 0, 0.3e-3, rng)
        iq = with_noise(emit(grids, span, NR, 0.0, rng, Sender()).iq.numpy(), 30.0)
        found[dmrs_type] = coherences(iq, span.sample_rate, 25 * 180e3)
    assert found[1]["30 kHz"] > 0.04 and found[2]["30 kHz"] < 0.02
    assert all(0.05 < own["15 kHz"] < 0.09 for own in found.values())


def phone_grids(kind: str, rng: Rng):
    if kind == "sidelink":
        link = sidelink.Sidelink(50, 10, 0.7, None, 0)
        return sidelink.build_sidelink(link, 26, 0, 0.3e-3, rng)
    is_lte, spread = kind == "lte uplink", kind != "nr cp-ofdm"
    up = uplink.Uplink(is_lte, 50, 15e3, None, 5, 0.9, spread, 10, False)
    return uplink.build_uplink(up, 26, 0, 0.3e-3, rng)


@pytest.mark.parametrize("kind", ("lte uplink", "nr cp-ofdm", "nr dft-s-ofdm", "sidelink"))
def test_phones_and_vehicles_repeat_within_their_symbol_and_not_with_the_frame(kind):
    """Also LTE's: no cell's reference signals are there."""
    span, rng = make_span(1024), Rng(6)
    iq = emit(phone_grids(kind, rng), span, LTE, 0.0, rng, Sender()).iq.numpy()
    found = coherences(with_noise(iq, 25.0), span.sample_rate, 9e6)
    assert 0.045 < found["15 kHz"] < 0.1
    # Combs of two in NR's references
    assert found["30 kHz"] > 0.04 if kind.startswith("nr") else found["30 kHz"] < 0.04
    assert found["frame"] < FLOOR and found["a third"] < 0.04


@pytest.mark.parametrize("seed", range(3))
def test_an_idle_nr_cell_repeats_with_the_period_of_its_ss_blocks(seed):
    """Twice the radio frame, where nothing else was to be told from chance."""
    rng = Rng(seed)
    cell = nr.idle(nr.NrCarrier(24, 15e3, None, 4, 20, 2, 0.0, 0.0, 40, 0.0, cell_id=7 + seed))
    span = make_span(512)
    grids = nr.build_grids(cell, 26, 0, 0.3e-3, rng)
    iq = with_noise(emit(grids, span, NR, 0.0, rng, Sender()).iq.numpy(), 20.0)
    found = coherences(iq, span.sample_rate, 20 * 180e3)
    assert found["ssb"] > 5 * found["frame"]


@pytest.mark.parametrize("snr_db", SNRS_DB)
@pytest.mark.parametrize("form", ("a", "n", "ac"))
def test_wifi_repeats_within_its_symbol_of_3_2_us(form, snr_db):
    rate, width = 40e6, 16e6
    iq = packet(int(6e-3 * rate), 20, form, Rng(2)).numpy()
    # As if it were a carrier: power 1 where it is
    found = coherences(with_noise(iq * (width / rate) ** 0.5, snr_db), rate, width)
    share = share_of(iq * (width / rate) ** 0.5, snr_db, rate, width)
    # A guard of 0.8 us to 3.2 us; of 0.4 us, which later forms may choose, half as much
    least = 0.17 if form == "a" else 0.09
    assert least * share < found["wifi"] < 0.45
    assert found["15 kHz"] < FLOOR and found["a third"] < FLOOR


@pytest.mark.parametrize("ppm", (-20.0, 7.0))
def test_lte_repeats_after_as_long_as_its_clock_says(ppm):
    """Frames of a clock that is off are a part of a sample longer or shorter, all of them alike."""
    span = make_span(128)
    cell = lte.LteCarrier(6, None, 7, 2, 11, 1.0, 1.0, 3.0)
    found = {}
    for own in (0.0, ppm):
        rng = Rng(4)
        grid = lte.build_grid(cell, 26, 0, 0.3e-3, rng)
        iq = emit(grid, span, LTE, 0.0, rng, Sender(clock_ppm=own)).iq.numpy()
        spectrum = np.fft.fft(iq)
        lag = 10e-3 * (1 + own * 1e-6)
        found[own] = coherence(spectrum, span.sample_rate, lag, (-0.5e6, 0.5e6), 4e-3)
    assert found[ppm] == pytest.approx(found[0.0], rel=0.03)


def off_the_air(folder, name: str, kind, count: int) -> np.ndarray:
    """The first samples of a recording, without their mean."""
    path = folder / "iq" / f"{name}.sigmf-data"
    x = np.fromfile(path, kind, count=2 * count).astype(np.float32).view(np.complex64)
    return x - x.mean()


@pytest.mark.parametrize(
    "name", ("lte_fdd20_1815M_b", "lte_tdd20_2360M", "lte_fdd10_796M_clipped4pc")
)
def test_the_measurement_sees_lte_off_the_air_repeat(shared_data, name):
    rate = 19.2e6
    spectrum = np.fft.fft(
        off_the_air(shared_data, f"lte_hackrf/{name}", np.int8, round(30e-3 * rate))
    )
    band = 0.5e6, 3.5e6
    # A receiver's clock is off by up to 30 ppm.
    clocks = 1 + 1e-6 * np.arange(-30, 31, 3)
    assert max(coherence(spectrum, rate, 10e-3 * c, band, 2e-3) for c in clocks) > 0.1
    assert max(coherence(spectrum, rate, 9.7e-3 * c, band, 2e-3) for c in clocks) < FLOOR
    assert coherence(spectrum, rate, 1 / 45e3, band, 5e-3) > 0.1
