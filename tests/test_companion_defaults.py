# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks as they are dropped in GNU Radio Companion run, and what is wrong is one line."""

import inspect
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from gnuradio import radiofm
from grc_compiler import LONGEST_S, compiled, flowgraph, run_window, write_flowgraph
from level_model import make_level_bundle
from motion_model import make_motion_bundle

from radiofm_core.errors import RadiofmError

# What Companion puts into a new flowgraph
SAMP_RATE = ("samp_rate", "variable", {"value": "32000"})
# Blocks with nothing set, wired as their documentation says: name -> (blocks, connections)
FLOWGRAPHS = {
    "spectrum": (
        [
            SAMP_RATE,
            ("source", "radiofm_recording_source", {}),
            ("framer", "radiofm_spectrogram_framer", {}),
            ("segmenter", "radiofm_spectrogram_segmenter", {}),
            ("tracker", "radiofm_emission_tracker", {}),
            ("printer", "radiofm_emission_printer", {}),
            ("sink", "radiofm_result_sink", {}),
        ],
        [
            ("source", 0, "framer", 0),
            ("framer", 0, "segmenter", 0),
            ("segmenter", "detections", "tracker", "detections"),
            ("segmenter", "status", "printer", "status"),
            ("segmenter", "masks", "sink", "masks"),
            ("tracker", "emissions", "printer", "emissions"),
        ],
    ),
    "csi": (
        [
            ("source", "radiofm_csi_recording_source", {}),
            ("framer", "radiofm_csi_framer", {}),
            ("classifier", "radiofm_activity_classifier", {}),
            ("printer", "radiofm_emission_printer", {}),
        ],
        [
            ("source", "csi", "framer", "csi"),
            ("framer", "windows", "classifier", "windows"),
            ("classifier", "activity", "printer", "activity"),
            ("classifier", "status", "printer", "status"),
        ],
    ),
    "with_monitor": (
        [
            SAMP_RATE,
            ("source", "radiofm_recording_source", {}),
            ("monitor", "radiofm_spectrum_monitor", {}),
            ("printer", "radiofm_emission_printer", {}),
        ],
        [("source", 0, "monitor", 0), ("monitor", "emissions", "printer", "emissions")],
    ),
    "with_view": (
        [
            SAMP_RATE,
            ("source", "radiofm_recording_source", {}),
            ("framer", "radiofm_spectrogram_framer", {}),
            ("segmenter", "radiofm_spectrogram_segmenter", {}),
            ("tracker", "radiofm_emission_tracker", {}),
            ("saved", "radiofm_sigmf_sink", {}),
            ("printer", "radiofm_emission_printer", {}),
            ("view", "radiofm_live_view", {}),
        ],
        [
            ("source", 0, "framer", 0),
            ("source", 0, "saved", 0),
            ("framer", 0, "segmenter", 0),
            ("framer", "frames", "view", "frames"),
            ("segmenter", "masks", "view", "masks"),
            ("segmenter", "status", "view", "status"),
            ("segmenter", "detections", "tracker", "detections"),
            ("tracker", "emissions", "view", "emissions"),
            ("tracker", "emissions", "printer", "emissions"),
            ("tracker", "emissions", "saved", "emissions"),
            ("view", "save", "saved", "save"),
        ],
    ),
    # a source that never ends, and whose samples have no tags
    "untagged": (
        [
            SAMP_RATE,
            ("source", "blocks_null_source", {"type": "complex"}),
            ("framer", "radiofm_spectrogram_framer", {}),
            ("segmenter", "radiofm_spectrogram_segmenter", {}),
            ("printer", "radiofm_emission_printer", {}),
        ],
        [
            ("source", 0, "framer", 0),
            ("framer", 0, "segmenter", 0),
            ("segmenter", "status", "printer", "status"),
        ],
    ),
    "nexmon": (
        [
            ("source", "radiofm_nexmon_udp_source", {}),
            ("framer", "radiofm_csi_framer", {}),
            ("printer", "blocks_message_debug", {}),
        ],
        [("source", "csi", "framer", "csi"), ("source", "status", "printer", "print")],
    ),
    "esp32": (
        [
            ("source", "radiofm_esp32_serial_source", {}),
            ("framer", "radiofm_csi_framer", {}),
        ],
        [("source", "csi", "framer", "csi")],
    ),
    # wrong only once it runs: Companion knows the value by its name alone
    "settable": (
        [
            ("wrong", "parameter", {"type": "eng_float", "value": "0", "short_id": "w"}),
            ("source", "radiofm_recording_source", {}),
            ("framer", "radiofm_spectrogram_framer", {"sample_rate": "2e6 if wrong < 1 else 0.5"}),
        ],
        [("source", 0, "framer", 0)],
    ),
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory) -> Path:
    """The folder with the programs that GRC generates for FLOWGRAPHS."""
    folder = tmp_path_factory.mktemp("dropped")
    paths = [
        write_flowgraph(folder, flowgraph(name, *parts, has_window=name.startswith("with_")))
        for name, parts in FLOWGRAPHS.items()
    ]
    return compiled(paths, folder)


def run(program: Path, *arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, program, *arguments],
        cwd=program.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )


def test_the_spectrum_blocks_as_dropped_tell_what_is_in_the_demo(programs):
    done = run(programs / "spectrum.py")
    assert done.returncode == 0, done.stderr
    events = re.findall(r" s  (start|end) +(#\d) +(LTE|NR|Wi-Fi) ", done.stdout)
    assert sorted((label, event) for event, _, label in events) == [
        (label, event) for label in ("LTE", "NR", "Wi-Fi") for event in ("end", "start")
    ]
    (summary,) = done.stderr.splitlines()
    assert summary.startswith("radiofm: 2 frames segmented, 0 dropped")
    assert "masks {" in done.stdout  # the result sink's own function prints


@pytest.mark.parametrize("name", ["with_view", "with_monitor"])
def test_the_blocks_with_a_window_as_dropped_show_and_tell_the_demo(
    programs, name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    printed = run_window(
        programs / f"{name}.py",
        until=lambda text: all(
            re.search(rf" s  end +#\d +{label} ", text) for label in ("LTE", "NR", "Wi-Fi")
        ),
    )
    assert "error" not in printed
    if name == "with_view":
        (written,) = (tmp_path / "recordings").glob("*.sigmf-meta")
        labels = {a["core:label"] for a in json.loads(written.read_text())["annotations"]}
        assert labels == {"lte", "nr", "wifi"}


def test_the_csi_blocks_as_dropped_tell_what_is_in_the_demo(programs):
    done = run(programs / "csi.py")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "packets/s" in line]
    assert len({line.split()[2] for line in lines}) > 1, done.stdout
    (summary,) = done.stderr.splitlines()
    assert summary.startswith(f"radiofm: {len(lines)} windows classified, 0 dropped")


def test_companions_rate_without_a_tag_is_one_line_and_the_end(programs):
    done = run(programs / "untagged.py")
    assert done.returncode == 0
    told = [line for line in (done.stdout + done.stderr).splitlines() if "error" in line]
    assert len(told) == 1 and "sample rate 0.032 MS/s is outside the model's range" in told[0]
    assert "Traceback" not in done.stderr


def test_a_serial_port_that_is_not_there_is_one_line_and_the_end(programs):
    if Path("/dev/ttyUSB0").exists():
        pytest.skip("there is a serial port /dev/ttyUSB0")
    done = run(programs / "esp32.py")
    assert "Traceback" not in done.stderr
    told = [line for line in (done.stdout + done.stderr).splitlines() if "/dev/ttyUSB0" in line]
    assert len(told) == 1 and "cannot be opened" in told[0]


def test_the_nexmon_source_as_dropped_waits_for_datagrams_until_ctrl_c(programs):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.bind(("", 5500))
        except OSError:
            pytest.skip("UDP port 5500 of this machine is taken")
    process = subprocess.Popen(
        [sys.executable, "-u", programs / "nexmon.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(LONGEST_S, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            if "(packets . 0)" in line:
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LONGEST_S)
    finally:
        watchdog.cancel()
        process.kill()
    assert process.returncode == 0 and "Traceback" not in errors, errors


def test_a_value_that_is_wrong_only_at_run_time_is_one_line_with_the_blocks_name(programs):
    done = run(programs / "settable.py", "-w", "2")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: framer: sample_rate: expected 1 S/s or more, got 0.5\n"
    shown = run(programs / "settable.py", "-w", "2", RADIOFM_DEBUG="1").stderr
    assert "Traceback" in shown and "UsageError: sample_rate" in shown.splitlines()[-1]


def test_a_receiver_that_is_not_there_is_one_line(tmp_path):
    program = tmp_path / "receiver.py"
    program.write_text(
        "from gnuradio import radiofm, soapy\n"
        "class Flowgraph:\n"
        "    def __init__(self):\n"
        "        self.source = soapy.source('driver=nothing', 'fc32', 1, '', '', [''], [''])\n"
        "Flowgraph()\n"
    )
    done = run(program)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    assert line.startswith("error: source: the receiver cannot be opened (")
    assert "SoapySDRUtil --find" in line


def test_other_exceptions_keep_their_traceback(tmp_path):
    program = tmp_path / "other.py"
    program.write_text("from gnuradio import radiofm\nself = radiofm\nself.x = int('no number')\n")
    done = run(program)
    assert done.returncode == 1 and "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("ValueError: ")


# What a parameter can hold by mistake, of whatever type
WRONG = [None, "abc", -1, float("nan"), 1e300, []]
GIVEN = {
    "spectrogram_framer": {"sample_rate": 1.92e6},
    "result_sink": {"callback": print},
    "esp32_serial_source": {"port": "/dev/none"},
    "spectrogram_segmenter": {"model": "{level}", "device": "cpu"},
    "activity_classifier": {"model": "{motion}", "device": "cpu"},
    "sigmf_sink": {"folder": "written", "sample_rate": 1e6},
    "spectrum_monitor": {"sample_rate": 1e6, "model": "{level}"},
}
NO_BLOCKS = {"frame_floats", "make_vector", "vector_view"}
BLOCKS = sorted(set(radiofm.__all__) - NO_BLOCKS)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    """Models that are loaded quickly."""
    folder = tmp_path_factory.mktemp("models")
    made = make_level_bundle(folder / "level.pt"), make_motion_bundle(folder / "motion.pt")
    return {path.stem: path for path in made}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.usefixtures("application")
def test_no_value_of_a_parameter_is_answered_with_a_traceback(name, models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind, refused = getattr(radiofm, name), 0
    given = {k: str(v).format(**models) for k, v in GIVEN.get(name, {}).items()}
    given |= {k: v for k, v in GIVEN.get(name, {}).items() if not isinstance(v, str)}
    for parameter in inspect.signature(kind).parameters.values():
        # of flowgraphs in Python alone
        if parameter.name in ("more", "parent", "ports", "spec"):
            continue
        for value in WRONG:
            try:
                kind(**{**given, parameter.name: value})
            except RadiofmError as error:
                refused += 1
                assert len(str(error).splitlines()) == 1
    assert refused
