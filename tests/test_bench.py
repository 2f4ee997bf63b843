# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm bench`` measures what it says; how fast it is, no test asks."""

import io
import json
import math

import pytest
from PIL import Image
from radiofm_command import assert_one_line_error, radiofm

from radiofm_cli.bench import live_view
from radiofm_cli.bench import measure as bench
from radiofm_cli.bench.eager import EagerModel
from radiofm_cli.bench.live import add_latency, run_receivers
from radiofm_cli.bench.over_zmq import send_frames
from radiofm_cli.bench.picture import draw_figures
from radiofm_cli.bench.results import Section, alternate
from radiofm_cli.bench.scene import FRAMES, write_scene
from radiofm_cli.bench.segmenter import frame_fields, scene_frames
from radiofm_cli.bench.table import machine_lines, table_lines
from radiofm_cli.bench.targets import TARGETS
from radiofm_core.bundle import bundled_models, read_bundle_info
from radiofm_core.inference import load_bundle
from radiofm_core.machine import describe_machine
from radiofm_core.spectrum.spec import SpectrogramSpec

needs_model = pytest.mark.skipif(not bundled_models(), reason="no model is bundled yet")
TINY = bench.Effort(
    repetitions=1,
    framer_s=0.1,
    model_calls=1,
    gemm_size=256,
    frames=8,
    live_s=1.0,
    scaling_s=1.0,
    zmq_frames=8,
)


# Several threads would wait for each other where other tests run beside
pytestmark = pytest.mark.usefixtures("one_thread")
RATE = 1.92e6
SPEC = SpectrogramSpec()


@pytest.fixture(autouse=True)
def one_thread_in_children(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="module")
def found(one_thread):
    return bench.measure(("framer", "segmenter", "end_to_end"), effort=TINY)


@needs_model
def test_figures_have_their_names_values_and_repetitions(found):
    values = {n: (v, raw) for name, s in found.items() for n, v, raw in s.walk(name)}
    targets = {name for name in TARGETS if not name.startswith(("live.", "view."))}
    more = {
        "framer.cpu_s_per_gs",
        "framer.msps",
        "segmenter.fps",
        "segmenter.speedup_over_eager_fp32",
    }
    assert targets | more <= set(values)
    for name, (value, raw) in values.items():
        assert math.isfinite(value) and value > 0, name
        assert len(raw) in (0, TINY.repetitions), name
        assert not raw or min(raw) <= value <= max(raw), name
    assert found["end_to_end"].figures["frames_out"] == TINY.frames


@needs_model
def test_figures_as_json_a_table_and_a_picture(found):
    content = json.loads(json.dumps({name: section.to_dict() for name, section in found.items()}))
    assert content["framer"]["msps"] == found["framer"].figures["msps"]
    assert len(content["segmenter"]["raw"]["fps"]) == TINY.repetitions
    lines = [line.split() for line in table_lines(found)]
    (line,) = (line for line in lines if line[0] == "end_to_end.ratio_to_naive")
    assert "5" in line and line[-1] in ("met", "missed")
    machine = describe_machine(gnuradio=bench.gnuradio_version())
    assert machine["torch"] in " ".join(machine_lines(machine))
    picture = io.BytesIO()
    draw_figures(found, machine, picture)
    assert Image.open(picture).size[0] > 1000


@needs_model
def test_the_models_operations_are_all_counted():
    info = read_bundle_info()
    meta = frame_fields(info.spec, RATE)
    model = info.recipe["model"]
    tokens, dim, depth = 256, model["dim"], model["depth"]
    layers = 4 + 2 * model["expansion"]
    blocks = depth * (2 * tokens * layers * dim**2 + 4 * tokens**2 * dim)
    flops = EagerModel(info).count_flops(scene_frames(info.spec, RATE)[:1], meta)
    # the transformer's, and half as much again of convolutions
    assert 1.3 * blocks < flops < 2 * blocks


@needs_model
def test_the_eager_model_sees_what_the_block_sees():
    model = load_bundle(precision="fp32", device="cpu")
    frames, meta = scene_frames(model.info.spec, RATE), frame_fields(model.info.spec, RATE)
    resolution = (meta["sample_rate"] / meta["cols"], meta["row_duration"])
    agree = EagerModel(model.info).segment(frames, meta) == model.segment(frames, resolution)[0]
    assert agree.mean() > 0.999


@needs_model
def test_a_receiver_has_latencies_of_all_its_frames(tmp_path):
    recording = write_scene(tmp_path, RATE, SPEC)
    answer = run_receivers(recording, read_bundle_info(), 1, 1.0)
    section = Section()
    add_latency(section, answer)
    due = int(RATE) // SPEC.frame_samples(SPEC.hops_per_row(RATE))
    assert section.figures["frames"] == due
    assert len(answer["latency_ms"]) + answer["lost_frames"] == due
    # no answer before its frame was complete
    assert min(answer["latency_ms"]) > 0
    assert section.figures["latency_p50_ms"] <= section.figures["latency_p99_ms"]
    assert answer["memory_mb"] > 100


@needs_model
def test_the_live_view_is_measured_beside_a_receiver_without_one(tmp_path, monkeypatch):
    monkeypatch.setattr(live_view, "SAMPLE_RATES", (RATE,))
    monkeypatch.setattr(live_view, "PAIRS", 1)
    part = live_view.measure_live_view(read_bundle_info(), TINY, tmp_path).parts["1.92"]
    assert part.figures["draws_per_s"] > 0
    assert 0 < part.figures["cpu_share"] < 2
    assert 0 <= part.figures["lost_share"] <= 1 and 0 <= part.figures["lost_share_without"] <= 1
    assert {name.replace("view.61.44.", "") for name in TARGETS if "view." in name} <= set(
        part.figures
    )


@needs_model
def test_frames_and_their_tags_pass_zeromq(tmp_path):
    recording = write_scene(tmp_path, RATE, SPEC, repeats=2)
    answer = send_frames(recording, read_bundle_info())
    assert answer["frames"] == answer["tags_kept"] == 2 * FRAMES
    assert answer["fps"] > 0


def test_cases_alternate():
    order = []
    cases = {name: lambda name=name: order.append(name) or len(order) for name in "ab"}
    found = alternate(cases, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert found == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_bars_say_what_is_met():
    section = Section()
    section.add_median("cpu_ratio_to_gnuradio_chain", [0.3, 0.2, 0.1])
    section.add_median("ratio_to_null_sink", [0.5, 0.7, 0.6])
    lines = [line.split() for line in table_lines({"framer": section})]
    assert lines[1:] == [
        ["framer.cpu_ratio_to_gnuradio_chain", "0.2", "0.1", "..", "0.3", "≤", "0.25", "met"],
        ["framer.ratio_to_null_sink", "0.6", "0.5", "..", "0.7", "≥", "0.9", "missed"],
    ]


def test_wrong_options_are_one_line(tmp_path):
    assert_one_line_error(radiofm("bench", "--only", "framer,speed"), "'speed'", "segmenter")
    assert_one_line_error(radiofm("bench", "--out", tmp_path / "x.txt"), "x.txt", ".json")
    missing = radiofm("bench", "--model", tmp_path / "no.pt", "--out", tmp_path / "b.json")
    assert_one_line_error(missing, "no.pt")
    assert not (tmp_path / "b.json").exists()
