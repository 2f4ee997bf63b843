# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example compiles, opens its window, finds what is there, and ends."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from grc_compiler import LONGEST_S, compiled, run_program, run_window
from level_model import CENTER, make_level_bundle, two_carriers, write_recording

from radiofm_core import keys
from radiofm_core.outputs.units import display_name

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
    """Whether the emission printer told an event of a label."""
    return re.search(rf" s  {event} +#\d+ +{display_name(label)} ", printed) is not None


def tells_all(printed: str) -> bool:
    return all(tells(printed, label, e) for label in ("lte", "nr") for e in ("start", "end"))


def test_every_flowgraph_compiles(programs):
    assert FLOWGRAPHS
    for path in FLOWGRAPHS:
        assert (programs / f"{path.stem}.py").is_file()


def test_segment_recording_shows_and_tells_what_there_is(programs, recording, model):
    arguments = (programs / "segment_recording.py", "-r", recording, "-m", model)
    run_window(*arguments, until=tells_all)


def test_segment_recording_takes_the_demo_as_it_is(programs):
    run_window(
        programs / "segment_recording.py",
        until=lambda text: all(tells(text, label, "end") for label in ("lte", "nr", "wifi")),
    )


@pytest.fixture
def heard(tmp_path):
    """What the receiver hears: a few seconds, as a busy machine drops frames."""
    path = tmp_path / "heard.c64"
    np.tile(two_carriers(DURATION).astype(np.complex64), 10).tofile(path)
    return path


def test_live_soapy_tells_what_the_receiver_hears_until_ctrl_c(programs, heard, model):
    program = programs / "live_soapy.py"
    options = ("-m", model, "-f", "1.8G", "-g", "25")
    # as a receiver that is unplugged at the end of the samples; the window stays
    printed = run_window(TESTS / "pretend_receiver.py", heard, program, *options, until=tells_all)
    for setting in ("driver=rtlsdr", "sample rate 2.4e+06", "frequency 1.8e+09", "gain TUNER 25"):
        assert f"receiver {setting}" in printed


def test_live_soapy_ends_on_ctrl_c_while_the_receiver_hears(programs, heard, model):
    run_window(
        TESTS / "pretend_receiver.py",
        f"forever:{heard}",
        programs / "live_soapy.py",
        *("-m", model),
        until=lambda text: tells(text, "lte", "start"),
    )


TUNED = r"""
import sys
import time
from PyQt5 import Qt
import live_soapy
application = Qt.QApplication([])
flowgraph = live_soapy.live_soapy(center_frequency=1.8e9, start_gain=25, model={model!r})
flowgraph.start()
view = flowgraph.view.qwidget()

def until(condition):
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        application.processEvents()
        time.sleep(0.005)

def is_tuned(frequency):
    # the receiver, which is told last, too: on another thread, where the view asks for it
    told = flowgraph.source.frequency, flowgraph.framer.center_frequency()
    return told == (frequency, frequency)

def tell(who):
    # in one write: where output is not buffered, other threads' lines come between two
    sys.stdout.write(f"{{who}}: {{flowgraph.frequency}} {{flowgraph.framer.center_frequency()}}\n")

until(lambda: is_tuned(1.8e9) and flowgraph.framer.frames() > 0)
view.tune_requested.emit(1.85e9)
until(lambda: is_tuned(1.85e9))
tell("view")
entry = flowgraph._frequency_line_edit
entry.setText("1.9G")
# the Return key does both; versions of GRC listen to one or the other
entry.returnPressed.emit()
entry.editingFinished.emit()
flowgraph.set_gain(12.5)
until(lambda: is_tuned(1.9e9))
tell("entry")
flowgraph.stop()
flowgraph.wait()
"""


def test_in_live_soapy_the_view_and_the_entry_tune_the_receiver(
    programs, heard, model, monkeypatch
):
    (programs / "tuned.py").write_text(TUNED.format(model=str(model)))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("PYTHONPATH", str(programs))
    printed = run_program(
        TESTS / "pretend_receiver.py", f"forever:{heard}", programs / "tuned.py"
    ).splitlines()
    assert "view: 1850000000.0 1850000000.0" in printed
    assert "entry: 1900000000.0 1900000000.0" in printed, "\n".join(printed)
    told = [line for line in printed if line.startswith(("receiver frequency", "receiver gain"))]
    assert told == [
        "receiver frequency 1.8e+09",
        "receiver gain TUNER 25",
        "receiver frequency 1.85e+09",
        "receiver frequency 1.9e+09",
        "receiver gain TUNER 12.5",
    ]


def test_live_soapy_without_a_receiver_ends_with_one_line(programs, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    done = subprocess.run(
        [sys.executable, programs / "live_soapy.py"],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: source: the receiver cannot be opened (")


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
        timeout=LONGEST_S,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "none.sigmf-meta" in done.stderr
