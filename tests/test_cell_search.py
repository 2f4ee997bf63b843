# SPDX-License-Identifier: GPL-3.0-or-later
"""A receiver that shares no code with the generator finds the cells it makes, and real ones."""

import numpy as np
import pytest
from cell_search import find_lte, find_nr, lte_pss, lte_sss_all, nr_pss, nr_sss_all

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.waveforms import lte, nr
from training.waveforms.channel import LTE_PROFILES, make_channel
from training.waveforms.lte import sequences as lte_sequences
from training.waveforms.nr import sequences as nr_sequences
from training.waveforms.ofdm import Sender, emit
from training.waveforms.rng import Rng
from training.waveforms.span import LTE, NR, Span

SPEC = SpectrogramSpec()
SNR_DB = 10.0
DURATION_S = 25e-3
# Sample rate over 15 kHz by LTE bandwidth
LTE_FFT = {1.4e6: 128, 3e6: 256, 5e6: 512, 10e6: 1024, 15e6: 1536, 20e6: 2048}


def make_span(fft_15k: int) -> Span:
    rate = fft_15k * 15e3
    hops = SPEC.hops_per_row(rate)
    return Span(fft_15k, hops, int(DURATION_S * rate) // SPEC.row_samples(hops), SPEC)


def with_noise(iq, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((len(iq), 2)) @ [1, 1j]
    return iq.numpy() + noise * 0.5**0.5


def draw_sender(seed: int, rng: Rng) -> Sender:
    """A few hundred hertz off; every second one over a pedestrian's channel."""
    channel = None
    if seed % 2:
        channel = make_channel(*LTE_PROFILES["EPA"], 1e-9, 5.0, 4.0, rng)
    return Sender(rng.uniform(-400, 400), rng.uniform(-2, 2), channel)


@pytest.mark.parametrize("seed", range(20))
def test_an_lte_cell_search_finds_each_generated_cell(seed):
    rng = Rng(seed)
    bandwidth = list(LTE_FFT)[seed % 6]
    span = make_span(LTE_FFT[bandwidth])
    cell = lte.draw_carrier(rng, bandwidth)
    grid = lte.build_grid(cell, 28, 0, rng.uniform(0, 2e-3), rng)
    iq = emit(grid, span, LTE, SNR_DB, rng, draw_sender(seed, rng)).iq
    found = find_lte(with_noise(iq, seed), span.sample_rate)
    assert found is not None
    wanted = cell.cell_id, cell.tdd is not None, cell.extended
    assert (found.cell_id, found.tdd, found.extended) == wanted


def test_those_cells_are_of_all_kinds():
    cells = [lte.draw_carrier(Rng(seed), list(LTE_FFT)[seed % 6]) for seed in range(20)]
    assert {cell.ports for cell in cells} == {1, 2, 4}
    assert {cell.tdd is None for cell in cells} == {False, True}
    assert len({cell.cell_id for cell in cells}) > 15


@pytest.mark.parametrize("seed", range(20))
def test_an_nr_cell_search_finds_each_generated_cell(seed):
    rng = Rng(100 + seed)
    bandwidth = (5e6, 10e6, 15e6, 20e6, 40e6)[seed % 5]
    span = make_span(max(512, int(bandwidth / 15e3 * 1.54) // 64 * 64))
    cell = nr.draw_carrier(rng, bandwidth)
    while not cell.ssb_beams or cell.ssb_period_ms > 20:
        cell = nr.draw_carrier(rng, bandwidth)
    grids = nr.build_grids(cell, 28, 0, rng.uniform(0, 2e-3), rng)
    iq = emit(grids, span, NR, SNR_DB, rng, draw_sender(seed, rng)).iq
    first = (cell.ssb_block * 12 + cell.ssb_shift) * cell.ssb_hz
    centre = first + 120 * cell.ssb_hz - cell.resource_blocks * 6 * cell.subcarrier_hz
    # The right place on the raster and four wrong ones
    centres = centre + np.arange(-2, 3) * 24 * cell.ssb_hz
    found = find_nr(with_noise(iq, seed), span.sample_rate, cell.ssb_hz, centres)
    assert found is not None
    assert (found.cell_id, found.centre_hz) == (cell.cell_id, centre)


def lte_cell(**fields) -> lte.LteCarrier:
    usual = {"resource_blocks": 25, "tdd": None, "special": 7, "ports": 2, "cell_id": 333}
    usual |= {"load": 0.0, "control_load": 0.0, "crs_boost_db": 0.0}
    return lte.LteCarrier(**{**usual, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        *({"tdd": config, "load": 0.5, "special": config} for config in range(7)),
        *({"ports": ports} for ports in (1, 2, 4)),
        {"load": 1.0, "control_load": 1.0},
        {"load": 0.3, "mbsfn": (1, 2, 3, 6, 7, 8)},
    ],
    ids=str,
)
def test_a_cell_is_found_in_each_frame_structure_and_under_each_load(fields):
    span, rng, cell = make_span(512), Rng(7), lte_cell(**fields)
    grid = lte.build_grid(cell, 28, 0, 0.7e-3, rng)
    iq = with_noise(emit(grid, span, LTE, 15.0, rng, Sender(120.0)).iq, 7)
    found = find_lte(iq, span.sample_rate)
    assert found is not None and (found.cell_id, found.tdd) == (333, cell.tdd is not None)
    # A share of the correlation is lost to noise and, with TDD, to the other link's time.
    assert 0.7 < found.crs <= 1.0


@pytest.mark.parametrize("period_ms", (5, 10, 20, 40))
@pytest.mark.parametrize("spacing", (15e3, 30e3))
def test_an_idle_nr_cell_is_found_by_its_blocks_alone(period_ms, spacing):
    span, rng = make_span(1024), Rng(period_ms)
    cell = nr.NrCarrier(24, spacing, None, 4, period_ms, 2, 0.9, 0.9, 40, 0.0, cell_id=808)
    grids = nr.build_grids(nr.idle(cell), 28, 0, 0.7e-3, rng)
    iq = with_noise(emit(grids, span, NR, SNR_DB, rng, Sender(-90.0)).iq, 3)
    centre = (2 * 12 + 120 - 24 * 6) * spacing
    found = find_nr(iq, span.sample_rate, spacing, [centre])
    assert found is not None and found.cell_id == 808
    assert found.dmrs > 0.7
    silence = grids[0].values.abs().amax(1) == 0
    # Four blocks of four symbols in each half frame that has any
    assert (~silence).sum() == 16 * -(-28 // period_ms)


def test_noise_and_other_technologies_are_no_cell():
    iq = with_noise(emit_lte_free(), 1)
    assert find_lte(iq, 7.68e6) is None
    assert find_nr(iq, 7.68e6, 15e3, [0.0]) is None


def emit_lte_free():
    """Silence, to which noise is added."""
    return lte_sequences.pss(0).new_zeros(int(DURATION_S * 7.68e6))


def test_both_sets_of_sequences_agree():
    for cell in (0, 29, 30, 57, 167 * 3 + 2, 301):
        assert np.allclose(lte_sequences.pss(cell % 3).numpy(), lte_pss(cell % 3), atol=1e-5)
        assert np.array_equal(lte_sequences.sss(cell).numpy(), lte_sss_all(cell % 3)[cell // 3])
    for cell in (0, 500, 1007):
        assert np.array_equal(nr_sequences.pss(cell % 3).numpy(), nr_pss(cell % 3))
        assert np.array_equal(nr_sequences.sss(cell).numpy(), nr_sss_all(cell % 3)[cell // 3])


@pytest.mark.parametrize(
    ("name", "cell_id", "tdd"),
    [
        ("lte_fdd10_796M_clipped4pc", 360, False),
        ("lte_fdd20_1815M_b", 301, False),
        ("lte_fdd20_1815M_c", 301, False),
        ("lte_fdd20_1815M_d", 301, False),
        ("lte_fdd20_1815M_e", 301, False),
        ("lte_tdd20_2360M", 30, True),
    ],
)
def test_the_search_finds_cells_off_the_air(shared_data, name, cell_id, tdd):
    # Recorded at one place: four recordings of one carrier hold the same cell.
    path = shared_data / "iq/lte_hackrf" / f"{name}.sigmf-data"
    samples = np.fromfile(path, np.int8, count=2 * int(30e-3 * 19.2e6)).astype(np.float32)
    found = find_lte(samples.view(np.complex64), 19.2e6, reach_hz=40e3)
    assert found is not None
    assert (found.cell_id, found.tdd) == (cell_id, tdd)


@pytest.mark.parametrize(("index", "centre_hz"), [(6, -450e3), (7, 450e3)])
def test_the_search_finds_the_cell_that_an_nr_recording_names(shared_data, index, centre_hz):
    name = f"ue_dl_nr_pci500_rb52_si_coreset0_idx{index}_s15p36e6.sigmf-data"
    samples = np.fromfile(shared_data / "iq/nr_vectors" / name, np.complex64)
    found = find_nr(samples, 15.36e6, 15e3, np.arange(-33, 34, 3) * 15e3)
    assert found is not None
    assert (found.cell_id, found.centre_hz) == (500, centre_hz)
