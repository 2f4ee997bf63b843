# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm view`` as a program, and what its flowgraph saves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gnuradio.radiofm.flowgraphs import WatchFlowgraph, make_segmenter
from level_model import make_level_bundle, two_carriers, write_recording
from radiofm_command import RADIOFM

from radiofm_cli.command import run
from radiofm_core import keys

OFFSCREEN = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return write_recording(tmp_path_factory.mktemp("iq") / "carriers", two_carriers(0.5))


def view(*arguments, environment=OFFSCREEN, **more) -> subprocess.CompletedProcess:
    command = [*RADIOFM, "view", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=300, check=False, **more
    )


@pytest.mark.parametrize("way", ["recording", "source"])
def test_a_window_opens_and_closes_without_a_word(way, recording, model):
    what = [recording] if way == "recording" else ["--source", f"file={recording}"]
    done = view(*what, "--model", model, "--duration", "1.5")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert [line for line in done.stderr.splitlines() if "XDG_RUNTIME_DIR" not in line] == []


# The command, which tells when it has come to Qt's loop
TOLD = """
import sys
from radiofm_cli import main
from radiofm_cli.commands import view
show = view._show
def tell_and_show(*arguments):
    print("shown", flush=True)
    show(*arguments)
view._show = tell_and_show
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_closes_it(recording, model):
    process = subprocess.Popen(
        [sys.executable, "-c", TOLD, "view", str(recording), "--model", str(model)],
        env=OFFSCREEN,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "shown\n"
        time.sleep(0.5)  # the loop waits for events most of the time
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0 and "Traceback" not in errors, errors


def test_without_a_display_it_says_so_in_one_line(recording):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["QT_QPA_PLATFORM"] = "xcb"
    done = view(recording, environment=environment)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "no window can be opened here" in done.stderr
    assert "radiofm watch" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name either a recording or a --source"),
        (["a", "--source", "file=a"], "name either a recording or a --source"),
        (["/nowhere/a.sigmf-meta"], "/nowhere/a.sigmf-meta"),
        (["--source", "radio"], "expected 'soapy="),
        (["{recording}", "--time-span", "100"], "time_span: expected 0.001 to 60 s, got 100"),
    ],
)
def test_wrong_usage_is_one_line(arguments, told, recording, model, monkeypatch, capfd):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    words = [a.format(recording=recording) for a in arguments]
    assert run(["view", *words, "--model", str(model)]) == 2
    captured = capfd.readouterr()
    lines = [line for line in captured.err.splitlines() if "XDG_RUNTIME_DIR" not in line]
    assert len(lines) == 1 and told in lines[0]


def test_what_is_saved_holds_the_last_samples_and_their_emissions(recording, model, tmp_path):
    started = []
    flowgraph = WatchFlowgraph(
        f"file={recording}",
        make_segmenter(model=str(model), overload="drop"),
        lambda port, fields, data: started.append(fields[keys.LABEL]),
        ports=(keys.PORT_EMISSIONS,),
    )
    flowgraph.keep_samples(tmp_path / "kept", 5.0)
    flowgraph.launch()
    end = time.monotonic() + 60
    while not started and time.monotonic() < end:
        time.sleep(0.02)
    data = Path(flowgraph.save())
    # what is told of the emissions is whole then
    flowgraph.halt(60.0)
    assert flowgraph.ended(0.0)
    meta = json.loads(data.with_suffix(".sigmf-meta").read_text())
    assert data.parent == tmp_path / "kept" and data.stat().st_size > 4 * 10_000
    assert meta["global"]["core:datatype"] == "ci16_le"
    assert {a["core:label"] for a in meta["annotations"]} & {"lte", "nr"}


def test_nothing_is_saved_where_nothing_is_kept(recording, model):
    flowgraph = WatchFlowgraph(
        f"file={recording}",
        make_segmenter(model=str(model), overload="drop"),
        lambda *_: None,
        ports=(keys.PORT_EMISSIONS,),
    )
    assert flowgraph.save() is None and not flowgraph.can_tune
