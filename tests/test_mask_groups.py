# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs together in a mask: an emission is one group, whatever its pixels are called."""

from itertools import pairwise

import numpy as np
import pytest
from gnuradio.radiofm.radiofm_python import find_groups
from scipy import ndimage

LTE, NR, WIFI, OTHER = 1, 2, 3, 4
CLASSES = 5
MIN_PIXELS = 16


def empty(rows=256):
    return np.zeros((rows, 256), np.uint8)


def speckled(mask, share, seed=0):
    """The same with some of its pixels of other labels."""
    rng = np.random.default_rng(seed)
    wrong = (mask > 0) & (rng.random(mask.shape) < share)
    return np.where(wrong, rng.integers(1, CLASSES, mask.shape), mask).astype(np.uint8)


def groups_of(mask, level_db=-30.0, confidence=0.9, scheduled=()):
    """(bursts by group, group of each pixel) of a mask over noise of -70 dB; ``level_db`` of its
    pixels may be an array. ``scheduled``: the classes of such carriers."""
    power = np.where(mask > 0, level_db, -70.0).astype(np.float32)
    sure = np.full(mask.shape, confidence, np.float32)
    bursts, group_of = find_groups(mask, sure, power, CLASSES, 8.0, MIN_PIXELS, 0, scheduled)
    by_group = [[] for _ in range(group_of.max() + 1)]
    for group, *burst in bursts:
        by_group[group].append(tuple(burst))
    return [sorted(own, key=lambda burst: burst[1]) for own in by_group], group_of


def rows_and_columns(burst):
    _, first_row, end_row, low, high, *_ = burst
    return first_row, end_row, round(low), round(high)


def test_fragments_of_other_labels_belong_to_the_carrier():
    mask = empty()
    mask[:, 40:120] = LTE
    mask[30:60, 50:90] = NR
    mask[100:110, 40:120] = OTHER
    mask = speckled(mask, 0.3)
    ((burst,),), group_of = groups_of(mask)
    assert rows_and_columns(burst) == (0, 256, 40, 120)
    assert np.array_equal(group_of == 0, mask > 0)


def noisy(mask_on, rise_db, looks, seed=0):
    """dB (rows, cols) of noise, averaged over ``looks``, and what stands ``rise_db`` above it where
    ``mask_on``."""
    rng = np.random.default_rng(seed)
    power = rng.gamma(looks, 1 / looks, mask_on.shape) * (1 + mask_on * 10 ** (rise_db / 10))
    return (10 * np.log10(power) - 70).astype(np.float32)


@pytest.mark.parametrize(("looks", "rise_db"), [(12, 3.0), (1, 6.0)])
def test_a_carriers_pauses_are_found_by_power_whatever_the_mask_says(looks, rise_db):
    """A TDD carrier that fills the span with a spur in it, all of it called LTE."""
    on = np.ones((256, 256))
    for first in (30, 93, 156, 219):
        on[first : first + 15] = 0
    power = noisy(on, rise_db, looks)
    power[:, 100] = -40
    mask = np.full((256, 256), LTE, np.uint8)
    sure = np.full(mask.shape, 0.9, np.float32)
    bursts, group_of = find_groups(mask, sure, power, CLASSES, looks, MIN_PIXELS, 5)
    found, true = (group_of == 0).mean(1) > 0.5, on[:, 0] > 0
    assert (found == true).mean() > 0.97
    assert len(bursts) == 5 and {burst[0] for burst in bursts} == {0}
    # it is not looked for unless it is asked for
    assert (find_groups(mask, sure, power, CLASSES, looks, MIN_PIXELS)[1] == 0).all()


@pytest.mark.parametrize("rise_db", [0.0, 10.0])
def test_what_does_not_pause_keeps_all_of_its_rows(rise_db):
    """A level all the time; with a fade, which is no floor; with gaps that are short."""
    mask = np.full((256, 256), LTE, np.uint8)
    sure = np.full(mask.shape, 0.9, np.float32)
    steady = noisy(np.ones((256, 256)), rise_db, 8)
    fading = steady + (6 * np.cos(np.arange(256) / 40)[:, None]).astype(np.float32)
    gaps = np.ones((256, 256))
    gaps[::8] = gaps[1::8] = 0
    for power in (steady, fading, noisy(gaps, 10.0, 8)):
        _, group_of = find_groups(mask, sure, power, CLASSES, 8.0, MIN_PIXELS, 5)
        assert (group_of == 0).all()


def test_a_narrow_share_of_a_band_is_no_pause_of_it():
    """NR: a full slot, then a few resource blocks, then nothing."""
    on, mask = np.zeros((256, 256)), empty()
    on[20:60, 40:200] = on[60:120, 40:60] = 1
    mask[on > 0] = NR
    mask[130:150, 40:200] = NR
    power = noisy(on, 12.0, 8)
    _, group_of = find_groups(
        mask, np.full(mask.shape, 0.9, np.float32), power, CLASSES, 8.0, MIN_PIXELS, 5
    )
    assert (group_of[on > 0] == 0).all() and (group_of[on == 0] == -1).mean() > 0.99


def test_shares_of_a_carrier_that_come_and_go_together_are_one():
    mask = empty()
    mask[40:90, 60:80] = NR
    mask[66:90, 120:150] = NR
    mask[120:150, 60:80] = NR
    (bursts,), group_of = groups_of(mask, scheduled=[LTE, NR])
    assert [rows_and_columns(b)[:2] for b in bursts] == [(40, 90), (120, 150)]
    assert np.array_equal(group_of == 0, mask > 0)


def test_what_comes_and_goes_at_other_times_or_is_much_stronger_is_another():
    mask = empty()
    mask[40:90, 60:80] = NR
    mask[50:80, 88:118] = NR
    assert len(groups_of(mask)[0]) == 2
    mask[50:80, 88:118] = 0
    mask[40:90, 88:118] = NR
    assert len(groups_of(mask)[0]) == 1
    level = np.where(np.arange(256) < 85, -30.0, -40.0)
    assert len(groups_of(mask, level)[0]) == 2


def test_what_no_scheduler_sends_is_one_over_a_hole_in_its_band_and_not_over_the_span():
    """A receiver that starts makes everything begin at once."""
    mask = empty()
    mask[23:, 8:11] = mask[23:, 82:85] = mask[23:, 208:211] = OTHER
    assert len(groups_of(mask, scheduled=[LTE, NR])[0]) == 3
    notched = empty()
    notched[23:, 60:100] = notched[23:, 116:150] = OTHER
    assert len(groups_of(notched, scheduled=[LTE, NR])[0]) == 1


def test_a_few_resource_blocks_beside_the_others_are_of_their_carrier():
    mask = empty()
    mask[:, 40:120] = NR
    mask[50:56, 123:133] = NR
    assert len(groups_of(mask, scheduled=[LTE, NR])[0]) == 1
    assert len(groups_of(mask)[0]) == 2
    mask[50:250, 123:163] = NR
    assert len(groups_of(mask, scheduled=[LTE, NR])[0]) == 2


def test_pulses_in_the_band_of_their_own_kind_are_no_emission_of_their_own():
    mask = empty()
    mask[:60, 40:120] = OTHER
    mask[80:250:12, 90:93] = OTHER
    assert len(groups_of(mask)[0]) == 1
    mask[80:250:12, 90:93] = WIFI
    assert len(groups_of(mask)[0]) == 2


def test_pulses_that_are_too_short_to_be_judged_are_judged_as_a_train():
    mask = empty()
    mask[10:250:12, 90:93] = OTHER
    (bursts,), group_of = groups_of(mask)
    assert [rows_and_columns(b)[:2] for b in bursts] == [(10, 239)]
    assert np.array_equal(group_of == 0, mask > 0)
    # few specks here and there are none
    rng = np.random.default_rng(0)
    specks = empty()
    specks[rng.integers(0, 256, 40), rng.integers(0, 256, 40)] = OTHER
    assert groups_of(specks)[0] == []


def test_a_line_is_told_as_wide_as_it_is_seen():
    """A steady tone between bins, through a Hann window."""
    away = np.arange(256) - 100.3
    line = (np.sinc(away) + 0.5 * np.sinc(away - 1) + 0.5 * np.sinc(away + 1)) ** 2
    power = np.tile(10 * np.log10(1e-7 + 1e-5 * line), (256, 1)).astype(np.float32)
    mask = empty()
    mask[:, 98:103] = OTHER
    _, bands = found_in(mask, power)
    assert bands[0][1] - bands[0][0] >= 3.0


def found_in(mask, power):
    """The group of each pixel, and bands by group, in columns."""
    sure = np.full(mask.shape, 0.9, np.float32)
    bursts, group_of = find_groups(mask, sure, power, CLASSES, 8.0, MIN_PIXELS)
    return group_of, {group: (low, high) for group, _, _, _, low, high, *_ in bursts}


def test_a_mask_that_fills_the_guard_band_ends_with_its_signals():
    on, mask = np.zeros((256, 256)), empty()
    on[:, 20:92] = on[:, 108:180] = 1
    mask[:, 18:100], mask[:, 100:184] = LTE, NR
    group_of, bands = found_in(mask, noisy(on, 15.0, 8))
    assert (group_of[on == 0] == -1).mean() > 0.97
    assert (group_of[:, 22:90] == group_of[0, 50]).all()
    edges = [edge for group in sorted(bands, key=bands.get) for edge in bands[group]]
    assert edges == pytest.approx([20, 92, 108, 180], abs=1.0)


def test_a_faint_signals_mask_is_left_as_it_is():
    mask = empty()
    mask[:, 60:160] = LTE
    group_of, _ = found_in(mask, noisy(mask > 0, 0.0, 8))
    assert np.array_equal(group_of == 0, mask > 0)


def test_a_fade_within_a_carrier_stays_part_of_it():
    on, mask = np.zeros((256, 256)), empty()
    on[:, 60:160], mask[:, 60:160] = 1, LTE
    on[:, 100:106] = 0
    group_of, _ = found_in(mask, noisy(on, 15.0, 8))
    assert np.array_equal(group_of == 0, mask > 0)


def test_two_carriers_whose_labels_mix_at_their_boundary_are_two():
    mask = empty()
    for first in range(0, 256, 32):
        mask[first : first + 24, 20:100] = NR
        mask[first + 8 : first + 32, 100:180] = WIFI
        mask[first + 8 : first + 24, 100:110] = NR
        mask[first + 12 : first + 20, 90:100] = WIFI
    assert len(groups_of(mask)[0]) == 2


def scattered():
    """Three users' resource blocks, at times and in bands of their own."""
    mask = empty()
    mask[20:40, 60:80] = mask[90:130, 100:150] = mask[180:200, 30:50] = NR
    return mask


def test_what_a_scheduler_scatters_over_its_carrier_is_one():
    (bursts,), group_of = groups_of(scattered(), scheduled=[LTE, NR])
    assert [rows_and_columns(b)[:2] for b in bursts] == [(20, 40), (90, 130), (180, 200)]
    assert np.array_equal(group_of == 0, scattered() > 0)
    # hops and packets are not
    assert len(groups_of(scattered(), scheduled=[LTE])[0]) == 3


def test_what_is_on_all_the_time_or_beyond_another_carrier_is_not_scattered():
    steady = scattered()
    steady[:, 160:190] = NR
    assert len(groups_of(steady, scheduled=[NR])[0]) == 2
    apart = scattered()
    apart[:, 84:96] = LTE
    assert len(groups_of(apart, scheduled=[LTE, NR])[0]) == 3
    level = np.where(np.arange(256) < 90, -30.0, -40.0)
    assert len(groups_of(scattered(), level, scheduled=[NR])[0]) == 2
    # the downlinks of two TDD carriers
    tdd = empty()
    for first in range(0, 256, 64):
        tdd[first : first + 40, 20:80] = tdd[first + 10 : first + 50, 150:210] = NR
    assert len(groups_of(tdd, scheduled=[NR])[0]) == 2


def test_carriers_of_synchronous_cells_are_two():
    mask = empty()
    mask[40:90, 20:100] = LTE
    mask[40:90, 108:188] = LTE
    assert len(groups_of(mask)[0]) == 2


def test_two_carriers_side_by_side_are_two_and_their_specks_stay():
    mask = empty()
    mask[:, 20:100] = LTE
    mask[:, 100:160] = NR
    mask[10:40, 60:66] = NR
    groups, group_of = groups_of(speckled(mask, 0.15))
    assert [[rows_and_columns(b) for b in own] for own in groups] == [
        [(0, 256, 20, 100)],
        [(0, 256, 100, 160)],
    ]
    assert (group_of[:, 20:100] == 0).all() and (group_of[:, 100:160] == 1).all()


def test_a_carrier_beside_one_that_is_on_now_and_then_stays_apart():
    mask = empty()
    mask[:, 20:100] = LTE
    for row in range(0, 256, 64):
        mask[row : row + 12, 101:160] = NR
    groups, _ = groups_of(mask)
    assert [len(own) for own in groups] == [1, 4]
    assert rows_and_columns(groups[1][0]) == (0, 12, 101, 160)


@pytest.mark.parametrize("first", [20, 58, 96])
def test_a_stripe_of_another_label_is_no_carrier(first):
    mask = empty()
    mask[:, 20:100] = LTE
    mask[:, first : first + 3] = OTHER
    ((burst,),), _ = groups_of(mask)
    assert rows_and_columns(burst) == (0, 256, 20, 100)


def test_a_part_that_bursts_run_over_is_no_carrier():
    mask = empty()
    for row in range(0, 256, 32):
        mask[row : row + 6, 40:120] = NR
    mask[8:30, 40:56] = LTE
    groups, _ = groups_of(mask)
    assert len(groups) == 1


def test_carriers_with_a_bridge_of_specks_are_two():
    mask = empty()
    mask[:, 20:80] = LTE
    mask[:, 110:160] = LTE
    for col in range(80, 110, 2):
        mask[100, col] = OTHER
    groups, _ = groups_of(mask)
    assert [rows_and_columns(own[0]) for own in groups] == [
        (0, 256, 20, 80),
        (0, 256, 110, 160),
    ]


def test_bursts_of_a_band_are_one_group_over_gaps():
    mask = empty()
    for row, label in zip(range(0, 256, 64), (NR, LTE, NR, OTHER), strict=True):
        mask[row : row + 40, 10:240] = label
    ((*bursts,),), _ = groups_of(mask)
    assert [rows_and_columns(b) for b in bursts] == [
        (row, row + 40, 10, 240) for row in range(0, 256, 64)
    ]


def test_a_narrow_synchronisation_block_is_of_its_carrier():
    mask = empty()
    mask[20:80, 40:120] = NR
    mask[150:153, 70:86] = LTE
    (own,), group_of = groups_of(mask)
    assert [rows_and_columns(b) for b in own] == [(20, 80, 40, 120), (150, 153, 70, 86)]
    assert (group_of[mask > 0] == 0).all()


def test_narrow_emissions_far_apart_are_several():
    mask = empty()
    for number, col in enumerate((20, 90, 200)):
        mask[40 * number : 40 * number + 30, col : col + 6] = OTHER
    groups, _ = groups_of(mask)
    assert len(groups) == 3


@pytest.mark.parametrize("stronger_db, groups", [(12.0, 2), (0.0, 1)])
@pytest.mark.parametrize("row", [100, 230])
def test_bluetooth_over_wifi_is_its_own_when_it_is_stronger(row, stronger_db, groups):
    # at the same time as a packet, and between packets
    mask = empty()
    mask[80:140, 40:120] = WIFI
    mask[160:220, 40:120] = WIFI
    burst = np.s_[row : row + 8, 60:65]
    mask[burst] = OTHER
    level = np.full(mask.shape, -40.0)
    level[burst] += stronger_db
    found, group_of = groups_of(mask, level)
    assert len(found) == groups
    assert (group_of[burst] == groups - 1).all()
    assert [rows_and_columns(b) for b in found[0]][:2] == [(80, 140, 40, 120), (160, 220, 40, 120)]


def test_a_spur_in_a_carrier_is_no_emission_of_its_own():
    mask = empty()
    mask[0:100, 40:120] = LTE
    mask[:, 80:82] = OTHER
    level = np.full(mask.shape, -40.0)
    level[:, 80:82] = -20.0
    groups, _ = groups_of(mask, level)
    assert len(groups) == 1


def test_a_carrier_is_no_part_of_a_wide_burst_that_comes_over_it():
    mask = empty()
    mask[0:200, 100:130] = LTE
    mask[220:240, 20:236] = WIFI
    groups, _ = groups_of(mask)
    assert [rows_and_columns(own[0]) for own in groups] == [
        (0, 200, 100, 130),
        (220, 240, 20, 236),
    ]


def test_a_box_of_specks_is_no_emission():
    mask = empty()
    mask[0:256:3, 40:75] = (np.arange(35) % 3 == 0) * OTHER
    # a region by its gaps of two, of which a ninth is filled; thin it out further
    rng = np.random.default_rng(1)
    mask[rng.random(mask.shape) < 0.2] = 0
    groups, _ = groups_of(mask)
    assert groups == []
    # as many pixels in one place are one
    solid = empty()
    solid[100:130, 40:75] = OTHER
    assert len(groups_of(solid)[0]) == 1


def test_the_band_is_that_of_the_columns_that_are_used():
    mask = empty()
    mask[:, 60:100] = LTE
    mask[40:44, 48:60] = OTHER
    mask[90:94, 100:114] = NR
    ((burst,),), group_of = groups_of(mask)
    assert rows_and_columns(burst) == (0, 256, 60, 100)
    # what sticks out belongs to it all the same
    assert np.array_equal(group_of == 0, mask > 0)


def test_specks_within_the_band_belong_to_a_carrier_while_it_is_on():
    mask = empty()
    mask[0:100, 60:100] = LTE
    mask[20:60, 75:85] = 0  # a hole
    mask[40:42, 79:81] = NR
    mask[200:202, 79:81] = NR  # long after it
    _, group_of = groups_of(mask)
    assert (group_of[40:42, 79:81] == 0).all()
    assert (group_of[200:202, 79:81] == -1).all()


def test_many_bursts_are_told_as_32_over_the_shortest_pauses():
    mask = empty()
    starts = np.arange(0, 256, 4)
    mask[starts, 40:120] = WIFI
    mask[129:131, 40:120] = 0
    (own,), _ = groups_of(mask)
    assert len(own) == 32
    assert own[0][1] == 0 and own[-1][2] == starts[-1] + 1
    assert all(a[2] < b[1] for a, b in pairwise(own))


def naive_bursts(mask, columns):
    """By NumPy: (rows, columns) of each time on the air of what lies in a band."""
    part = mask[:, columns] > 0
    use = part.sum(1)
    on = np.flatnonzero(use >= max(0.05 * np.sort(use[use > 0])[(use > 0).sum() // 2], 1))
    out = []
    for run in np.split(on, np.flatnonzero(np.diff(on) > 3) + 1):
        box = part[run[0] : run[-1] + 1]
        if box.sum() < MIN_PIXELS:
            continue
        edges = []
        for axis in (1, 0):
            counts = box.sum(axis)
            usual = np.sort(counts[counts > 0])[(counts > 0).sum() // 2]
            enough = np.flatnonzero((counts > 0) & (counts >= 0.25 * usual))
            edges += [int(enough[0]), int(enough[-1]) + 1]
        first, low = int(run[0]), columns.start
        out.append((first + edges[0], first + edges[1], low + edges[2], low + edges[3]))
    return out


@pytest.mark.parametrize("rows", [256, 100, 17])
def test_bursts_are_those_that_numpy_finds(rows):
    bands = [slice(10, 60), slice(80, 100), slice(120, 245)]
    for seed in range(8):
        rng = np.random.default_rng(seed)
        mask = empty(rows)
        for label, band in enumerate(bands, 1):
            width = band.stop - band.start
            smooth = ndimage.uniform_filter1d(rng.standard_normal(rows), 9, mode="nearest")
            on = np.repeat((smooth > 0.1)[:, None], width, 1)
            ragged = rng.random((rows, width)) < 0.95
            mask[:, band] = np.where(on & ragged, label, 0)
        # of one power throughout: edges stay where the mask has them
        power = np.where(mask > 0, -30.0, -33.0).astype(np.float32)
        bursts, group_of = find_groups(mask, power + 40, power, CLASSES, 1e6, MIN_PIXELS)
        for band in bands:
            numbers = set(np.unique(group_of[:, band])) - {-1}
            expected = naive_bursts(mask, band) if (mask[:, band] > 0).any() else []
            assert len(numbers) == bool(expected)
            found = [
                (first, end, round(low), round(high))
                for group, _, first, end, low, high, _, _ in bursts
                if group in numbers
            ]
            assert sorted(found) == expected


@pytest.mark.parametrize("shape", [(256, 256), (1, 256), (40, 7), (3, 3), (0, 256), (5, 0)])
@pytest.mark.parametrize("blur", [1, 5, 15])
def test_any_map_keeps_the_promises(shape, blur):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        smooth = rng.standard_normal(shape)
        smooth = ndimage.uniform_filter(smooth, blur) if smooth.size else smooth
        edges = np.quantile(smooth, [0.4, 0.6, 0.8]) if smooth.size else [0]
        mask = np.digitize(smooth, edges).astype(np.uint8)
        power = np.where(mask > 0, rng.uniform(-60, 0, shape), -70).astype(np.float32)
        sure = rng.random(shape, np.float32)
        bursts, group_of = find_groups(mask, sure, power, 4, 8.0, MIN_PIXELS)
        assert group_of.shape == shape
        assert (mask[group_of >= 0] > 0).all()
        groups = {burst[0] for burst in bursts}
        assert groups == set(range(len(groups))) == set(np.unique(group_of).tolist()) - {-1}
        for group, confidence, first, end, low, high, snr_db, pwr_db in bursts:
            assert 0 <= first < end <= shape[0] and low < high
            assert (group_of[first:end] == group).any()
            assert 0 <= confidence <= 1 and np.isfinite([snr_db, pwr_db]).all()


def test_noise_alone_makes_no_group():
    for shape in ((256, 256), (40, 7)):
        mask = (np.random.default_rng(3).random(shape) < 0.3).astype(np.uint8)
        power = np.zeros(shape, np.float32)
        bursts, group_of = find_groups(mask, power + 1, power, 4, 1.0, MIN_PIXELS)
        assert bursts == [] and (group_of == -1).all()


def test_more_rows_than_can_be_counted_are_refused():
    mask = np.zeros((40_000, 1), np.uint8)
    power = np.zeros(mask.shape, np.float32)
    with pytest.raises(ValueError, match="at most 32767 rows and columns, got 40000 x 1"):
        find_groups(mask, power, power, 4, 1.0, MIN_PIXELS)
