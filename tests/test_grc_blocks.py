# SPDX-License-Identifier: GPL-3.0-or-later
"""Every block can be dragged into GNU Radio Companion, generates, and is made as set there."""

import inspect
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pmt
import pytest
import yaml
from evidence_model import EVIDENCE_SPEC, make_evidence_bundle
from gnuradio import gr, radiofm
from gnuradio.radiofm import radiofm_python
from grc_compiler import compiled, flowgraph, load_flowgraph, write_flowgraph
from level_model import make_level_bundle, two_carriers, write_recording
from motion_model import make_motion_bundle

from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import UsageError
from radiofm_core.spectrum.datatypes import DATATYPES
from radiofm_core.spectrum.spec import SpectrogramSpec

GRC = Path(__file__).parent.parent / "grc"
BLOCKS = sorted(set(radiofm.__all__) - {"frame_floats", "make_vector", "vector_view"})
RATE = 1.92e6


def block_file(name: str) -> dict:
    return yaml.safe_load((GRC / f"radiofm_{name}.block.yml").read_text())


def defaults_of(name: str) -> dict:
    """The parameters of a block and their defaults: its Python's, and its native options'."""
    kind = getattr(radiofm_python, f"{name}_options", None)
    native = {field: getattr(kind(), field) for field in kind.fields} if kind else {}
    signature = inspect.signature(getattr(radiofm, name)).parameters
    return native | {key: parameter.default for key, parameter in signature.items()}


def enum_options(name: str, parameter: str) -> list[str]:
    entry = next(p for p in block_file(name)["parameters"] if p["id"] == parameter)
    assert len(entry["options"]) == len(entry["option_labels"])
    return entry["options"]


def test_every_block_has_a_file_and_every_file_a_block():
    files = {p.name.removesuffix(".block.yml") for p in GRC.glob("*.block.yml")}
    assert files == {f"radiofm_{name}" for name in BLOCKS}


@pytest.mark.parametrize("name", BLOCKS)
def test_parameters_are_those_of_python_with_the_same_defaults(name):
    defaults = defaults_of(name)
    make = block_file(name)["templates"]["make"]
    for entry in block_file(name)["parameters"]:
        key = entry["id"]
        if entry["dtype"] == "gui_hint":  # the block's place, which GRC's own code gives it
            continue
        assert key in defaults and f"${{{key}}}" in make
        default = defaults[key]
        if default in (inspect.Parameter.empty, "") or entry["dtype"] == "raw":
            continue
        if isinstance(default, bool | str):
            assert str(entry["default"]) == str(default), key
        else:
            assert float(entry["default"]) == default, key


@pytest.mark.parametrize("name", BLOCKS)
def test_the_documentation_tells_input_output_and_every_parameter(name):
    content = block_file(name)
    text = content["documentation"]
    positions = [text.index(f"\n{title}:\n") for title in ("Input", "Output", "Parameters")]
    assert positions == sorted(positions)
    for entry in content["parameters"]:
        label = re.sub(r" \(.*\)$", "", entry["label"])  # without the unit
        assert label in text[positions[2] :], label


@pytest.mark.parametrize("name", BLOCKS)
def test_message_ports_have_no_label(name):
    """GRC 3.10.5 connects a message port by its label, which the block does not know."""
    for direction in ("inputs", "outputs"):
        ports = [p for p in block_file(name).get(direction, []) if p["domain"] == "message"]
        assert all("label" not in port for port in ports)


def test_categories_follow_the_flow_of_data():
    flow = ["recording_source", "spectrogram_framer", "spectrogram_segmenter"]
    flow += ["emission_tracker", "result_sink"]
    csi_flow = ["csi_recording_source", "csi_framer", "activity_classifier", "result_sink"]
    for names in (flow, csi_flow, [*flow[:-1], "emission_printer"]):
        categories = [block_file(name)["category"] for name in names]
        assert categories == sorted(categories)
        assert all(category.startswith("[RadioFM]/") for category in categories)


def test_the_sample_formats_are_those_that_recordings_may_have():
    assert sorted(enum_options("recording_source", "datatype")) == sorted(["", *DATATYPES])


# Flowgraphs of one block each, with nothing at its other ends: name -> (block, parameters)
CASES = {
    "recording": ("recording_source", {"file": "{sigmf}"}),
    "raw_repeated": (
        "recording_source",
        {
            "file": "{raw}",
            "sample_rate": RATE,
            "center_frequency": 1.8e9,
            "datatype": "cf32_le",
            "repeat": True,
            "real_time": True,
        },
    ),
    "framer": ("spectrogram_framer", {"sample_rate": RATE, "center_frequency": "value"}),
    "framer_of_rate": (
        "spectrogram_framer",
        {"sample_rate": "2e6 + value", "frame_duration": "value / 30"},
    ),
    "framer_of_model": (
        "spectrogram_framer",
        {"sample_rate": RATE, "frame_duration": 40e-3, "model": "{model}"},
    ),
    "framer_of_evidence": (
        "spectrogram_framer",
        {"sample_rate": RATE, "model": "{evidence_model}"},
    ),
    "segmenter_of_evidence": ("spectrogram_segmenter", {"model": "{evidence_model}"}),
    "segmenter": ("spectrogram_segmenter", {"model": "{model}", "min_confidence": "value"}),
    "segmenter_live": (
        "spectrogram_segmenter",
        {
            "model": "{model}",
            "overload": "drop",
            "device": "cpu",
            "precision": "bf16",
            "threads": 1,
            "max_batch": 2,
        },
    ),
    "tracker": ("emission_tracker", {}),
    "tracker_of_value": ("emission_tracker", {"hold_time": "value", "update_interval": "value"}),
    "tracker_of_bursts": ("emission_tracker", {"hold_time": 0, "update_interval": 0.1}),
    "csi_recording": ("csi_recording_source", {"file": "{csi}", "real_time": True}),
    "nexmon": ("nexmon_udp_source", {"port": 0, "host": "127.0.0.1"}),
    "esp32": ("esp32_serial_source", {"port": "/dev/none", "baud_rate": 115200}),
    "csi_framer": ("csi_framer", {}),
    "csi_framer_of_one": (
        "csi_framer",
        {"window_duration": 1.0, "hop": 0.25, "mac": "00:11:22:aa:bb:cc", "max_gap": 0.05},
    ),
    "csi_framer_of_model": ("csi_framer", {"model": "{activity_model}"}),
    "classifier": (
        "activity_classifier",
        {"model": "{activity_model}", "min_confidence": "value", "smoothing": 3},
    ),
    "classifier_live": (
        "activity_classifier",
        {
            "model": "{activity_model}",
            "overload": "drop",
            "device": "cpu",
            "precision": "bf16",
            "threads": 1,
            "max_batch": 2,
        },
    ),
    "sink": ("result_sink", {}),
    "sigmf_sink": ("sigmf_sink", {"folder": "{folder}", "sample_rate": RATE}),
    "sigmf_sink_on_demand": (
        "sigmf_sink",
        {
            "folder": "{folder}",
            "sample_rate": RATE,
            "center_frequency": "value",
            "mode": "on_demand",
            "datatype": "ci16_le",
            "prefix": "seen",
            "file_size": 1e6,
            "file_duration": 0.5,
            "max_files": 3,
            "history": 2,
            "memory_limit": 16,
            "overload": "drop",
        },
    ),
    "view": ("live_view", {}),
    "view_of_seconds": ("live_view", {"title": "On the air", "time_span": 2, "gui_hint": "1,0"}),
    "monitor": ("spectrum_monitor", {"sample_rate": RATE, "model": "{model}"}),
    "monitor_of_all": (
        "spectrum_monitor",
        {
            "sample_rate": RATE,
            "center_frequency": "value",
            "model": "{model}",
            "overload": "wait",
            "min_confidence": "value",
            "frame_duration": 40e-3,
            "title": "On the air",
            "time_span": 2,
            "save_folder": "",
            "save_memory": 16,
        },
    ),
    "events": ("event_output", {"output": "jsonl={events}"}),
    "events_of_all": (
        "event_output",
        {
            "output": "zmq=0",
            "output_2": "jsonl={events}/2",
            "output_3": "jsonl={events}/3,size=1M",
            "receiver": "roof",
            "center_frequency": "value",
            "sample_rate": "value + 1",
            "model": "default",
        },
    ),
    "printer": ("emission_printer", {}),
    "printer_of_all": ("emission_printer", {"events": "start update end"}),
}


def ends_of(name: str, frame_floats: int) -> tuple[list, list]:
    """What must be connected to a block: null blocks, a silent sender of messages."""
    blocks, connections = [], []
    for direction, null in (("inputs", "source"), ("outputs", "sink")):
        for port in block_file(name).get(direction, []):
            if port["domain"] == "message":
                if direction == "inputs" and not port.get("optional"):
                    blocks.append(("strobe", "blocks_message_strobe", {"period": 10000}))
                    connections.append(("strobe", "strobe", "block", port["id"]))
                continue
            vlen = frame_floats if "vlen" in port else 1
            blocks.append((null, f"blocks_null_{null}", {"type": port["dtype"], "vlen": vlen}))
            ends = (null, 0, "block", 0) if null == "source" else ("block", 0, null, 0)
            connections.append(ends)
    return blocks, connections


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> Path:
    """The folder with the programs that GRC generates for CASES."""
    folder = tmp_path_factory.mktemp("grc")
    files = {
        "sigmf": write_recording(folder / "recording", two_carriers(0.02)),
        "raw": folder / "recording.sigmf-data",
        "csi": folder / "room.npz",
        "folder": folder / "written",
        "events": folder / "events",
        "evidence_model": make_evidence_bundle(folder / "evidence.pt"),
        "model": make_level_bundle(folder / "level.pt"),
        "activity_model": make_motion_bundle(folder / "motion.pt"),
    }
    np.savez(files["csi"], csi=np.ones((2, 52), np.complex64), time_s=np.arange(2.0))
    paths = []
    for case, (name, parameters) in CASES.items():
        values = {
            key: value.format(**files) if isinstance(value, str) else value
            for key, value in parameters.items()
        }
        has_evidence = values.get("model") == str(files["evidence_model"])
        if "model" in values:
            spec = EVIDENCE_SPEC if has_evidence else SpectrogramSpec()
        else:
            spec = read_bundle_info("default").spec
        others, connections = ends_of(name, spec.frame_floats)
        blocks = [
            ("value", "variable", {"value": 0.75}),
            ("block", f"radiofm_{name}", values),
            *others,
        ]
        has_window = "need_qt_gui" in block_file(name)["flags"]
        paths.append(write_flowgraph(folder, flowgraph(case, blocks, connections, has_window)))
    return compiled(paths, folder)


def port_names(ports) -> set[str]:
    return set(pmt.to_python(ports)) - {"system"}


def message_ports(name: str, direction: str) -> set[str]:
    return {p["id"] for p in block_file(name).get(direction, []) if p["domain"] == "message"}


@pytest.mark.parametrize("case", CASES)
def test_each_block_generates_and_is_made_with_the_ports_it_shows(generated, case, application):
    name, _ = CASES[case]
    top_block = load_flowgraph(generated / f"{case}.py")()
    block = top_block.block
    assert name in block.name()
    assert port_names(block.message_ports_in()) == message_ports(name, "inputs")
    assert port_names(block.message_ports_out()) == message_ports(name, "outputs")


def test_a_recording_that_is_missing_ends_the_program_with_one_line(generated, tmp_path):
    text = (generated / "recording.py").read_text()
    named = re.search(r"recording_source\(\s*'([^']+)'", text).group(1)
    (tmp_path / "flow.py").write_text(text.replace(named, "none.sigmf-meta"))
    done = subprocess.run(
        [sys.executable, "flow.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    assert done.stderr == "error: block: none.sigmf-meta does not exist; check the path\n"


def test_every_block_is_in_a_case():
    assert {name for name, _ in CASES.values()} == set(BLOCKS)


def test_a_variable_changes_the_framers_center_frequency_while_it_runs(generated):
    top_block = load_flowgraph(generated / "framer.py")()
    top_block.start()
    top_block.set_value(2.4e9)
    deadline = time.monotonic() + 60
    # it takes effect where the framer cuts its frame
    while top_block.block.center_frequency() != 2.4e9 and time.monotonic() < deadline:
        time.sleep(0.01)
    top_block.stop()
    top_block.wait()
    assert top_block.block.center_frequency() == 2.4e9


def test_a_variable_changes_the_framers_rate_and_frame_duration_live(generated):
    top_block = load_flowgraph(generated / "framer_of_rate.py")()
    before = top_block.block.frame_samples()
    top_block.start()
    top_block.set_value(1e6)
    deadline = time.monotonic() + 60
    while top_block.block.sample_rate() != 3e6 and time.monotonic() < deadline:
        time.sleep(0.01)
    top_block.stop()
    top_block.wait()
    assert top_block.block.sample_rate() == 3e6
    assert top_block.block.frame_samples() > before
    with pytest.raises(UsageError, match="sample rate 202 MS/s is outside"):
        top_block.set_value(200e6)


def test_a_variable_changes_the_trackers_times_while_it_runs(generated):
    top_block = load_flowgraph(generated / "tracker_of_value.py")()
    top_block.set_value(0.25)
    with pytest.raises(UsageError, match="hold time: expected 0 s or more, got -1"):
        top_block.set_value(-1)


@pytest.mark.parametrize("case", ["segmenter", "classifier", "monitor_of_all"])
def test_a_variable_changes_the_least_confidence_while_it_runs(generated, case, application):
    top_block = load_flowgraph(generated / f"{case}.py")()
    top_block.set_value(0.25)
    with pytest.raises(UsageError, match=r"1\.5"):
        top_block.set_value(1.5)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("recording_source", {"sample_rate": -1}),
        ("spectrogram_framer", {"sample_rate": 0}),
        ("spectrogram_framer", {"sample_rate": RATE, "frame_duration": 0}),
        ("spectrogram_framer", {"sample_rate": RATE, "model": "no-such-model"}),
        ("spectrogram_segmenter", {"model": "no-such-model"}),
        ("spectrogram_segmenter", {"min_confidence": 1.5}),
        ("spectrogram_segmenter", {"max_batch": 0}),
        ("emission_tracker", {"hold_time": -1}),
        ("spectrum_monitor", {"time_span": 0}),
        ("spectrum_monitor", {"model": "no-such-model"}),
        ("nexmon_udp_source", {"port": 65536}),
        ("sigmf_sink", {"sample_rate": 0}),
        ("sigmf_sink", {"prefix": "a/b"}),
        ("sigmf_sink", {"history": 0}),
        ("sigmf_sink", {"memory_limit": 0}),
        ("esp32_serial_source", {"baud_rate": 0}),
        ("csi_framer", {"window_duration": 0}),
        ("csi_framer", {"max_missing": 1.5}),
        ("activity_classifier", {"min_confidence": -0.1}),
        ("activity_classifier", {"smoothing": 0}),
    ],
)
def test_grc_refuses_wrong_values(platform, name, parameters):
    assert errors_in(platform, name, {}) == []
    assert errors_in(platform, name, parameters)


def test_what_grc_says_of_a_wrong_value_names_the_parameter_as_shown(platform):
    """GRC shows the expression of an assert; the comment in it says what it asks for."""
    for name in BLOCKS:
        for expression in block_file(name).get("asserts", []):
            assert re.search(r"  # [A-Z].* must be .* }$", expression), (name, expression)
    (told,) = errors_in(platform, "activity_classifier", {"smoothing": 0})
    assert told.endswith('  # Smoothing must be 1 to 100 windows" failed.')


def test_an_empty_file_is_shown_as_the_demo(platform):
    graph = platform.make_flow_graph()
    for name in ("recording_source", "csi_recording_source"):
        file = graph.new_block(f"radiofm_{name}").params["file"]
        assert file.value == "" and file.options[file.value] == "bundled demo"
        assert file.dtype == "file_open"


# What has no default that can be used
NEEDED = {
    "sigmf_sink": {"sample_rate": RATE},
    "spectrogram_framer": {"sample_rate": RATE},
    "spectrum_monitor": {"sample_rate": RATE},
}


def errors_in(platform, name: str, parameters: dict) -> list[str]:
    """What GRC says about one block with these values."""
    graph = platform.make_flow_graph()
    # newer versions of GRC name C++ first
    graph.options_block.params["output_language"].set_value("python")
    block = graph.new_block(f"radiofm_{name}")
    for key, value in {"id": "block", **NEEDED.get(name, {}), **parameters}.items():
        block.params[key].set_value(str(value))
    graph.rewrite()
    graph.validate()
    # open ends are no wrong values
    return [text for text in block.get_error_messages() if "Port is not connected" not in text]


@pytest.fixture(scope="module")
def platform(own_home):
    """GRC's own library of blocks, as its window shows it."""
    from gnuradio.grc.core.platform import Platform

    version = (gr.major_version(), gr.api_version(), gr.minor_version())
    made = Platform(
        version=gr.version(),
        version_parts=version,
        prefs=gr.prefs(),
    )
    made.build_library()
    return made
