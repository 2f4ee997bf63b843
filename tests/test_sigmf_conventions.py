# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``radiofm segment`` writes is SigMF as others read it, whatever the input was."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
import warnings
from pathlib import Path

import pytest
import sigmf
from level_model import CENTER, RATE, two_carriers, write_recording
from radiofm_command import radiofm

from radiofm_core import keys
from radiofm_core.outputs.bursts import Burst, Pauses
from radiofm_core.outputs.sigmf_annotations import link_data, write_sigmf_meta
from radiofm_core.outputs.sigmf_emissions import EXTENSION, EXTENSION_VERSION
from radiofm_core.spectrum.recordings import open_recording

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/sigmf.md").read_text()
DEMO = ROOT / "examples/demo/demo.sigmf-meta"
# Hz, of a burst's edges; the upper one is beyond the span
BAND = (CENTER + 300e3, CENTER + 1e6)
OURS = {"name": EXTENSION, "version": EXTENSION_VERSION, "optional": True}


def validated(path: Path) -> dict:
    """A description that others read without a complaint."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as for an extension that is not declared
        sigmf.fromfile(path).validate()
    meta = json.loads(path.read_text())
    check_annotations(meta)
    return meta


def check_annotations(meta: dict) -> None:
    """Ours: complete, by start, within what the receiver saw, each with an identifier."""
    found = [a for a in meta["annotations"] if "radiofm:burst_id" in a]
    assert found
    starts = [a["core:sample_start"] for a in meta["annotations"]]
    assert starts == sorted(starts)
    rate = meta["global"]["core:sample_rate"]
    for each in found:
        assert each["core:label"] and each["core:comment"]
        assert each["core:generator"].startswith("radiofm ")
        identifier = uuid.UUID(each["core:uuid"])
        assert identifier.variant == uuid.RFC_4122 and str(identifier) == each["core:uuid"]
        capture = [
            c for c in meta["captures"] if c["core:sample_start"] <= each["core:sample_start"]
        ][-1]
        low, high = each["core:freq_lower_edge"], each["core:freq_upper_edge"]
        assert low < high and each["core:sample_count"] > 0
        assert abs(low - capture["core:frequency"]) <= rate / 2
        assert abs(high - capture["core:frequency"]) <= rate / 2
    identifiers = [a["core:uuid"] for a in found]
    assert len(identifiers) == len(set(identifiers))


def carrier(number: int, start: int, stop: int, low: float, high: float) -> dict:
    """An emission of those in two_carriers(), keys as in messages; Hz from the centre."""
    return {
        keys.BURST_ID: number,
        keys.LABEL: "lte",
        keys.CONFIDENCE: 0.9,
        keys.CENTER_FREQUENCY: CENTER + (low + high) / 2,
        keys.BANDWIDTH: high - low,
        keys.START_TIME: start / RATE,
        keys.DURATION: (stop - start) / RATE,
        keys.START_OFFSET: start,
        keys.END_OFFSET: stop,
        keys.SNR_DB: 20.0,
        keys.PWR_DB: -30.0,
        keys.ACTIVE_TIME: (stop - start) / RATE,
        keys.BURSTS: 2,
    }


@pytest.fixture
def described(tmp_path):
    """The description of a recording in which two carriers were found, as ``radiofm segment``
    writes it; the second one pauses and is a little wider than the span."""

    def describe(path, name: str = "out", **options) -> dict:
        recording = open_recording(path, **options)
        n = recording.num_samples
        emissions = [
            carrier(0, 0, n, -700e3, -200e3),
            carrier(1, n // 4, 3 * n // 4, 300e3, 1e6),
        ]
        bursts = [Burst(n // 4 + i * 5000, n // 4 + i * 5000 + 900, *BAND) for i in range(2)]
        pauses = {1: Pauses(1800 / RATE, tuple(bursts))}
        written = tmp_path / name / f"{path.stem}.sigmf-meta"
        written.parent.mkdir()
        linked = link_data(recording, written)
        with written.open("wb") as file:
            write_sigmf_meta(file, recording, emissions, "a model", True, linked, pauses)
        return validated(written)

    return describe


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> dict:
    out = tmp_path_factory.mktemp("demo")
    done = radiofm("segment", DEMO, "--out", out)
    assert done.returncode == 0, done.stderr
    validator = Path(sys.prefix) / "bin/sigmf_validate"
    done = subprocess.run([validator, out / "demo.sigmf-meta"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return validated(out / "demo.sigmf-meta")


def test_the_demos_result(demo):
    assert demo["global"]["core:extensions"] == [OURS]
    assert {a["core:label"] for a in demo["annotations"]} == {"lte", "nr", "wifi"}


def test_the_page_describes_each_field_of_the_extension(demo):
    used = {key for key in demo["global"] if key.startswith("radiofm:")}
    used |= {key for a in demo["annotations"] for key in a if key.startswith("radiofm:")}
    assert set(re.findall(r"^\| `(radiofm:\w+)` \|", PAGE, re.M)) == used
    assert f"Its version is {EXTENSION_VERSION}." in PAGE


def test_the_pages_example_is_an_annotation_of_the_demo(demo):
    shown = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.S).group(1))
    found = next(a for a in demo["annotations"] if a.get("core:uuid") == shown["core:uuid"])
    assert shown.keys() == found.keys()
    assert shown["core:comment"] == found["core:comment"]
    for key, value in shown.items():
        if isinstance(value, float):  # other processors compute a little differently
            assert value == pytest.approx(found[key], rel=1e-3), key


def test_the_pages_program_saves_the_last_samples_with_their_emissions(tmp_path):
    program = re.search(r"```python\n(.*?)```", PAGE, re.S).group(1)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    path = (tmp_path / done.stdout.strip()).with_suffix(".sigmf-meta")
    assert {a["core:label"] for a in validated(path)["annotations"]} == {"lte", "nr", "wifi"}
    assert path.with_suffix(".sigmf-data").stat().st_size == 8 * 614_400


def test_a_raw_file(tmp_path, described):
    two_carriers(0.05).tofile(tmp_path / "raw.bin")
    options = {"datatype": "cf32_le", "sample_rate": RATE, "center_frequency": CENTER}
    meta = described(tmp_path / "raw.bin", **options)
    assert meta["global"]["core:extensions"] == [OURS]
    assert meta["captures"] == [{"core:sample_start": 0, "core:frequency": CENTER}]


def test_a_header_before_the_samples(tmp_path, described):
    path = write_recording(tmp_path / "head", two_carriers(0.05))
    meta = json.loads(path.read_text())
    meta["captures"][0]["core:header_bytes"] = 16
    data = path.with_suffix(".sigmf-data")
    data.write_bytes(b"sixteen bytes of" + data.read_bytes())
    path.write_text(json.dumps(meta))
    assert described(path)["global"]["core:metadata_only"] is True


def test_a_recording_of_which_only_a_part_was_copied(tmp_path, described):
    path = write_recording(tmp_path / "cut", two_carriers(0.2))
    data = path.with_suffix(".sigmf-data")
    data.write_bytes(data.read_bytes()[: 8 * 100_000])
    meta = described(path)
    assert max(a["core:sample_start"] + a["core:sample_count"] for a in meta["annotations"]) <= 1e5


def test_captures_at_other_frequencies(tmp_path, described):
    path = write_recording(tmp_path / "hops", two_carriers(0.2))
    meta = json.loads(path.read_text())
    meta["captures"].append({"core:sample_start": 200_000, "core:frequency": CENTER + 1e6})
    path.write_text(json.dumps(meta))
    assert len(described(path)["captures"]) == 2


OWN = [
    {"core:sample_start": 5000, "core:sample_count": 10, "core:label": "mine"},
    {"core:sample_start": 0, "core:sample_count": 10, "antenna:azimuth": 3.0},
]


@pytest.mark.parametrize(
    ("declared", "others"),
    [
        (None, [{"name": "antenna", "version": "unknown", "optional": True}]),
        (
            [{"name": "antenna", "version": "1.0.0", "optional": False}],
            [{"name": "antenna", "version": "1.0.0", "optional": False}],
        ),
        # as early versions of SigMF had it
        ({"antenna": "0.9"}, [{"name": "antenna", "version": "0.9", "optional": True}]),
        (["antenna", 3], [{"name": "antenna", "version": "unknown", "optional": True}]),
        (
            [{"name": "radiofm", "version": "0.1.0", "optional": True}],
            [{"name": "antenna", "version": "unknown", "optional": True}],
        ),
    ],
)
def test_own_annotations_and_what_they_use_is_declared(tmp_path, described, declared, others):
    path = write_recording(tmp_path / "own", two_carriers(0.05))
    meta = json.loads(path.read_text())
    meta["annotations"] = OWN
    if declared is not None:
        meta["global"]["core:extensions"] = declared
    path.write_text(json.dumps(meta))
    written = described(path)
    assert written["global"]["core:extensions"] == [*others, OURS]
    assert [a for a in written["annotations"] if "core:uuid" not in a] == OWN[::-1]


def test_identifiers_are_those_of_the_same_run_and_of_no_other(tmp_path, described):
    path = write_recording(tmp_path / "a", two_carriers(0.05))
    other = write_recording(tmp_path / "b", two_carriers(0.05))

    def identifiers(meta) -> set[str]:
        return {a["core:uuid"] for a in meta["annotations"]}

    first = identifiers(described(path, name="1"))
    assert identifiers(described(path, name="2")) == first
    assert identifiers(described(other, name="3")).isdisjoint(first)
