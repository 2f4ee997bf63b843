# SPDX-License-Identifier: GPL-3.0-or-later
"""radiofm-bench-2: its frames stay what they are, and its scores mean what they say."""

import hashlib
import json
from collections import Counter
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from radiofm_core.errors import UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.segmentation.benchmark import frames, strata
from training.segmentation.benchmark.edges import edge_errors
from training.segmentation.benchmark.report import table
from training.segmentation.benchmark.scenes import BenchmarkMaker
from training.segmentation.benchmark.scoring import (
    frame_score,
    grouped,
    score_frames,
    summary,
)
from training.segmentation.classes import DEFAULT, read_classes
from training.segmentation.data import generated
from training.segmentation.data.sources import FramesConfig
from training.segmentation.data.store import LOWEST_DB, STEP_DB, FrameSet
from training.segmentation.model import CalibratedSegmenter
from training.segmentation.pixels import scores
from training.segmentation.scores import in_training
from training.tasks import read_recipe
from training.waveforms import other
from training.waveforms.arbitrary_spans import ArbitrarySpansMaker
from training.waveforms.other_spans import OtherSpansMaker
from training.waveforms.scene import NOBODY, SceneMaker, Truth
from training.waveforms.side_by_side import OnAirMaker, PaperMaker, band_truth
from training.waveforms.span import FIRST_OTHER, IGNORE, LTE, NOISE, NR
from training.waveforms.wide_spans import WideSpanMaker

RECIPES = Path(__file__).parents[1] / "training/recipes"
SPEC = SpectrogramSpec()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return frames.prepare(tmp_path_factory.mktemp("bench"), 8, SPEC, 1)


def test_the_strata_are_those_of_version_2():
    assert strata.FRAMES == len(strata.STRATA) == 1294
    tables = (strata.FAMILIES, strata.GROUP_WEIGHTS, strata.MANY_BANDS, strata.SHARING)
    text = repr(([astuple(s) for s in strata.STRATA], tables))
    # Other frames need another name than radiofm-bench-2.
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "978e7f4f9eb997a7"


def test_every_beginning_of_the_benchmark_holds_some_of_all():
    for count in (32, 64, 256):
        begin = strata.STRATA[:count]
        paper = sum(s.part == strata.PAPER for s in begin) / count
        assert paper == pytest.approx(130 / 1294, abs=2 / count)
        assert {s.scenario for s in begin} == {*strata.SCENARIOS, "side by side"}
    counts = Counter((s.part, s.snr_db) for s in strata.STRATA[:256])
    assert len(counts) == 11 and min(counts.values()) >= 4
    mixed = [s for s in strata.STRATA[:256] if s.part == strata.MIXED]
    assert {s.fft_15k for s in mixed} == set(strata.MIXED_FFT_15K)
    lengths = Counter((s.length_s, s.before) for s in mixed)
    assert len(lengths) == 6 and min(lengths.values()) >= 20


def test_no_rate_and_no_length_tells_what_is_there():
    mixed = [s for s in strata.STRATA if s.part == strata.MIXED]
    for scenario in strata.SCENARIOS:
        own = [s for s in mixed if s.scenario == scenario]
        rates = [
            rate
            for rate in strata.MIXED_FFT_15K
            if strata.LEAST_FFT_15K.get(scenario, 0)
            <= rate
            <= strata.MOST_FFT_15K.get(scenario, rate)
        ]
        assert Counter(s.fft_15k for s in own) == dict.fromkeys(rates, len(own) // len(rates))
        assert {(s.length_s, s.before) for s in own} == {
            (length, before) for length in strata.DURATIONS_S for before in strata.BEFORE
        }


def test_the_papers_carriers_lie_side_by_side_for_40_ms():
    index = next(i for i, s in enumerate(strata.STRATA) if s.part == strata.PAPER)
    frame = BenchmarkMaker(SPEC).frame(strata.SEEDS[index])
    wanted, facts = strata.STRATA[index], frame.facts
    assert facts["sample_rate"] == 61.44e6 and facts["duration"] == pytest.approx(40e-3)
    width = {c["label"]: c["high_hz"] - c["low_hz"] for c in facts["carriers"]}
    assert width == pytest.approx({"nr": wanted.nr_hz, "lte": wanted.lte_hz})
    band = band_truth(frame.truth, facts["sample_rate"], facts["carriers"])
    for label, hertz in ((NR, wanted.nr_hz), (LTE, wanted.lte_hz)):
        columns = (band == label).any(0)
        assert torch.equal((band == label).all(0), columns)
        assert columns.sum().item() == pytest.approx(hertz / 240e3, abs=1)
        on_air = frame.truth == label
        assert on_air.any() and (band[on_air] == label).all()


def test_frames_to_train_on_have_labels_of_whole_bands():
    maker = PaperMaker(SPEC)
    seen = set()
    for seed in range(6):
        frame = maker.frame(seed)
        rows, cols = frame.truth.shape
        assert frame.resolution == pytest.approx((240e3, 40e-3 / rows))
        assert (frame.truth == frame.truth[:1]).all()
        counts = tuple(int((frame.truth[0] == label).sum()) for label in (NOISE, LTE, NR))
        assert sum(counts) == cols and min(counts[1:]) >= 19
        seen.add(counts)
    assert len(seen) > 3
    again = PaperMaker(SPEC).frame(5)
    assert torch.equal(frame.truth, again.truth) and torch.equal(frame.level_db, again.level_db)


def test_the_same_frames_can_have_labels_of_what_is_on_the_air():
    whole = [PaperMaker(SPEC).frame(seed) for seed in range(3)]
    sent = [OnAirMaker(SPEC).frame(seed) for seed in range(3)]
    for band, air in zip(whole, sent, strict=True):
        assert torch.equal(band.level_db, air.level_db)
        on_air = (air.truth == LTE) | (air.truth == NR)
        assert on_air.any() and torch.equal(air.truth[on_air], band.truth[on_air])
    assert any((a.truth == NOISE)[b.truth != NOISE].any() for a, b in zip(sent, whole, strict=True))


@pytest.mark.parametrize("part", [strata.MIXED, strata.PAPER])
def test_all_emissions_have_the_stratums_snr(monkeypatch, part):
    chosen = next(
        i
        for i, s in enumerate(strata.STRATA)
        if s.part == part and s.scenario in ("several", "side by side") and s.fft_15k >= 2048
    )
    powers = []
    for snr_db in (13.0, 23.0):
        strata_now = list(strata.STRATA)
        strata_now[chosen] = replace(strata.STRATA[chosen], snr_db=snr_db)
        monkeypatch.setattr(strata, "STRATA", tuple(strata_now))
        maker, heard = BenchmarkMaker(SPEC), []

        def kept(emissions, span, heard=heard):
            heard += [e.iq.abs().square().mean() for e in emissions]
            nothing = torch.zeros(span.rows, span.spec.cols)
            return Truth(nothing.byte(), nothing.short() + NOBODY, nothing)

        for module in ("training.waveforms.side_by_side", "training.waveforms.scene"):
            monkeypatch.setattr(f"{module}.owned", kept)
        maker.frame(strata.SEEDS[chosen])
        powers.append(torch.stack(heard))
    sent = powers[0] > 0  # a kind of burst may have none in the frame
    assert sent.sum() >= 2
    risen = 10 * torch.log10(powers[1] / powers[0])[sent]
    assert risen.tolist() == pytest.approx([10.0] * len(risen), abs=0.01)


def test_an_empty_frame_is_noise_alone():
    index = next(i for i, s in enumerate(strata.STRATA) if s.scenario == "empty")
    frame = BenchmarkMaker(SPEC).frame(strata.SEEDS[index])
    assert not frame.facts["carriers"] and not frame.facts["emissions"]
    assert set(frame.truth.unique().tolist()) <= {NOISE, IGNORE}


def test_a_frame_is_the_same_for_models_with_and_without_evidence():
    number = next(i for i, s in enumerate(strata.STRATA) if s.before and s.scenario == "inside")
    plain = BenchmarkMaker(SPEC).frame(strata.SEEDS[number])
    told = BenchmarkMaker(replace(SPEC, evidence_lags=(22.2e-6, 10e-3))).frame(strata.SEEDS[number])
    assert torch.equal(plain.level_db, told.level_db) and torch.equal(plain.truth, told.truth)
    assert plain.facts == told.facts
    # what came before the frame is known: LTE's frame can be looked for from the first row on
    assert plain.evidence.numel() == 0 and told.evidence[1].isfinite().all()


@pytest.mark.parametrize("scenario", strata.NR_SPACINGS_HZ)
def test_nr_has_the_scenarios_spacing(scenario):
    cheap = (i for i, s in enumerate(strata.STRATA) if s.scenario == scenario and s.fft_15k < 700)
    for _, number in zip(range(3), cheap, strict=False):
        facts = BenchmarkMaker(SPEC).frame(strata.SEEDS[number]).facts
        (carrier,) = facts["carriers"]
        assert carrier["label"] == "nr"
        assert carrier["subcarrier_hz"] == strata.NR_SPACINGS_HZ[scenario]
        for emission in facts["emissions"]:
            assert emission["subcarrier_hz"] == carrier["subcarrier_hz"]


def test_plateaus_are_of_noise_where_nothing_is_sent():
    numbers = [i for i, s in enumerate(strata.STRATA) if s.scenario == "plateau of noise"][:4]
    for number in numbers:
        frame = BenchmarkMaker(SPEC).frame(strata.SEEDS[number])
        assert frame.facts["emissions"] == []
        column_db = frame.level_db[0].median(0).values
        # 20 dB between pass and stop band at least, but for what quantisation fills in
        assert column_db.max() - column_db.quantile(0.02) > 6
        assert set(frame.truth.unique().tolist()) <= {NOISE, IGNORE}


def test_prepared_frames_are_those_of_their_seeds_and_made_once(made):
    found = frames.BenchmarkSet(made, SPEC, DEFAULT)
    assert len(found) == len(found.facts) == 8
    frame = BenchmarkMaker(SPEC).frame(strata.SEEDS[2])
    level, truth, _, _ = found.batch(np.array([2]))
    wanted = frame.level_db[0].numpy()
    wanted = np.clip(wanted - np.median(wanted), LOWEST_DB, LOWEST_DB + 255 * STEP_DB)
    assert np.abs(level[0, 0].numpy() - wanted).max() <= STEP_DB
    assert np.array_equal(truth[0].numpy(), DEFAULT.of_kinds()[frame.truth.numpy()])
    assert found.facts[2] == frame.facts
    assert np.array_equal(found.emission_of[2], frame.emission_of)
    before = (made / "levels.npy").stat().st_mtime_ns
    assert frames.prepare(made.parent, 8, SPEC, 1) == made
    assert (made / "levels.npy").stat().st_mtime_ns == before


def test_the_generator_still_draws_the_benchmarks_frames():
    frames.check_frozen()


def test_another_generator_is_told_apart_before_anything_is_scored(tmp_path, monkeypatch):
    class Louder(BenchmarkMaker):
        def frame(self, seed):
            frame = super().frame(seed)
            return replace(frame, level_db=frame.level_db + 1.0 * (frame.truth == LTE))

    monkeypatch.setattr(frames, "BenchmarkMaker", Louder)
    with pytest.raises(UsageError, match=r"other frames than those of radiofm-bench-2: frame \d+"):
        frames.prepare(tmp_path, 1, SPEC, 1)
    assert not list(tmp_path.iterdir())


def test_what_training_learns_to_draw_later_is_not_in_the_benchmark(monkeypatch):
    number = next(
        i for i, s in enumerate(strata.STRATA) if s.scenario == "plain" and s.fft_15k < 2000
    )
    before = BenchmarkMaker(SPEC).frame(strata.SEEDS[number])

    def new_kind(span, rng):
        raise AssertionError("drawn")

    table = (*other._KINDS, (new_kind, 0.5e6, 1e6))
    monkeypatch.setattr(other, "_KINDS", table)
    monkeypatch.setattr(other, "NAMES", (*other.NAMES, "new_kind"))
    again = BenchmarkMaker(SPEC).frame(strata.SEEDS[number])
    assert torch.equal(before.level_db, again.level_db)


# ---- edges


def facts_of(*carriers: dict) -> dict:
    """A frame of 256 columns of 1 Hz, whose column 128 is at 0 Hz."""
    common = {"kind": "downlink", "label": "lte"}
    return {
        "part": strata.MIXED,
        "scenario": "lte",
        "snr_db": 20.0,
        "sample_rate": 256.0,
        "carriers": [common | c for c in carriers],
    }


def block(*places: tuple[int, int, int], rows: int = 32) -> np.ndarray:
    """Noise, and (first column, last column, class) in all rows."""
    out = np.zeros((rows, 256), np.uint8)
    for low, high, label in places:
        out[:, low : high + 1] = label
    return out


CARRIER = {"low_hz": -30.0, "high_hz": 30.0}  # columns 98 to 158


def test_edges_are_compared_in_columns():
    truth, facts = block((100, 156, LTE)), facts_of(CARRIER)
    assert edge_errors(truth, truth, facts, DEFAULT) == [[0, 0]]
    assert edge_errors(block((98, 157, LTE)), truth, facts, DEFAULT) == [[2, 1]]
    assert edge_errors(block((103, 150, LTE)), truth, facts, DEFAULT) == [[3, 6]]


def test_short_bursts_and_stray_pixels_do_not_move_an_edge():
    truth, facts = block((100, 156, LTE)), facts_of(CARRIER)
    mask = truth.copy()
    mask[:10, 90:170] = LTE
    mask[:, 20:40] = LTE
    assert edge_errors(mask, truth, facts, DEFAULT) == [[0, 0]]


def test_a_carrier_of_another_class_or_of_few_pixels_is_missed():
    truth, facts = block((100, 156, LTE)), facts_of(CARRIER)
    assert edge_errors(block((100, 156, NR)), truth, facts, DEFAULT) == [None]
    few = truth.copy()
    few[3:] = NOISE
    assert edge_errors(few, truth, facts, DEFAULT) == [None]


def test_neighbours_of_a_class_are_measured_apart():
    right = {"low_hz": 32.0, "high_hz": 60.0}
    truth = block((100, 156, LTE), (162, 186, LTE))
    mask = block((99, 156, LTE), (162, 188, LTE))
    assert edge_errors(mask, truth, facts_of(CARRIER, right), DEFAULT) == [[1, 0], [0, 2]]


def test_what_has_no_edges_in_the_span_is_not_measured():
    wide = {"low_hz": -200.0, "high_hz": 200.0}
    everywhere = block((0, 255, LTE))
    assert edge_errors(everywhere, everywhere, facts_of(wide), DEFAULT) == []
    cut = block((0, 100, LTE))
    half = facts_of({"low_hz": -150.0, "high_hz": -26.0})
    assert edge_errors(block((0, 104, LTE)), cut, half, DEFAULT) == [[4]]
    truth = block((100, 156, LTE))
    for kind in ("uplink", "shared"):
        assert edge_errors(truth, truth, facts_of(CARRIER | {"kind": kind}), DEFAULT) == []
    short = block((100, 156, LTE))
    short[3:] = NOISE
    assert edge_errors(short, short, facts_of(CARRIER), DEFAULT) == []


# ---- scores


def perfect(truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask and confidences that are right and sure."""
    return truth.clamp_max(4).to(torch.uint8), torch.ones(truth.shape)


def test_a_perfect_mask_gets_perfect_scores(made):
    found = frames.BenchmarkSet(made, SPEC, DEFAULT)
    on_air, whole_band = [], []
    for i, facts in enumerate(found.facts):
        truth = torch.from_numpy(found.truth[i : i + 1][0]).long()
        on_air.append(frame_score(*perfect(truth), truth, facts, DEFAULT))
        if facts["part"] == strata.PAPER:
            band = band_truth(truth, facts["sample_rate"], facts["carriers"])
            whole_band.append(frame_score(*perfect(band), band, facts, DEFAULT))
    result = grouped(on_air, whole_band, DEFAULT.names)
    paper = [s for s in strata.STRATA[:8] if s.part == strata.PAPER]
    assert result["paper"]["all"]["frames"] == len(paper) == 1
    assert result["whole"]["all"]["frames"] == 8
    for section in result.values():
        for found_scores in section.values():
            assert found_scores["pixel_accuracy"] == found_scores["mean_iou"] == 1
            assert found_scores["calibration_error"] == 0
            assert found_scores["edges"]["median_bins"] in (0, None)
    assert result["paper"]["all"]["edges"]["carriers"] == 2
    assert result["paper"]["all"]["iou"]["other"] is None


def test_a_group_counts_what_it_misses():
    truth = torch.from_numpy(block((100, 156, LTE))).long()
    facts = facts_of(CARRIER)
    wider = torch.from_numpy(block((98, 156, LTE))).long()
    nothing = torch.zeros_like(truth)
    told = [frame_score(*perfect(mask), truth, facts, DEFAULT) for mask in (truth, wider, nothing)]
    assert summary(told, DEFAULT.names) == {
        "frames": 3,
        "pixel_accuracy": pytest.approx(1 - 59 / (3 * 256), abs=1e-4),
        "mean_iou": pytest.approx((595 / 654 + 114 / 173) / 2, abs=1e-4),
        "iou": {
            "noise": pytest.approx(595 / 654, abs=1e-4),
            "lte": pytest.approx(114 / 173, abs=1e-4),
            "nr": None,
            "wifi": None,
            "other": None,
        },
        "calibration_error": pytest.approx(59 / (3 * 256), abs=1e-4),
        "edges": {"carriers": 3, "missed": 0.3333, "median_bins": 0, "within_a_bin": 0.75},
    }


def test_a_class_that_the_truth_lacks_is_not_in_the_mean():
    counts = np.array([[6, 2, 0, 0], [0, 4, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    result = scores(counts, ("noise", "lte", "nr", "other"))
    assert result["iou"] == {"noise": 0.75, "lte": 0.6667, "nr": None, "other": None}
    assert result["mean_iou"] == pytest.approx((0.75 + 2 / 3) / 2, abs=1e-4)


FOUR = read_classes({"wifi": None}, "test")


class Guess(CalibratedSegmenter):
    """Calls everything noise, with the same confidence."""

    def __init__(self):
        super().__init__(len(FOUR))
        self.gain = torch.nn.Parameter(torch.tensor(2.0))

    def logits(self, frames_db, resolution, evidence=None):
        noise = torch.ones_like(frames_db) * self.gain
        return torch.cat([noise, 0 * noise, 0 * noise, 0 * noise], 1)


def test_a_model_that_calls_all_noise_misses_every_carrier(made):
    found = frames.BenchmarkSet(made, SPEC, FOUR)
    result = score_frames(in_training(Guess(), "fp32"), found, SPEC, FOUR)
    whole = result["whole"]["all"]
    assert result["name"] == "radiofm-bench-2" and result["frames"] == whole["frames"] == 8
    scored = found.truth[:]
    scored = scored[scored != IGNORE]
    share = float((scored == NOISE).mean())
    assert whole["pixel_accuracy"] == pytest.approx(share, abs=1e-4)
    confidence = torch.tensor([2.0, 0, 0, 0]).softmax(0)[0].item()
    assert whole["calibration_error"] == pytest.approx(abs(share - confidence), abs=3e-3)
    assert whole["edges"]["missed"] == 1 and whole["edges"]["median_bins"] is None
    emissions = whole["emissions"]
    assert emissions["reported"] == emissions["recall"] == 0 and emissions["precision"] is None
    assert emissions["true"] > 4 and emissions["without"] == ["wifi"]
    assert json.loads(json.dumps(result)) == result
    lines = table(result).splitlines()
    sections = ("whole", "mixed", "paper", "paper_on_air", "scenarios")
    every = sum(len(result[s]) for s in sections)
    pixels, emissions = lines.index("pixels"), lines.index("emissions")
    rows = [line for line in lines[pixels:emissions] if line.startswith("  ")]
    assert len(rows) == 1 + every
    # whole-band labels know of no emissions
    rows = [line for line in lines[emissions:-1] if line.startswith("  ") and ":" not in line]
    assert len(rows) == 1 + every - len(result["paper"])
    assert any(line.split()[:2] == [">=", "10"] for line in rows)
    assert "wifi" in lines[-1]


# ---- recipes


@pytest.mark.parametrize(
    "scenes, maker",
    [
        ("paper", PaperMaker),
        ("paper-on-air", OnAirMaker),
        ("wide", WideSpanMaker),
        ("others", OtherSpansMaker),
        ("arbitrary", ArbitrarySpansMaker),
    ],
)
def test_a_recipe_can_train_on_scenes_of_one_kind(tmp_path, scenes, maker):
    config = FramesConfig(2, 3, SPEC.rows, scenes)
    folder = generated.prepare(tmp_path, config, SPEC, 1)
    # beside a set of all scenes with the same seeds
    assert folder.name == f"{scenes}-frames-3-2x256"
    assert generated.wanted(config, SPEC, maker) != generated.wanted(
        replace(config, scenes="all"), SPEC, SceneMaker
    )
    truth = maker(SPEC).frame(4).truth
    found = FrameSet(folder, SPEC, DEFAULT).truth[1:2][0]
    assert np.array_equal(found, DEFAULT.of_kinds()[truth.numpy()])


def test_what_a_set_looks_like_does_not_depend_on_the_number_of_threads():
    threads = []

    class Maker(SceneMaker):
        def frame(self, seed):
            threads.append(torch.get_num_threads())
            return super().frame(seed)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        generated.rendered_fingerprint(FramesConfig(2, 3, 16), SPEC, Maker)
        assert threads == [1, 1] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_wide_spans_hold_other_emissions_with_and_without_carriers():
    frames = [WideSpanMaker(SPEC, 64).frame(seed) for seed in range(16)]
    assert all(f.resolution[0] * SPEC.cols > 19.9e6 for f in frames)
    with_other = [bool(((f.truth >= FIRST_OTHER) & (f.truth < IGNORE)).any()) for f in frames]
    with_carrier = [bool(((f.truth == LTE) | (f.truth == NR)).any()) for f in frames]
    assert sum(with_other) > 12 and sum(with_carrier) > 8
    # and not one beside the other alone
    assert any(a and b for a, b in zip(with_other, with_carrier, strict=True))
    assert not all(with_carrier)


def test_spans_of_others_hold_many_kinds_and_sometimes_a_carrier():
    frames = [OtherSpansMaker(SPEC, 64).frame(seed) for seed in range(24)]
    found = {int(kind) for f in frames for kind in f.truth.unique()} - {0, IGNORE}
    assert len({kind for kind in found if kind >= FIRST_OTHER}) > 10
    assert found & {LTE, NR}


def test_seeds_of_the_benchmark_are_refused_for_training():
    recipe = read_recipe(RECIPES / "debug.yaml")
    for part in ("train", "validation", "calibration"):
        near = replace(getattr(recipe.data, part), first_seed=strata.FIRST_SEED - 1)
        with pytest.raises(UsageError, match=f"seeds of {part} .* and of radiofm-bench-2 .*over"):
            replace(recipe, data=replace(recipe.data, **{part: near}))


@pytest.mark.parametrize("count", [0, strata.FRAMES + 1, True, "all"])
def test_a_wrong_number_of_benchmark_frames_is_refused(count):
    recipe = read_recipe(RECIPES / "debug.yaml")
    with pytest.raises(UsageError, match=r"benchmark is .* give 1 to 1294 frames, or null"):
        replace(recipe, benchmark=count)


def test_a_recipe_can_leave_the_benchmark_out(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(f"base: {RECIPES / 'debug.yaml'}\nbenchmark: null\n")
    assert read_recipe(path).benchmark is None
    assert read_recipe(RECIPES / "debug.yaml").benchmark == 6
    assert read_recipe(RECIPES / "default.yaml").benchmark == strata.FRAMES
