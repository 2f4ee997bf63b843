# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example compiles, runs without a display, finds what is there, and ends."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from grc_compiler import compiled, run_program
from level_model import CENTER, make_level_bundle, two_carriers, write_recording

from radiofm_core import keys

TESTS = Path(__file__).parent
EXAMPLES = TESTS.parent / "examples"
# test_csi_examples.py has the others
FLOWGRAPHS = sorted(p for p in EXAMPLES.glob("*.grc") if not p.name.startswith("csi_"))
DURATION = 0.3
# two_carriers: the bands in Hz from the centre
LTE_BAND = (-700e3, -200e3)
NR_BAND = (300e3, 800e3)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return write_recording(tmp_path_factory.mktemp("iq") / "carriers", two_carriers(DURATION))


@pytest.fixture(scope="module")
def programs(tmp_path_factory) -> Path:
    """The folder with the programs that GRC generates from the examples."""
    return compiled(FLOWGRAPHS, tmp_path_factory.mktemp("programs"))


def tells(printed: str, label: str, event: str) -> bool:
    """Whether Message Debug printed an event: a line of (key . value) pairs."""
    return any(
        f"(label . {label})" in line and f"(event . {event})" in line
        for line in printed.splitlines()
    )


def test_every_flowgraph_compiles(programs):
    assert FLOWGRAPHS
    for path in FLOWGRAPHS:
        assert (programs / f"{path.stem}.py").is_file()


def test_segment_recording_runs_to_its_end(programs, recording, model):
    printed = run_program(programs / "segment_recording.py", "-r", recording, "-m", model)
    for label in ("lte", "nr"):
        for event in (keys.EVENT_START, keys.EVENT_END):
            assert tells(printed, label, event), printed


def test_segment_recordings_own_recording_is_there():
    text = (EXAMPLES / "segment_recording.grc").read_text()
    assert "value: demo/demo.sigmf-meta\n" in text
    assert (EXAMPLES / "demo/demo.sigmf-meta").is_file()


@pytest.fixture
def heard(tmp_path):
    """What the receiver hears: a few seconds, as a busy machine drops frames."""
    path = tmp_path / "heard.c64"
    np.tile(two_carriers(DURATION).astype(np.complex64), 10).tofile(path)
    return path


def test_live_soapy_runs_until_the_receiver_ends(programs, heard, model):
    program = programs / "live_soapy.py"
    options = ("-m", model, "-f", "1.8G", "-g", "25")
    printed = run_program(TESTS / "pretend_receiver.py", heard, program, *options)
    for setting in ("driver=rtlsdr", "sample rate 2.4e+06", "frequency 1.8e+09", "gain TUNER 25"):
        assert f"receiver {setting}" in printed
    for label in ("lte", "nr"):
        assert tells(printed, label, keys.EVENT_START), printed
    assert tells(printed, "lte", keys.EVENT_END), printed
    assert "(dropped . " in printed


def test_live_soapy_ends_on_ctrl_c(programs, heard, model):
    arguments = (TESTS / "pretend_receiver.py", f"forever:{heard}", programs / "live_soapy.py")
    process = subprocess.Popen(
        [sys.executable, "-u", *map(str, arguments), "-m", str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stdout:
            if "(event . start)" in line:
                break
        process.send_signal(signal.SIGINT)
        # a second for the flowgraph; the rest is Python's own exit, on a busy machine
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, errors


def test_segment_headless_tells_each_carrier_once_with_its_edges(recording, model):
    printed = run_program(EXAMPLES / "segment_headless.py", recording, "--model", model)
    emissions = {e[keys.LABEL]: e for e in map(json.loads, printed.splitlines())}
    assert set(emissions) == {"lte", "nr"} and len(printed.splitlines()) == 2
    bin_hz = 1.92e6 / 256
    for label, (low, high) in (("lte", LTE_BAND), ("nr", NR_BAND)):
        found = emissions[label]
        center, bandwidth = found[keys.CENTER_FREQUENCY] - CENTER, found[keys.BANDWIDTH]
        assert center - bandwidth / 2 == pytest.approx(low, abs=2 * bin_hz)
        assert center + bandwidth / 2 == pytest.approx(high, abs=2 * bin_hz)
    assert emissions["lte"][keys.DURATION] == pytest.approx(DURATION, rel=0.02)
    assert emissions["nr"][keys.START_TIME] == pytest.approx(DURATION / 4, abs=2e-3)
    assert emissions["nr"][keys.DURATION] == pytest.approx(DURATION / 2, abs=4e-3)


def test_segment_headless_refuses_a_missing_recording_in_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "segment_headless.py", tmp_path / "none.sigmf-meta"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "none.sigmf-meta" in done.stderr
