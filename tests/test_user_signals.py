# SPDX-License-Identifier: GPL-3.0-or-later
"""What users send and are sent: precoders, hopping reference signals, bursts between vehicles."""

import math

import numpy as np
import pytest
import torch
from cell_search import gold_bits, gold_symbols

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.waveforms import carriers, nr, sidelink, uplink
from training.waveforms.nr.allocation import Allocation, User, fill
from training.waveforms.nr.sequences import slot_reference
from training.waveforms.nr.shared import put_data
from training.waveforms.rng import Rng
from training.waveforms.span import LTE, Span
from training.waveforms.uplink_references import lte_dmrs, pattern

SPEC = SpectrogramSpec()
CELL = nr.NrCarrier(24, 30e3, None, 0, 20, 0, 1.0, 0.0, 0, 0.0, cell_id=77)
COMB = (0, 2, 4, 6, 8, 10)


def allocation(slot: int, group: int, user: User) -> Allocation:
    return Allocation(slot, 1, 14, 4, 20, user, (2, 11), COMB, 1.0, math.sqrt(2), group)


def filled(group: int, user: User) -> torch.Tensor:
    """Forty slots of data that are 1, as they are sent: (slots, 14, blocks, 12)."""
    grid = torch.zeros(40, 14, 24 * 12, dtype=torch.complex64)
    grid[:, 1:, 4 * 12 : 20 * 12] = 1.0
    fill(grid, CELL, [allocation(slot, group, user) for slot in range(40)], Rng(1))
    return grid.unflatten(2, (-1, 12))


@pytest.mark.parametrize(("symbol", "n_scid"), [(2, 0), (11, 1)])
def test_nr_data_and_their_references_pass_the_same_precoder(symbol, n_scid):
    sent = filled(4, User(1234, n_scid))
    for slot in (0, 7, 33):
        # Clause 7.4.1.1.1, counted from the carrier's first block, in slot `slot % 20`
        seed = 2**17 * (14 * (slot % 20) + symbol + 1) * (2 * 1234 + 1) + 2 * 1234 + n_scid
        wanted = gold_symbols(seed % 2**31, 24 * 6).reshape(24, 6)[4:20]
        heard = sent[slot, symbol, 4:20, ::2].numpy() / (wanted * math.sqrt(2))
        # A receiver that divides by the references gets the data.
        assert np.allclose(heard, sent[slot, 5, 4:20, :6].numpy(), atol=1e-4)


def test_precoders_change_by_group_of_blocks_and_by_slot():
    gains = filled(4, User(1234))[:, 5, 4:20, 0]
    groups = gains.view(40, 4, 4)
    assert torch.allclose(groups, groups[..., :1].expand_as(groups))
    first = groups[..., 0]
    # Nobody knows the next one's phase from the last one's.
    assert (first[:, 1:] * first[:, :-1].conj()).mean().abs() < 0.25
    assert (first[20:] * first[:-20].conj()).mean().abs() < 0.25
    assert (first.abs().square().mean() - 1).abs() < 0.15


def test_users_of_a_slot_lie_side_by_side():
    amplitude = torch.zeros(40, 14, 24 * 12)
    sent = put_data(amplitude, CELL, torch.ones(40, 14, dtype=torch.bool), 1, Rng(3))
    users = torch.zeros(40, 24)
    for a in sent:
        users[a.slot, a.low : a.high] += 1
    # Under full load every block of every slot is somebody's, and nobody else's.
    assert len(sent) > 50 and (users == 1).all()
    assert (amplitude[:, 3:11:4] > 0).all()


def test_nr_phones_references_are_those_of_the_standard():
    r = slot_reference(
        torch.tensor([9, 60000]), torch.tensor([3, 19]), 11, 30, torch.tensor([1, 0])
    )
    for row, (identity, slot, n_scid) in zip(r, ((9, 3, 1), (60000, 19, 0)), strict=True):
        seed = 2**17 * (14 * slot + 12) * (2 * identity + 1) + 2 * identity + n_scid
        assert np.allclose(row.numpy(), gold_symbols(seed % 2**31, 30), atol=1e-6)


def test_cyclic_shifts_hop_as_the_bytes_of_a_gold_sequence():
    bits = gold_bits(301, 1120).reshape(140, 8)
    assert pattern(301, 140) == tuple((bits @ 2 ** np.arange(8)).tolist())


def test_an_lte_phones_references_turn_from_slot_to_slot_and_keep_their_envelope():
    rows = torch.stack([lte_dmrs(33, slot, 72, 3, False) for slot in range(20)])
    assert torch.allclose(rows.abs(), torch.ones(20, 72), atol=1e-4)
    match = (rows @ rows.conj().T).abs() / 72
    # One base sequence: shifts are equal (1) or orthogonal but for the cyclic extension.
    others = match[~torch.eye(20, dtype=torch.bool)]
    assert ((others > 0.99) | (others < 0.1)).all()
    assert (others < 0.1).float().mean() > 0.7
    hopping = torch.stack([lte_dmrs(33, slot, 72, 3, True) for slot in range(20)])
    assert ((hopping @ hopping.conj().T).abs() / 72 > 0.99).sum() < 40


@pytest.mark.parametrize("spread", (True, False))
def test_nr_phones_send_nothing_between_their_references(spread):
    up = uplink.Uplink(False, 24, 15e3, None, 1, 1.0, spread, 1000, False)
    (grid,) = uplink.build_uplink(up, 10, 0, 0.0, Rng(5))
    symbols = grid.values.view(10, 14, -1)[2:9]
    assert (symbols[:, 3].abs() > 0).any() and (symbols[:, 2, ::2].abs() > 0).any()
    assert not (symbols[:, 2, 1::2].abs() > 0).any()


def test_vehicles_send_bursts_of_thirteen_symbols_on_half_a_subcarrier():
    link = sidelink.Sidelink(50, 10, 1.0, None, 0)
    grid = sidelink.build_sidelink(link, 10, 0, 0.0, Rng(2))
    assert grid.shift_hz == 7.5e3
    sent = (grid.values.abs().amax(1) > 0).view(10, 14)
    assert sent[:, :13].all() and not sent[:, 13].any()
    assert torch.equal(grid.truth.any(1).view(10, 14), sent)
    power = grid.values.abs().view(10, 14, 50, 12)
    # The references' envelope is steady in each block of the control channel; data's is not.
    for symbol in (2, 5, 8, 11):
        assert (power[:, symbol, :2].std(-1) / power[:, symbol, :2].mean(-1)).max() < 0.01
    assert (power[:, 6, :2].std(-1) / power[:, 6, :2].mean(-1)).min() > 0.05


def test_a_sidelinks_load_is_the_share_of_its_subchannels_in_use():
    link = sidelink.Sidelink(100, 20, 0.4, None, 0)
    used = sidelink.build_sidelink(link, 400, 0, 0.0, Rng(4)).truth.view(400, 14, -1)[:, 4, ::20]
    assert used.float().mean().item() == pytest.approx(0.4, abs=0.06)


def test_vehicles_find_time_in_six_blocks():
    link = sidelink.Sidelink(50, 10, 0.0, 7, 200)
    grid = sidelink.build_sidelink(link, 20, 0, 0.0, Rng(0))
    sent = grid.values.abs().view(20, 14, -1) > 0
    assert sent.any(2).any(1).nonzero().ravel().tolist() == [7]
    columns = sent[7].any(0).nonzero().ravel()
    assert (columns[0].item(), columns[-1].item()) == (300 - 36, 300 + 35)
    primary = grid.values.view(20, 14, -1)[7, 1, 300 - 31 : 300 + 31]
    n = np.r_[0:31, 32:63]
    wanted = np.exp(-1j * np.pi * 37 * n * (n + 1) / 63)
    match = np.abs(np.vdot(wanted, primary.numpy())) / np.linalg.norm(primary.numpy())
    assert match == pytest.approx(math.sqrt(62), rel=1e-3)


def test_some_lte_carriers_without_a_cell_hold_vehicles():
    span = Span(1024, SPEC.hops_per_row(15.36e6), 64, SPEC)
    bursts = 0
    for seed in range(12):
        rng = Rng(seed)
        place = carriers.Place.drawn(10e6, 0.0, span, rng)
        (emission,) = carriers.uplink("lte", place, span, 20.0, rng)
        assert emission.kind == LTE and torch.isfinite(emission.power).all()
        bursts += bool(emission.power.max() > 0)
    assert bursts > 4
