# SPDX-License-Identifier: GPL-3.0-or-later
"""The map of emissions in recordings without labels: what is a patch of energy, what the shipped
encoder groups together, the picture and its table, bad input."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import InputError, UsageError
from training.segmentation.embedding_map.layout import find_groups, lay_out
from training.segmentation.embedding_map.make import make_map
from training.segmentation.embedding_map.patches import (
    MOST_PATCHES,
    choose_places,
    find_patches,
    noise_db,
    open_sources,
    read_frames,
)
from training.segmentation.embedding_map.picture import (
    CAPTION_HEIGHT,
    THUMB_HEIGHT,
    THUMB_WIDTH,
    thumbnail_spots,
)
from training.tasks import TASKS, read_recipe

ROOT = Path(__file__).parents[1]
RATE, CENTER_HZ = 4e6, 868e6
SPEC = read_bundle_info("default").spec
pytestmark = pytest.mark.usefixtures("one_thread")


def keyed(count: int, rng: np.random.Generator) -> np.ndarray:
    """Two tones, keyed: 100 kHz apart, 50 kbit/s."""
    bits = np.repeat(rng.integers(0, 2, count // 80 + 1), 80)[:count]
    return np.exp(2j * np.pi * np.cumsum((bits - 0.5) * 100e3 / RATE))


def carriers(count: int, rng: np.random.Generator) -> np.ndarray:
    """OFDM: 64 subcarriers of 15 kHz with cyclic prefixes."""
    size, prefix = round(RATE / 15e3), 18
    symbols = []
    for _ in range(count // (size + prefix) + 1):
        bins = np.zeros(size, complex)
        bins[np.r_[1:33, -32:0]] = rng.choice([1, -1], 64) + 1j * rng.choice([1, -1], 64)
        symbol = np.fft.ifft(bins) * size / np.sqrt(128)
        symbols.append(np.concatenate([symbol[-prefix:], symbol]))
    return np.concatenate(symbols)[:count]


def sweeps(count: int, rng: np.random.Generator) -> np.ndarray:
    """Chirps over 500 kHz, each 1 ms."""
    time = (np.arange(count) + rng.integers(0, 4000)) / RATE % 1e-3
    return np.exp(2j * np.pi * np.cumsum((time / 1e-3 - 0.5) * 500e3 / RATE))


# Signals, and half of their bandwidth in Hz
KINDS = {"keyed": (keyed, 90e3), "carriers": (carriers, 490e3), "sweeps": (sweeps, 260e3)}


def write(stem: Path, iq: np.ndarray, annotations: list[dict] = (), rate: float = RATE) -> None:
    """A SigMF pair of float samples."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".sigmf-data").write_bytes(iq.astype("<c8").tobytes())
    fields = {
        "global": {"core:datatype": "cf32_le", "core:sample_rate": rate, "core:version": "1.2.5"},
        "captures": [{"core:sample_start": 0, "core:frequency": CENTER_HZ}],
        "annotations": list(annotations),
    }
    stem.with_suffix(".sigmf-meta").write_text(json.dumps(fields))


def noise(count: int, rng: np.random.Generator) -> np.ndarray:
    return 0.01 * (rng.standard_normal(count) + 1j * rng.standard_normal(count))


def record(stem: Path, seed: int, bursts: int, annotated: bool = True) -> list[dict]:
    """Noise, and one burst after the other of kinds, frequencies and levels by chance; returns
    their annotations."""
    rng = np.random.default_rng(seed)
    slot = round(6e-3 * RATE)
    iq, boxes = noise(slot * bursts, rng), []
    for number in range(bursts):
        kind = list(KINDS)[number % 3]
        make, half_hz = KINDS[kind]
        count = round(rng.uniform(2.5e-3, 4e-3) * RATE)
        start = number * slot + round(rng.uniform(0, 1.5e-3) * RATE)
        offset = rng.uniform(-1, 1) * (RATE / 2 - half_hz - 100e3)
        carrier = np.exp(2j * np.pi * offset / RATE * np.arange(count))
        iq[start : start + count] += rng.uniform(0.08, 0.2) * make(count, rng) * carrier
        boxes.append(
            {
                "core:sample_start": start,
                "core:sample_count": count,
                "core:freq_lower_edge": CENTER_HZ + offset - half_hz,
                "core:freq_upper_edge": CENTER_HZ + offset + half_hz,
                "core:label": kind,
            }
        )
    write(stem, iq, boxes if annotated else ())
    return boxes


def table(picture: Path) -> list[dict]:
    with picture.with_suffix(".csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory) -> tuple[list[dict], list[dict], Path, str]:
    """Annotations, lines of the table, the picture and what was said of three recordings, each
    with all kinds of bursts."""
    folder = tmp_path_factory.mktemp("mapped")
    boxes = [
        box | {"recording": f"r{seed}"}
        for seed in range(3)
        for box in record(folder / f"recordings/r{seed}", seed, 18)
    ]
    out = folder / "map.png"
    told = make_map(str(folder / "recordings"), out)
    return boxes, table(out), out, told


def test_each_burst_is_a_point_at_its_time_and_frequency(mapped):
    boxes, lines, _, _ = mapped
    found = 0
    for box in boxes:
        start_s, seconds = (box[f"core:sample_{k}"] / RATE for k in ("start", "count"))
        low, high = box["core:freq_lower_edge"], box["core:freq_upper_edge"]
        for line in lines:
            begin, lasts = float(line["start_s"]), float(line["duration_s"])
            middle, width = float(line["frequency_hz"]), float(line["bandwidth_hz"])
            if (
                line["recording"] == box["recording"]
                and abs(begin - start_s) < 3e-4
                and abs(lasts - seconds) < 6e-4
                and abs(middle - (low + high) / 2) < 6e4
                and 0.4 < width / (high - low) < 1.6
            ):
                found += 1
                assert line["label"] == box["core:label"]
                break
    # some are cut by the end of a frame, and then are two
    assert found >= 0.8 * len(boxes)
    assert len(lines) <= 1.3 * len(boxes)


def test_the_groups_of_the_shipped_encoder_are_of_one_kind(mapped):
    _, lines, _, told = mapped
    kinds = np.array([list(KINDS).index(line["label"]) for line in lines if line["label"]])
    groups = np.array([int(line["group"]) for line in lines if line["label"]])
    assert len(kinds) >= 0.9 * len(lines)
    chance = np.random.default_rng(0)
    by_chance = np.mean([purity(chance.permutation(kinds), groups) for _ in range(50)])
    assert purity(kinds, groups) >= 0.9 and by_chance < 0.65
    count = groups.max()
    assert set(groups) == set(range(1, count + 1)) and count >= 3
    assert f"{len(lines)} emissions in {count} groups" in told
    # a group is no recording
    largest = {line["recording"] for line in lines if line["group"] == "1"}
    assert len(largest) == 3


def purity(kinds: np.ndarray, groups: np.ndarray) -> float:
    """The share of emissions whose kind is that of most in their group."""
    most = sum(np.bincount(kinds[groups == group]).max() for group in set(groups.tolist()))
    return most / len(kinds)


def test_the_picture_has_points_in_the_colours_of_the_labels(mapped):
    _, lines, out, _ = mapped
    pixels = np.asarray(Image.open(out).convert("RGB")).reshape(-1, 3)
    assert len(pixels) > 1_000_000
    names = sorted({line["label"] for line in lines if line["label"]})
    assert names == sorted(KINDS)
    for color in ("#23c4ff", "#ffa01e", "#7ee081"):
        wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert (pixels == wanted).all(1).sum() > 500


def test_without_labels_the_points_lie_where_they_did(mapped, tmp_path):
    _, lines, _, _ = mapped
    for seed in range(3):
        record(tmp_path / f"bare/r{seed}", seed, 18, annotated=False)
    told = make_map(str(tmp_path / "bare"), tmp_path / "bare.png", count=4)
    bare = table(tmp_path / "bare.png")
    assert [line["label"] for line in bare] == [""] * len(lines)
    for key in ("recording", "start_s", "frequency_hz", "x", "y"):
        assert [line[key] for line in bare] == [line[key] for line in lines]
    assert "4 groups" in told and {line["group"] for line in bare} == {"1", "2", "3", "4"}


def test_noise_is_no_patch_and_a_weak_narrow_burst_is_one(tmp_path):
    rng = np.random.default_rng(5)
    iq = noise(round(0.06 * RATE), rng)
    write(tmp_path / "noise", iq)
    burst = slice(round(0.021 * RATE), round(0.023 * RATE))
    time = np.arange(burst.stop - burst.start) / RATE
    iq[burst] += 0.006 * np.exp(2j * np.pi * 700e3 * time)  # 7 dB below the noise of the span
    write(tmp_path / "burst", iq)
    sources = open_sources(str(tmp_path), SPEC)
    chosen, total = choose_places(sources, SPEC, 100)
    assert len(chosen) == total == 8
    found = [
        (frame.source.name, patch)
        for frame in read_frames(chosen, SPEC)
        for patch in find_patches(frame)
    ]
    [(name, patch)] = found
    assert name == "burst"
    assert patch.cols[1] - patch.cols[0] <= 4
    assert abs((patch.cols[0] + patch.cols[1]) / 2 - 128.5 - 700e3 / RATE * 256) < 1.5


@pytest.mark.parametrize("share", [0.06, 0.5, 0.9])
def test_the_noise_is_found_beside_carriers_of_any_width(share):
    rng = np.random.default_rng(1)
    squares = -80 + 0.5 * rng.standard_normal((64, 64))
    squares[:, : round(64 * share)] += 17
    assert noise_db(squares) == pytest.approx(-80, abs=1.5)


def test_frames_are_spread_over_recordings_and_their_time(tmp_path):
    rng = np.random.default_rng(2)
    write(tmp_path / "long", noise(round(0.4 * RATE), rng))
    write(tmp_path / "short", noise(round(0.04 * RATE), rng))
    chosen, total = choose_places(open_sources(str(tmp_path), SPEC), SPEC, 8)
    starts = [place.start for source, place in chosen if source.name == "long"]
    assert total == 28 and len(chosen) == 8
    assert sum(source.name == "short" for source, _ in chosen) == 3  # all that it has
    assert starts == sorted(set(starts)) and starts[-1] - starts[0] > 0.25 * RATE


def test_one_emission_and_mixed_rates_are_mapped(tmp_path):
    rng = np.random.default_rng(3)
    iq = noise(round(0.02 * RATE), rng)
    iq[20_000:40_000] += 0.3 * carriers(20_000, rng)
    write(tmp_path / "one/a", iq)
    out = tmp_path / "one.png"
    assert make_map(str(tmp_path / "one"), out).startswith("1 emission in 1 group,")
    [line] = table(out)
    assert (line["recording"], line["group"]) == ("a", "1")
    assert float(line["start_s"]) == pytest.approx(20_000 / RATE, abs=2e-4)
    write(tmp_path / "one/b", iq[::2].copy(), rate=RATE / 2)
    make_map(str(tmp_path / "one"), out)
    assert {line["recording"] for line in table(out)} == {"a", "b"}


def test_many_patches_of_a_frame_are_the_strongest(tmp_path):
    rng = np.random.default_rng(4)
    iq = noise(round(0.02 * RATE), rng)
    time = np.arange(round(2e-3 * RATE)) / RATE
    for number in range(21):  # at three times, on seven frequencies, the last ones the strongest
        start, carrier = round(6e-3 * RATE) * (number // 7), 500e3 * (number % 7 - 3)
        level = 0.02 * 1.03**number
        iq[start : start + len(time)] += level * np.exp(2j * np.pi * carrier * time)
    write(tmp_path / "many", iq)
    chosen, _ = choose_places(open_sources(str(tmp_path), SPEC), SPEC, 1)
    [frame] = read_frames(chosen, SPEC)
    patches = find_patches(frame)
    assert len(patches) == MOST_PATCHES
    assert sum(patch.rows[0] > 150 for patch in patches) == 7
    assert not any(patch.rows[0] < 60 for patch in patches)


def test_thumbnails_lie_upon_no_other_and_near_their_points():
    rng = np.random.default_rng(6)
    points = 0.15 + 0.7 * rng.random((150, 2))
    numbers = points[:3]
    spots = thumbnail_spots(points, range(20), numbers)
    there = [spot for spot in spots if spot is not None]
    assert len(there) >= 10
    high = THUMB_HEIGHT + CAPTION_HEIGHT
    for i, (x, y) in enumerate(there):
        assert 0 <= x <= 1 - THUMB_WIDTH and 0 <= y <= 1 - high
        for u, v in there[:i]:
            assert abs(x - u) >= THUMB_WIDTH or abs(y - v) >= high
        for u, v in numbers:
            assert not (x < u < x + THUMB_WIDTH and y < v < y + high)


def test_few_points_are_laid_out_and_grouped_too():
    rng = np.random.default_rng(7)
    for count in (1, 2, 3, 7, 9):
        spots = lay_out(rng.standard_normal((count, 12)).astype(np.float32))
        assert spots.shape == (count, 2) and np.isfinite(spots).all()
        assert np.abs(spots).max() <= 1 + 1e-9
        groups = find_groups(spots)
        assert sorted(set(groups.tolist())) == list(range(1, groups.max() + 1))
    assert (lay_out(np.ones((20, 12), np.float32)) == 0).all()
    twice = np.repeat(rng.standard_normal((10, 12)), 2, axis=0).astype(np.float32)
    assert np.isfinite(lay_out(twice)).all()


def damaged(folder: Path) -> None:
    record(folder / "good", 0, 3)
    record(folder / "bad", 1, 3)
    (folder / "bad.sigmf-data").unlink()


def silent(folder: Path) -> None:
    write(folder / "a", noise(100_000, np.random.default_rng(0)))


def odd(folder: Path) -> None:
    record(folder / "a", 0, 3)


@pytest.mark.parametrize(
    ("prepare", "options", "error", "named"),
    [
        (lambda folder: None, {}, InputError, r"holds no \*\.sigmf-meta files"),
        (silent, {}, InputError, "nothing rises above the noise in"),
        (damaged, {}, InputError, "bad"),
        (odd, {"count": 99}, UsageError, "--groups 99: expected 1 to"),
        (odd, {"most": 0}, UsageError, "--frames 0"),
        (odd, {"out": "map.jpg"}, UsageError, r"map.jpg: expected a name that ends in \.png"),
        (odd, {"model": "activity"}, Exception, "activity"),
    ],
    ids=["empty", "silent", "damaged", "groups", "frames", "suffix", "model"],
)
def test_bad_input_is_one_line_and_nothing_is_overwritten(tmp_path, prepare, options, error, named):
    folder = tmp_path / "in"
    folder.mkdir()
    prepare(folder)
    out = tmp_path / options.pop("out", "map.png")
    before = {path: path.write_text("mine") for path in (out, out.with_suffix(".csv"))}
    with pytest.raises(error, match=named) as raised:
        make_map(str(folder), out, **options)
    assert "\n" not in str(raised.value)
    assert all(path.read_text() == "mine" for path in before)
    assert {path.name for path in tmp_path.iterdir()} == {"in", *(path.name for path in before)}


def test_the_command_ends_with_one_line_and_exit_2(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "training.map", tmp_path / "none", "--out", tmp_path / "map.png"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "none is not a folder" in done.stderr and not list(tmp_path.iterdir())


def test_pre_training_goes_on_without_labels_and_the_map_takes_what_it_made(tmp_path):
    for seed in range(2):
        record(tmp_path / f"mine/r{seed}", seed, 6, annotated=False)
    generated = {"frames": 2, "first_seed": 210000000}
    fields = {
        "base": str(ROOT / "training/recipes/own_pretraining.yaml"),
        "name": "small",
        "folder": str(tmp_path / "runs"),
        "data": {
            "pretrain": {"recordings": str(tmp_path / "mine"), "labelled": False},
            "train": generated,
            "validation": generated | {"first_seed": 10000000},
        },
        "pretrain": {"steps": 3, "batch": 2, "warmup": 1, "watch_every": 3},
        "finetune": {"steps": 1, "batch": 2, "warmup": 1},
    }
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(fields))
    recipe = read_recipe(path)
    bundle = TASKS[recipe.task].stages["export"](recipe)
    told = make_map(str(tmp_path / "mine"), tmp_path / "own.png", str(bundle))
    make_map(str(tmp_path / "mine"), tmp_path / "shipped.png")
    own, shipped = table(tmp_path / "own.png"), table(tmp_path / "shipped.png")
    assert f"{len(own)} emissions" in told
    # the same emissions, elsewhere on the map: it is another encoder
    assert [line["start_s"] for line in own] == [line["start_s"] for line in shipped]
    assert [line["x"] for line in own] != [line["x"] for line in shipped]
