# SPDX-License-Identifier: GPL-3.0-or-later
"""The default model on the demo recording: what it finds lies where the truth says."""

import json
from pathlib import Path

import pytest
from radiofm_command import radiofm

DEMO = Path(__file__).parents[1] / "examples/demo/demo.sigmf-meta"
# Shares of the span; NR's lower edge is 0.034 off
EDGE_TOLERANCE = {"lte": 0.03, "nr": 0.035, "wifi": 0.03}


@pytest.fixture(scope="module")
def emissions(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    done = radiofm("segment", DEMO, "--out", out)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (out / "demo.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("label", ("lte", "nr", "wifi"))
def test_they_are_found_with_their_edges(emissions, label):
    meta = json.loads(DEMO.read_text())
    tolerance = EDGE_TOLERANCE[label] * meta["global"]["core:sample_rate"]
    truth = next(a for a in meta["annotations"] if a["core:label"] == label)
    found = [
        e
        for e in emissions
        if e["label"] == label
        and abs(e["center_frequency"] - e["bandwidth"] / 2 - truth["core:freq_lower_edge"])
        < tolerance
        and abs(e["center_frequency"] + e["bandwidth"] / 2 - truth["core:freq_upper_edge"])
        < tolerance
    ]
    assert found, emissions


def test_each_transmission_is_reported_once(emissions):
    annotations = json.loads(DEMO.read_text())["annotations"]
    # the packets of the Wi-Fi channel are one
    bands = {(a["core:freq_lower_edge"], a["core:freq_upper_edge"]) for a in annotations}
    assert len(emissions) == len(bands)
    for low, high in bands:
        assert sum(low < e["center_frequency"] < high for e in emissions) == 1
