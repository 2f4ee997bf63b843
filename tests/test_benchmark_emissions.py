# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of emissions: synthetic answers whose scores are known, and whose pixels are whose."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from radiofm_core.spectrum.detections import UNKNOWN
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.segmentation.benchmark.emission_scores import emission_scores
from training.segmentation.benchmark.emissions import (
    NOT_SCORED,
    ON_NOISE,
    FrameReport,
    Reported,
    TrueEmission,
    reported_emissions,
    true_emissions,
)
from training.segmentation.benchmark.truth import (
    NO_EMISSION,
    Box,
    Source,
    box_of,
    emissions_of,
    occupied_by,
    without_specks,
)
from training.segmentation.classes import DEFAULT, read_classes
from training.segmentation.data.store import Batch
from training.segmentation.shown import ALL, NONE, SHORT, groups_of, shown
from training.waveforms.scene import NOBODY, owned
from training.waveforms.span import IGNORE, LTE, NR, Emission, Span

FOUR = read_classes({"wifi": None}, "test")
SPEC = SpectrogramSpec()
LEFT, RIGHT = Box(0, 100, 10, 60), Box(0, 100, 100, 150)
FACTS = {"snr_db": 20.0, "duration": 20e-3, "scenario": "several"}


def there(label, box, kind=None, hertz=15e3, pixels=5000, snr_db=20.0) -> TrueEmission:
    hertz = hertz if label in ("lte", "nr") else None
    return TrueEmission(label, kind or label, hertz, snr_db, pixels, (box, box))


def told(label, box, on, pixels=5000) -> Reported:
    return Reported(label, box, on, pixels)


def scored(true, reported, names=DEFAULT.names, facts=FACTS, **options) -> dict:
    return emission_scores([(facts, FrameReport.of(true, reported))], names, **options)


# ---- whose each pixel is


def test_the_strongest_emission_owns_a_pixel_and_nobody_owns_noise():
    span = Span(1024, 10, 32, SPEC)
    shape = (32, 256)

    def block(kind, low, high, power):
        cover = torch.zeros(shape)
        cover[:, low:high] = 1.0
        nothing = torch.zeros(0, dtype=torch.complex64)
        return Emission(kind, nothing, cover * power, cover, cover > 0)

    weak, strong, faint = block(LTE, 20, 60, 5.0), block(NR, 50, 80, 9.0), block(LTE, 90, 95, 0.01)
    truth = owned([weak, strong, faint], span)
    assert (truth.owner[:, 20:50] == 0).all() and (truth.owner[:, 50:80] == 1).all()
    assert (truth.kinds[:, 50:80] == NR).all() and (truth.power[:, 50:80] == 9.0).all()
    # what nobody could see is not scored, and nobody's
    assert (truth.kinds[:, 90:95] == IGNORE).all() and (truth.owner[:, 80:] == NOBODY).all()
    assert (truth.power[:, 80:] == 0).all()


def test_a_cell_and_its_phones_are_one_emission_and_hops_are_one_a_band():
    owner = np.full((64, 256), NOBODY, np.int16)
    owner[:20, 20:60] = 0  # downlink
    owner[40:50, 30:35] = 1  # its phone
    owner[:10, 100:104] = owner[20:30, 140:144] = 2  # hops
    sources = [Source(0, "nr", 30e3), Source(0, "nr", 30e3), Source(1, "bluetooth", None)]
    emission_of, found = emissions_of(owner, np.full(owner.shape, 10.0), sources)
    assert [(e["kind"], e["box"]) for e in found] == [
        ("nr", [0, 50, 20, 60]),
        ("bluetooth", [0, 10, 100, 104]),
        ("bluetooth", [20, 30, 140, 144]),
    ]
    assert [e["subcarrier_hz"] for e in found] == [30e3, None, None]
    assert [e["snr_db"] for e in found] == [10.0] * 3
    assert set(np.unique(emission_of)) == {0, 1, 2, NO_EMISSION}
    assert (emission_of[40:50, 30:35] == 0).all() and (emission_of[20:30, 140:144] == 2).all()


def test_lte_and_nr_of_a_shared_carrier_stay_two():
    owner = np.zeros((64, 256), np.int16)
    owner[::2] = 1
    sources = [Source(0, "lte", 15e3), Source(0, "nr", 15e3)]
    _, found = emissions_of(owner, np.ones(owner.shape), sources)
    assert [e["kind"] for e in found] == ["lte", "nr"]


def test_specks_do_not_widen_a_box_but_short_bursts_count():
    own = np.zeros((64, 256), bool)
    own[:, 100:150] = True
    own[3, 10] = own[5, 240:243] = True
    assert box_of(without_specks(own)) == (0, 64, 100, 150)
    own[30:34, 200:210] = True  # 40 pixels: a detection, though small beside the rest
    assert box_of(without_specks(own)) == (0, 64, 100, 210)
    few = np.zeros((64, 256), bool)
    few[2:4, 7] = few[20:22, 7] = True  # all of a small emission are its parts
    assert box_of(without_specks(few)) == (2, 22, 7, 8)


def test_the_occupied_bandwidth_leaves_half_a_per_cent_on_either_side():
    own = np.zeros((4, 256), bool)
    own[:, 100:111] = True
    power = np.full((4, 256), 0.001)
    power[:, 105] = 1.0
    assert occupied_by(own, power) == (0, 4, 105, 106)
    assert occupied_by(own, np.ones((4, 256))) == (0, 4, 100, 111)


# ---- what is reported


def answer_of(mask: np.ndarray, names) -> tuple[torch.Tensor, ...]:
    mask = torch.from_numpy(mask)[None]
    one_hot = torch.nn.functional.one_hot(mask[:, ::4, ::4].long(), len(names))
    return mask, torch.ones(mask.shape), (one_hot * 0.9 + 0.02).log().movedim(3, 1)


def frame(*blocks: tuple[Box, float]) -> Batch:
    """Noise at -60 dB, and boxes of so many dB more."""
    noise = torch.randn(1, 1, 128, 256, generator=torch.Generator().manual_seed(1))
    level = noise - 60.0
    for box, gain_db in blocks:
        level[..., box.first_row : box.end_row, box.low_col : box.high_col] += gain_db
    evidence = torch.zeros(1, 0, 2, 8, 32)
    nothing = torch.zeros(1, 128, 256, dtype=torch.long)
    return Batch(level, nothing, torch.tensor([[60e3, 78e-6]]), evidence)


def found_in(mask: np.ndarray, emission_of: np.ndarray, truth=None, names=DEFAULT.names):
    batch = frame((LEFT, 20.0), (RIGHT, 20.0))
    groups = groups_of(batch, 0, answer_of(mask, names), SPEC, names)
    truth = (emission_of != NO_EMISSION).astype(np.int64) if truth is None else truth
    return reported_emissions(groups, names, None, truth, emission_of)


def two_boxes(left: int, right: int, rest: int, kind=np.uint8) -> np.ndarray:
    out = np.full((128, 256), rest, kind)
    for box, value in ((LEFT, left), (RIGHT, right)):
        out[box.first_row : box.end_row, box.low_col : box.high_col] = value
    return out


def test_each_emission_of_a_mask_is_reported_where_it_is():
    mask, emission_of = two_boxes(1, 2, 0), two_boxes(0, 1, NO_EMISSION)
    after, reported = found_in(mask, emission_of)
    assert np.array_equal(after, mask)
    assert [(r.label, r.on, r.pixels) for r in reported] == [("lte", 0, 5000), ("nr", 1, 5000)]
    for report, box in zip(reported, (LEFT, RIGHT), strict=True):
        assert report.box == pytest.approx(box, abs=0.6)


def test_the_mask_follows_the_verdict():
    mask = two_boxes(1, 2, 0)
    mask[40:60, 20:40] = 2  # a patch of NR within LTE
    after, reported = found_in(mask, two_boxes(0, 1, NO_EMISSION))
    assert np.array_equal(after, two_boxes(1, 2, 0))
    assert [r.label for r in reported] == ["lte", "nr"]


def test_reports_on_noise_and_on_what_is_not_scored_are_told_apart():
    mask, nobodys = two_boxes(1, 2, 0), np.full((128, 256), NO_EMISSION, np.uint8)
    truth = two_boxes(0, IGNORE, 0, np.int64)
    _, reported = found_in(mask, nobodys, truth)
    assert [r.on for r in reported] == [ON_NOISE, NOT_SCORED]


def test_an_unsure_emission_is_reported_as_unknown():
    batch, names = frame((LEFT, 20.0)), DEFAULT.names
    mask = two_boxes(1, 0, 0)
    scores = torch.full((1, len(names), 32, 64), -1.5)
    answer = (torch.from_numpy(mask)[None], torch.ones(1, 128, 256), scores)
    groups = groups_of(batch, 0, answer, SPEC, names)
    _, reported = reported_emissions(groups, names, None, mask, two_boxes(0, NO_EMISSION, 255))
    assert [(r.label, r.on) for r in reported] == [(UNKNOWN, 0)]


def test_evidence_is_withheld_as_is_asked():
    spec = replace(SPEC, evidence_lags=(22.2e-6, 10e-3))
    batch = frame()._replace(evidence=torch.ones(1, 2, 2, 8, 32))
    judged = {
        way: shown(batch, way, spec).evidence.isfinite().flatten(2).all(2)[0].tolist()
        for way in (ALL, SHORT, NONE)
    }
    assert judged == {ALL: [True, True], SHORT: [True, False], NONE: [False, False]}
    assert shown(frame(), NONE, SPEC).evidence.numel() == 0


# ---- scores


def test_right_reports_score_one():
    true = [there("lte", LEFT), there("wifi", RIGHT)]
    found = scored(true, [told("lte", LEFT, 0), told("wifi", RIGHT, 1)], with_labels=True)
    assert found == {
        "true": 2,
        "reported": 2,
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0,
        "f1_of_boxes": 1.0,
        "reported_each": 1.0,
        "unknown": 0.0,
        "on_noise": 0.0,
        "lte_as_nr": {"share": 0.0, "of": 1},
        "nr_as_lte": {"share": None, "of": 0},
        "claims": {"share": 0.0, "of": 1},
        "labels": {"lte": {"lte": 1}, "wifi": {"wifi": 1}},
        "without": [],
    }


def test_a_wrong_label_counts_against_precision_and_recall_and_not_against_boxes():
    true = [there("lte", LEFT), there("nr", RIGHT)]
    found = scored(true, [told("nr", LEFT, 0), told("nr", RIGHT, 1)], with_labels=True)
    assert found["precision"] == found["recall"] == found["f1"] == 0.5
    assert found["f1_of_boxes"] == 1.0
    assert found["lte_as_nr"] == {"share": 1.0, "of": 1}
    assert found["nr_as_lte"] == {"share": 0.0, "of": 1}
    assert found["labels"] == {"lte": {"nr": 1}, "nr": {"nr": 1}}


def test_fragments_of_an_emission_are_wrong_and_counted():
    parts = [Box(0, 100, 10 + 10 * i, 18 + 10 * i) for i in range(5)]
    found = scored([there("lte", LEFT)], [told("lte", part, 0, 800) for part in parts])
    assert found["precision"] == found["recall"] == 0.0 and found["reported_each"] == 5.0
    # one of them large enough: the others are wrong all the same
    parts[0] = Box(0, 100, 10, 40)
    found = scored([there("lte", LEFT)], [told("lte", part, 0, 800) for part in parts])
    assert (found["precision"], found["recall"]) == (0.2, 1.0)


def test_an_emission_makes_one_report_right():
    twice = [told("lte", LEFT, 0), told("lte", Box(0, 100, 10, 55), 0)]
    found = scored([there("lte", LEFT)], twice)
    assert (found["precision"], found["recall"]) == (0.5, 1.0)


def test_boxes_must_overlap_by_half():
    near = Box(0, 100, 10, 36)  # 26 of 50 columns
    assert scored([there("lte", LEFT)], [told("lte", near, 0)])["f1"] == 1.0
    small = Box(0, 100, 10, 34)  # 24 of 50
    assert scored([there("lte", LEFT)], [told("lte", small, 0)])["f1"] == 0.0
    both = replace(there("lte", LEFT), boxes=(LEFT, Box(0, 100, 10, 30)))
    assert scored([both], [told("lte", small, 0)])["f1"] == 1.0


def test_what_nobody_can_see_need_not_be_reported_and_may_be():
    for hidden in (there("nr", RIGHT, pixels=9), there("nr", RIGHT, snr_db=-7.0)):
        true = [there("lte", LEFT), hidden]
        for more in ([], [told("nr", RIGHT, 1)], [told("lte", Box(0, 9, 100, 103), 1)]):
            found = scored(true, [told("lte", LEFT, 0), *more])
            assert (found["true"], found["reported"], found["f1"]) == (1, 1, 1.0)


def test_reports_on_noise_are_wrong_and_those_on_lines_of_the_radio_are_not_scored():
    false = told("other", RIGHT, ON_NOISE)
    found = scored([there("lte", LEFT)], [told("lte", LEFT, 0), false])
    assert found["precision"] == 0.5 and found["on_noise"] == 1.0
    found = scored([there("lte", LEFT)], [told("lte", LEFT, 0), replace(false, on=NOT_SCORED)])
    assert found["precision"] == 1.0 and found["on_noise"] == 0.0


def test_confusion_of_lte_and_nr_is_of_15_khz_long_frames_and_0_db():
    wrong = [told("nr", LEFT, 0)]
    for facts, hertz, of in (
        (FACTS, 15e3, 1),
        (FACTS | {"duration": 5e-3}, 15e3, 0),
        (FACTS | {"snr_db": -5.0}, 15e3, 0),
        (FACTS, 30e3, 0),
    ):
        found = scored([there("lte", LEFT, hertz=hertz)], wrong, facts=facts)
        assert found["lte_as_nr"]["of"] == of
    # a fragment is enough to mislead
    mixed = [told("lte", LEFT, 0), told("nr", Box(0, 9, 20, 30), 0, 90)]
    assert scored([there("lte", LEFT)], mixed)["lte_as_nr"]["share"] == 1.0


def test_claims_are_of_technologies_that_are_not_there():
    def claims(true, reported, facts=FACTS):
        return scored(true, reported, facts=facts)["claims"]

    drone, packets = there("other", LEFT, "drone"), there("wifi", RIGHT)
    assert claims([drone], [told("lte", LEFT, 0)]) == {"share": 1.0, "of": 1}
    assert claims([drone], [told(UNKNOWN, LEFT, 0)]) == {"share": 0.0, "of": 1}
    assert claims([packets], [told("wifi", RIGHT, 0)]) == {"share": 0.0, "of": 1}
    assert claims([packets], [told("lte", RIGHT, 0)]) == {"share": 1.0, "of": 1}
    assert claims([packets], [told("other", RIGHT, 0)]) == {"share": 0.0, "of": 1}
    assert claims([there("lte", LEFT)], [told("nr", LEFT, 0)]) == {"share": None, "of": 0}
    silent = FACTS | {"scenario": "plateau of noise"}
    assert claims([], [told("wifi", LEFT, ON_NOISE)], silent) == {"share": 1.0, "of": 1}
    assert claims([], [told("other", LEFT, ON_NOISE)], silent) == {"share": 0.0, "of": 1}


def test_unknown_is_the_share_of_emissions_that_get_no_name():
    true = [there("lte", LEFT), there("nr", RIGHT)]
    reported = [told(UNKNOWN, LEFT, 0), told("lte", Box(0, 9, 20, 30), 0, 90)]
    assert scored(true, reported)["unknown"] == 0.5


def test_a_model_without_a_class_for_wifi_is_right_to_say_other():
    emission = {"subcarrier_hz": None, "snr_db": 9.0, "pixels": 5000}
    boxes = {"box": list(LEFT), "occupied": list(LEFT)}
    facts = {"emissions": [{"kind": "wifi_ax", **emission, **boxes}]}
    reported = [told("other", LEFT, 0)]
    four = scored(true_emissions(facts, FOUR), reported, FOUR.names, with_labels=True)
    assert four["f1"] == 1.0 and four["without"] == ["wifi"]
    five = scored(true_emissions(facts, DEFAULT), reported, with_labels=True)
    assert five["f1"] == 0.0 and five["labels"] == {"wifi": {"other": 1}}


def test_a_model_without_lte_has_no_confusion_of_it():
    found = scored([there("nr", LEFT)], [], ("noise", "nr", "other"), with_labels=True)
    assert "lte_as_nr" not in found and found["without"] == ["lte", "wifi"]
    assert found["labels"] == {"nr": {"missed": 1}}
