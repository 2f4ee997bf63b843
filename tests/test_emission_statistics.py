# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of emissions: votes and evidence are those of an emission's own pixels, and add up."""

import numpy as np
import pytest
from gnuradio.radiofm.radiofm_python import group_sums

from radiofm_core.spectrum.emission_statistics import EvidencePlanes, gather, sum_cells

CLASSES = 5
LTE, NR, WIFI, OTHER = 1, 2, 3, 4
LAGS = (1 / 15e3, 50e-6, 10e-3)
LOOKS = 400.0


def frame(rows=256):
    """(group of each pixel, mask, confidence, power in dB): two groups and noise."""
    group_of = np.full((rows, 256), -1, np.int16)
    group_of[:, 32:96], group_of[: rows // 2, 128:192] = 0, 1
    mask = np.where(group_of == 0, LTE, np.where(group_of == 1, NR, 0)).astype(np.uint8)
    power = np.where(group_of >= 0, -30, -60).astype(np.float32)
    return group_of, mask, np.full(mask.shape, 0.9, np.float32), power


def planes(coherence=0.0, noise=True, seed=0, rows=256):
    """Evidence of complex ``coherence`` in the first group's cells, and what noise shows."""
    rng = np.random.default_rng(seed)
    shape = (len(LAGS), -(-rows // 16), 32)
    values = (rng.standard_normal((*shape, 2)) @ (1, 1j)) * np.sqrt(0.5 / LOOKS) * noise
    values[:, :, 4:12] += np.asarray(coherence).reshape(-1, 1, 1)
    split = np.stack([values.real, values.imag], axis=1).astype(np.float32)
    return EvidencePlanes(split, LAGS, 16, LOOKS)


def test_votes_are_the_mean_log_probabilities_of_the_mask():
    group_of, mask, confidence, power = frame()
    mask[:64, 32:96] = WIFI
    lte, nr = gather(group_of, 2, mask, confidence, power, CLASSES)
    assert (lte.pixels, nr.pixels) == (256 * 64, 128 * 64)
    rest = np.log(0.1 / 3)
    wanted = [-np.inf, *([0.75 * np.log(0.9) + 0.25 * rest, rest]), 0, rest]
    wanted[3] = 0.25 * np.log(0.9) + 0.75 * rest
    assert lte.mean_votes == pytest.approx(wanted)
    assert nr.probabilities == pytest.approx([0, 0.1 / 3, 0.9, 0.1 / 3, 0.1 / 3])


def test_a_few_pixels_that_are_sure_and_wrong_do_not_outweigh_the_rest():
    group_of, mask, confidence, power = frame()
    confidence[:] = 0.6
    mask[:20, 32:96], confidence[:20, 32:96] = OTHER, 1.0
    lte, _ = gather(group_of, 2, mask, confidence, power, CLASSES)
    assert lte.probabilities.argmax() == LTE


def test_class_scores_count_by_the_pixels_in_their_cells_and_without_noise():
    group_of, mask, confidence, power = frame()
    scores = np.full((CLASSES, 64, 64), np.log(0.02), np.float32)
    scores[0] = np.log(0.84)  # noise, which says nothing of what an emission is
    scores[NR, :, 8:24] = np.log(0.1)
    # cells of which a group has a part only
    group_of[:, 94:96] = -1
    lte, nr = gather(group_of, 2, mask, confidence, power, CLASSES, scores)
    assert lte.pixels == 256 * 62
    assert lte.probabilities == pytest.approx([0, 0.125, 0.625, 0.125, 0.125], abs=1e-6)
    assert nr.probabilities == pytest.approx([0, 0.25, 0.25, 0.25, 0.25], abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3.0])
def test_scores_that_are_no_log_probabilities_are_no_trouble(bad):
    group_of, mask, confidence, power = frame()
    scores = np.full((CLASSES, 64, 64), np.log(0.2), np.float32)
    scores[:, 5:9, 5:30] = bad
    for one in gather(group_of, 2, mask, confidence, power, CLASSES, scores):
        assert one.probabilities.sum() == pytest.approx(1)


def test_evidence_is_that_of_the_emissions_own_cells():
    group_of, mask, confidence, power = frame()
    carrier, other = gather(
        group_of, 2, mask, confidence, power, CLASSES, planes=planes([0.2, 0, 0.1j])
    )
    assert carrier.lags == LAGS
    assert carrier.cells == 16 * 8 and other.cells == 8 * 8
    # as sure as so many cells together, but for what the controls' noise takes
    assert carrier.floors == pytest.approx(1 / np.sqrt(128 * LOOKS), rel=0.1)
    near = 4 * carrier.floors[0]
    assert carrier.magnitudes == pytest.approx([0.2, 0, 0.1], abs=near)
    assert other.magnitudes == pytest.approx([0, 0, 0], abs=4 * other.floors[0])


def test_floors_are_what_noise_shows():
    group_of, mask, confidence, power = frame()
    seen = [
        gather(group_of, 2, mask, confidence, power, CLASSES, planes=planes(seed=seed))[0]
        for seed in range(60)
    ]
    assert np.sqrt(np.mean([one.magnitudes**2 for one in seen])) == pytest.approx(
        seen[0].floors[0], rel=0.2
    )


def test_a_cell_counts_by_the_power_that_is_the_emissions():
    group_of, mask, confidence, power = frame()
    strong = planes([0.2, 0, 0], noise=False)
    # a neighbour of 20 dB more in half of a cell column, whose coherence is its own
    group_of[:, 96:104], power[:, 100:104] = 0, -10
    group_of[:, 100:104] = 1
    strong.values[0, 0, :, 12] = 0.9
    (carrier, _) = gather(group_of, 2, mask, confidence, power, CLASSES, planes=strong)
    assert carrier.magnitudes[0] == pytest.approx(0.2, abs=0.002)


def test_a_narrow_line_in_a_carrier_does_not_drown_what_the_rest_shows():
    group_of, mask, confidence, power = frame()
    given = planes([0.06, 0, 0.1])
    # 30 dB above the carrier, and coherent at every lag
    power[:, 50:52], given.values[:2, :, :, 6] = 0, 0.65
    carrier, _ = gather(group_of, 2, mask, confidence, power, CLASSES, planes=given)
    assert carrier.magnitudes == pytest.approx([0.06, 0, 0.1], abs=4 * carrier.floors[0])
    # what is a narrow line as a whole is coherent at the control as well
    given.values[:2, :, :, 4:12] = 0.65
    line, _ = gather(group_of, 2, mask, confidence, power, CLASSES, planes=given)
    assert line.magnitudes[:2] == pytest.approx([0.92, 0.92], abs=0.01)


def test_where_an_emission_is_strong_it_says_no_more_and_where_it_is_faint_less():
    group_of, mask, confidence, power = frame()
    given = planes([0.2, 0, 0], noise=False)
    power[:, 32:40] += 20
    given.values[0, :, :, 4] = 0.0
    carrier, _ = gather(group_of, 2, mask, confidence, power, CLASSES, planes=given)
    assert carrier.magnitudes[0] == pytest.approx(0.2 * 7 / 8, rel=0.02)
    power[:, 32:40] -= 50
    carrier, _ = gather(group_of, 2, mask, confidence, power, CLASSES, planes=given)
    assert carrier.magnitudes[0] == pytest.approx(0.2, rel=0.01)


def test_lags_that_cannot_be_judged_are_not():
    group_of, mask, confidence, power = frame()
    given = planes([0.2, 0.0, 0.0], noise=False)
    given.values[2] = np.nan
    given.values[0, :, :8] = np.nan  # half of the time
    carrier, other = gather(group_of, 2, mask, confidence, power, CLASSES, planes=given)
    assert np.isnan(carrier.magnitudes[2]) and np.isnan(carrier.floors[2])
    assert carrier.magnitudes[0] == pytest.approx(0.2)
    assert carrier.floors[0] == pytest.approx(np.sqrt(2) * carrier.floors[1], rel=0.01)
    assert np.isnan(other.magnitudes[0])  # on in that half only


def test_two_frames_add_up_to_what_both_say():
    group_of, mask, confidence, power = frame()
    ones = [
        gather(group_of, 2, mask, confidence, power, CLASSES, planes=planes([0.2j, 0, 0], seed=s))[
            0
        ]
        for s in range(2)
    ]
    both = ones[0] + ones[1]
    assert both.pixels == 2 * ones[0].pixels
    assert both.floors == pytest.approx(ones[0].floors / np.sqrt(2), rel=0.02)
    assert both.magnitudes[0] == pytest.approx(0.2, abs=4 * both.floors[0])
    assert both.probabilities == pytest.approx(ones[0].probabilities)
    # what has faded counts less, and is as sure as before by itself
    faded = ones[0].faded(0.5)
    assert faded.floors == pytest.approx(ones[0].floors)
    assert faded.magnitudes == pytest.approx(ones[0].magnitudes)
    assert faded.mean_votes == pytest.approx(ones[0].mean_votes)
    assert faded.pixels == ones[0].pixels / 2


@pytest.mark.parametrize("rows", [1, 15, 40])
def test_short_frames_have_cells_that_are_cut(rows):
    group_of, mask, confidence, power = frame(rows)
    carrier, *_ = gather(
        group_of, 2, mask, confidence, power, CLASSES, planes=planes([0.2, 0, 0], rows=rows)
    )
    assert carrier.cells == -(-rows // 16) * 8
    assert carrier.magnitudes[0] == pytest.approx(0.2, abs=5 * carrier.floors[0])


@pytest.mark.parametrize("shape", [(256, 256), (40, 7), (1, 256), (0, 256)])
@pytest.mark.parametrize("cells", [(16, 32, 16.0), (64, 64, 4.0), (3, 5, 7.5), (1, 1, 1e-3)])
def test_the_native_sums_are_those_of_numpy(shape, cells):
    rng = np.random.default_rng(4)
    group_of = rng.integers(-1, 5, shape).astype(np.int16)
    values = rng.random(shape, np.float32)
    wanted = sum_cells(group_of, 5, values, *cells)
    assert wanted.shape == (6, cells[0] * cells[1])
    assert wanted[5].sum() == pytest.approx(values.sum(dtype=float))
    assert group_sums(group_of, 5, values, *cells) == pytest.approx(wanted, rel=1e-12)


def test_native_sums_refuse_what_does_not_fit():
    group_of, values = np.zeros((4, 4), np.int16), np.zeros((4, 4), np.float32)
    with pytest.raises(ValueError, match="the same two axes"):
        group_sums(group_of, 1, values[:3], 1, 1, 4.0)
    for bad in ((0, 1, 4.0), (1, 0, 4.0), (1, 1, 0.0), (1, 1, float("nan"))):
        with pytest.raises(ValueError, match="cells of some height"):
            group_sums(group_of, 1, values, *bad)
    # groups that are not there are none
    assert group_sums(group_of + 9, 1, values + 1, 1, 1, 4.0).tolist() == [[0.0], [16.0]]


def test_no_groups_have_no_statistics():
    nothing = np.full((16, 256), -1, np.int16)
    zeros = np.zeros((16, 256))
    assert gather(nothing, 0, zeros.astype(np.uint8), zeros, zeros, CLASSES) == []
    assert gather(nothing, 0, zeros.astype(np.uint8), zeros, zeros, CLASSES, planes=planes()) == []
