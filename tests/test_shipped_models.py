# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that come with the package on the small recordings of ``tests/fixtures``: labels and
edges as :mod:`make_fixtures` put them there."""

import json
from pathlib import Path

import make_fixtures
import numpy as np
import pytest
from radiofm_command import radiofm

FIXTURES = Path(__file__).with_name("fixtures")
DEMO = Path(__file__).parents[1] / "examples/demo"
# Of each recording: the label; how far edges may lie off, as a share of the sample rate; the least
# share of the band's pixels with that label (TDD: the other link's time is noise; NR: what is not
# sent is)
KINDS = {
    "lte_fdd": ("lte", 0.02, 0.95),
    "lte_tdd": ("lte", 0.02, 0.70),
    "nr_fdd": ("nr", 0.02, 0.50),
    "wifi": ("wifi", 0.05, 0.90),
}


def truth_of(name: str) -> dict:
    return json.loads((FIXTURES / f"{name}.sigmf-meta").read_text())


@pytest.fixture(scope="module")
def segmented(tmp_path_factory):
    """The folder of results of all recordings, in one run of the command."""
    out = tmp_path_factory.mktemp("segmented")
    metas = [FIXTURES / f"{name}.sigmf-meta" for name in (*KINDS, "noise")]
    done = radiofm("segment", *metas, "--out", out, fresh=True)
    assert done.returncode == 0, done.stderr
    return out


def emissions_of(out, name: str) -> list[dict]:
    return [json.loads(line) for line in (out / f"{name}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", KINDS)
def test_the_emission_has_its_label_and_edges(segmented, name):
    label, tolerance, _ = KINDS[name]
    meta = truth_of(name)
    rate = meta["global"]["core:sample_rate"]
    found = max(emissions_of(segmented, name), key=lambda e: e["bandwidth"] * e["active_time"])
    assert found["label"] == label
    edges = found["center_frequency"] + np.array([-0.5, 0.5]) * found["bandwidth"]
    first, last = meta["annotations"][0], meta["annotations"][-1]
    true = [first["core:freq_lower_edge"], first["core:freq_upper_edge"]]
    assert edges == pytest.approx(true, abs=tolerance * rate)
    begin = first["core:sample_start"] / rate
    end = (last["core:sample_start"] + last["core:sample_count"]) / rate
    assert found["start_time"] == pytest.approx(begin, abs=0.2e-3)
    # an uplink, or symbols without data, may end it
    assert found["start_time"] + found["duration"] == pytest.approx(end, abs=1.2e-3)


@pytest.mark.parametrize("name", KINDS)
def test_pixels_in_the_band_have_its_label_and_others_are_noise(segmented, name):
    label, _, least = KINDS[name]
    with np.load(segmented / f"{name}.mask.npz") as archive:
        mask, time_s, hertz = archive["mask"], archive["time_s"], archive["frequency_hz"]
        number = list(archive["classes"]).index(label)
    meta = truth_of(name)
    inside = np.zeros(mask.shape, bool)
    for one in meta["annotations"]:
        begin, count = one["core:sample_start"], one["core:sample_count"]
        sample = time_s * meta["global"]["core:sample_rate"]
        rows = (sample >= begin) & (sample < begin + count)
        cols = (hertz > one["core:freq_lower_edge"]) & (hertz < one["core:freq_upper_edge"])
        inside |= rows[:, None] & cols
    assert (mask[inside] == number).mean() > least
    assert (mask[mask != 0] == number).mean() > 0.95
    assert (mask[~inside] == 0).mean() > 0.93


def test_noise_alone_is_nothing(segmented):
    assert emissions_of(segmented, "noise") == []
    assert (np.load(segmented / "noise.mask.npz")["mask"] == 0).mean() > 0.99


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """The lines of ``radiofm activity`` on the simulated room."""
    out = tmp_path_factory.mktemp("room")
    done = radiofm("activity", DEMO / "room.npz", "--out", out)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (out / "room.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("movement", "label"), [("still", "SEATED"), ("walk", "WALKING")])
def test_a_person_in_a_simulated_room_is_seated_or_walks(room, movement, label):
    lines = (DEMO / "room.npz.labels.csv").read_text().splitlines()[1:]
    table = [(float(start), said) for start, _, said in (line.split(",") for line in lines)]

    def at(time_s: float) -> str:
        return [said for start, said in table if start <= max(time_s, 0.0)][-1]

    answers = []
    for line in room:
        middle = line["start_time"] + line["duration"] / 2
        # windows of two seconds see a change up to a second ahead and behind
        if {at(middle - 1), at(middle), at(middle + 1)} == {movement}:
            answers.append(line["label"])
    assert len(answers) >= 4
    assert set(answers) == {label}


def test_the_fixtures_are_what_their_script_makes(tmp_path):
    for number, kind in enumerate(make_fixtures.KINDS):
        path = make_fixtures.write_pair(tmp_path, kind, make_fixtures.SEED + number)
        kept, made = (
            np.fromfile((folder / path.name).with_suffix(".sigmf-data"), np.int8).astype(int)
            for folder in (FIXTURES, tmp_path)
        )
        # another processor's FFT may round the last bit otherwise
        assert len(kept) == len(made) and np.abs(kept - made).max() <= 1, path.name
        assert json.loads(path.read_text())["annotations"] == truth_of(path.stem)["annotations"]
    path = make_fixtures.write_room(tmp_path)
    kept, made = (np.load(folder / path.name) for folder in (DEMO, tmp_path))
    assert np.allclose(kept["amplitude"], made["amplitude"], rtol=2e-3)
    assert np.allclose(kept["time_s"], made["time_s"], rtol=0, atol=1e-9)
