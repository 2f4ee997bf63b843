# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts: the label of most votes, and what the samples clearly show, in words."""

from dataclasses import replace

import numpy as np
import pytest

from radiofm_core.spectrum.emission_statistics import EmissionStatistics
from radiofm_core.spectrum.lags import CONTROLS_S, MEANINGS, controls_of, is_control, meaning_of
from radiofm_core.spectrum.verdict import EmissionShape, feature_count, features, judge

NAMES = ("noise", "lte", "nr", "wifi", "other")
T15, T30, THIRD, AX, P, A = 1 / 15e3, 1 / 30e3, 1 / 45e3, 12.8e-6, 6.4e-6, 3.2e-6
LAGS = (T15, T30, THIRD, AX, P, A, 50e-6, 24e-6, 10e-3, 9.7e-3, 20e-3)
FLOOR = 0.003
SHAPE = EmissionShape(18e6, 0.015, 0.02, 0.02, 20.0, 1)


def known(coherence=None, votes=(0, -0.2, -3, -3, -3), floor=FLOOR, rest=0.004):
    """Statistics of an emission with ``coherence`` at some lags and ``rest`` at the others; None:
    not judged."""
    coherence = coherence or {}
    values = np.array([coherence.get(lag, rest) for lag in LAGS], object)
    judged = np.array([value is not None for value in values])
    weight = np.where(judged, 1000.0, 0.0)
    magnitude = np.where(judged, values, 0).astype(float)
    return EmissionStatistics(
        1000.0 * np.array(votes, float),
        1000.0,
        LAGS,
        magnitude * weight * np.exp(1j),
        weight,
        (weight * floor) ** 2,
        128.0,
    )


def meanings(statistics):
    verdict = judge(statistics, SHAPE, NAMES)
    return verdict.subcarrier_spacing, [each.meaning for each in verdict.evidence]


def test_the_label_is_that_of_the_largest_mean_vote():
    verdict = judge(known(), SHAPE, NAMES)
    votes = np.exp([-0.2, -3, -3, -3])
    assert (verdict.label, verdict.best) == ("lte", 1)
    assert verdict.confidence == pytest.approx(votes[0] / votes.sum())
    assert (verdict.subcarrier_spacing, verdict.evidence) == (None, ())


def test_what_is_not_sure_is_unknown_and_keeps_its_best_class():
    unsure = known(votes=(0, -1.2, -1.3, -1.4, -1.5))
    verdict = judge(unsure, SHAPE, NAMES)
    assert (verdict.label, verdict.best) == ("unknown", 1)
    assert verdict.confidence < 0.5
    assert judge(unsure, SHAPE, NAMES, min_confidence=0.2).label == "lte"


# Coherence as it was measured on real recordings of each kind, 0.01 and less left out
@pytest.mark.parametrize(
    "coherence, spacing, words",
    [
        (
            {T15: 0.07, T30: 0.02, THIRD: 0.2, A: 0.03, 10e-3: 0.4},
            15e3,
            ["repeats with LTE's frame", "LTE's reference symbols", "symbols of 15 kHz"],
        ),
        # LTE under full load
        ({T15: 0.06, 10e-3: 0.11}, 15e3, ["repeats with LTE's frame", "symbols of 15 kHz"]),
        # NR of 15 kHz: its reference signals stand on every second carrier
        ({T15: 0.1, T30: 0.12}, 15e3, ["every second carrier of 15 kHz", "symbols of 15 kHz"]),
        ({T15: 0.03, 10e-3: 0.018}, 15e3, ["symbols of 15 kHz"]),
        ({T15: 0.02, T30: 0.13, A: 0.05}, 30e3, ["symbols of 30 kHz"]),
        ({A: 0.3, T15: 0.015}, 312.5e3, ["802.11 symbols"]),
        ({AX: 0.2}, 78.125e3, ["802.11ax symbols"]),
        ({P: 0.25}, 156.25e3, ["802.11 symbols at 10 MHz"]),
        # a carrier of a toy car that repeats, as LTE's frame does; it is no OFDM
        ({10e-3: 0.3}, None, ["repeats every 10 ms"]),
        ({}, None, []),
    ],
)
def test_evidence_says_what_the_samples_show(coherence, spacing, words):
    assert meanings(known(coherence)) == (spacing, words)


def test_narrow_carriers_are_coherent_at_every_lag_and_show_nothing():
    for level in (0.05, 0.3, 0.9):
        assert meanings(known(dict.fromkeys(LAGS, level))) == (None, [])
        assert meanings(known({lag: level * (1 + 0.3 * (lag == T15)) for lag in LAGS})) == (
            None,
            [],
        )


def test_what_may_be_chance_is_no_evidence():
    assert meanings(known({T15: 0.05}, floor=0.05)) == (None, [])
    assert meanings(known({T15: 0.05}, floor=0.01)) == (15e3, ["symbols of 15 kHz"])
    rng = np.random.default_rng(2)
    for _ in range(300):
        chance = np.abs(rng.standard_normal((len(LAGS), 2)) @ (1, 1j)) * np.sqrt(0.5) * 0.05
        assert meanings(known(dict(zip(LAGS, chance, strict=True)), floor=0.05)) == (None, [])


def test_lags_that_cannot_be_judged_say_nothing():
    assert meanings(known(dict.fromkeys(LAGS))) == (None, [])
    seen = {**dict.fromkeys(LAGS), T15: 0.1}
    assert meanings(known(seen)) == (15e3, ["symbols of 15 kHz"])


def test_evidence_tells_numbers_that_are_the_emissions():
    (told,) = judge(known({A: 0.3}), SHAPE, NAMES).evidence
    assert (told.lag, told.coherence, told.floor) == pytest.approx((A, 0.3, FLOOR))


def test_a_model_without_lags_is_judged_by_votes_alone():
    bare = EmissionStatistics(np.array([0, -200.0, -3000, -3000, -3000]), 1000.0)
    verdict = judge(bare, SHAPE, NAMES)
    assert (verdict.label, verdict.evidence) == ("lte", ())
    assert features(bare, SHAPE).shape == (feature_count(5, 0),)


def test_a_models_own_judge_decides_from_the_features():
    seen = []

    def model_judge(given):
        seen.append(given)
        return np.array([[0.1, 0.02, 0.87, 0.01, 0.0]], np.float32)

    statistics = known({T15: 0.1})
    verdict = judge(statistics, SHAPE, NAMES, 0.05, model_judge)
    assert (verdict.label, verdict.confidence) == ("nr", pytest.approx(0.87))
    assert np.array_equal(seen[0], features(statistics, SHAPE)[None])


def test_an_emission_without_any_noise_beside_it_is_like_a_strong_one():
    strong, clean = (replace(SHAPE, snr_db=snr) for snr in (40.0, 100.0))
    statistics = known({T15: 0.1})
    assert np.array_equal(features(statistics, strong), features(statistics, clean))


def test_what_repeats_every_10_ms_is_not_said_to_repeat_every_20_ms():
    def lags(coherence):
        return {each.lag for each in judge(known(coherence), SHAPE, NAMES).evidence}

    assert lags({10e-3: 0.3, 20e-3: 0.3}) == {10e-3}
    assert lags({20e-3: 0.3}) == {20e-3}


def test_a_models_own_judge_may_find_that_it_is_noise():
    def model_judge(given):
        return np.array([[0.9, 0.02, 0.07, 0.01, 0.0]], np.float32)

    verdict = judge(known({}), SHAPE, NAMES, 0.5, model_judge)
    assert (verdict.label, verdict.best) == ("noise", 0)


def test_features_are_finite_and_where_they_are_said_to_be():
    told = features(known({T15: 0.1, 10e-3: None}), SHAPE)
    assert told.dtype == np.float32 and told.shape == (feature_count(5, len(LAGS)),)
    probabilities, votes, rest = told[:4], told[4:8], told[8 + 3 * len(LAGS) :]
    assert probabilities.argmax() == 0 and probabilities.sum() == pytest.approx(1)
    assert votes == pytest.approx(np.array([-0.2, -3, -3, -3]) / 4)
    by_lag = told[8 : 8 + 3 * len(LAGS)].reshape(len(LAGS), 3)
    excess = np.sqrt(0.1**2 - 0.004**2)
    assert by_lag[0] == pytest.approx([excess, np.log10(1 + excess / FLOOR) / 2, 1])
    assert by_lag[8].tolist() == [0, 0, 0]
    # of a control, its own coherence: what is coherent at every lag is no OFDM
    assert by_lag[6] == pytest.approx([0.004, np.log10(1 + 0.004 / FLOOR) / 2, 1])
    wanted = [np.log10(18) / 2, np.log10(15) / 2, 0.75, 1, 20 / 30]
    assert rest == pytest.approx([*wanted, np.log10(129) / 4, np.log10(1001) / 6, 0.5])
    worst = EmissionShape(0.0, 0.0, 0.0, 0.0, -20.0)
    empty = EmissionStatistics(np.zeros(5), 0.0, LAGS, *(np.zeros(len(LAGS)),) * 3)
    assert np.isfinite(features(empty, worst)).all()


def test_each_lag_has_one_meaning_and_controls_have_none():
    for meaning in MEANINGS:
        assert meaning_of(meaning.lag_s * 1.0005) is meaning
        assert not is_control(meaning.lag_s)
    assert all(meaning_of(lag) is None for lag in CONTROLS_S)
    assert [LAGS[i] for i in controls_of(T15, LAGS)] == [50e-6, 24e-6]
    assert [LAGS[i] for i in controls_of(20e-3, LAGS)] == [9.7e-3]


@pytest.mark.parametrize("noise, best", [(0.45, 4), (0.55, 0)])
def test_what_is_hardly_likely_to_be_noise_is_unknown(noise, best):
    def model_judge(features):
        rest = 1 - noise
        return np.array([[noise, 0.1 * rest, 0.1 * rest, 0.1 * rest, 0.7 * rest]])

    shape = EmissionShape(1e6, 1e-3, 1e-3, 20e-3, 10.0)
    statistics = EmissionStatistics(np.array([0.0, -1.0, -1.0, -1.0, -1.0]), 1.0)
    found = judge(statistics, shape, ("noise", "lte", "nr", "wifi", "other"), 0.5, model_judge)
    assert found.best == best
    if best:
        assert found.label == "unknown"
