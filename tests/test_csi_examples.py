# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of activity recognition compile, run, tell what goes on, and end."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import csi_files
import numpy as np
import pytest
import yaml
from csi_room import Receiver, Room
from grc_compiler import LONGEST_S, compile_flowgraphs, compiled, run_window
from motion_model import make_motion_bundle

EXAMPLES = Path(__file__).parent.parent / "examples"
# Windows of the bundled demo
DEMO_ANSWERS = 21
# This one needs a module that no distribution packages
WITH_IEEE80211 = EXAMPLES / "csi_wifi_sdr.grc"
FLOWGRAPHS = sorted(set(EXAMPLES.glob("csi_*.grc")) - {WITH_IEEE80211})


@pytest.fixture(scope="module")
def programs(tmp_path_factory) -> Path:
    """The folder with the programs that GRC generates from the examples."""
    return compiled(FLOWGRAPHS, tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module")
def activity_model(tmp_path_factory):
    return make_motion_bundle(tmp_path_factory.mktemp("models") / "motion.pt")


def answers(printed: str) -> list[str]:
    """The lines that the emission printer printed of activities."""
    return [line for line in printed.splitlines() if " packets/s  " in line]


def test_csi_file_shows_and_tells_what_there_is(programs, tmp_path, activity_model):
    packets = Receiver().packets(Room(), 5.1)
    times = np.array([packet.time_ns * 1e-9 for packet in packets])
    path = tmp_path / "room.npz"
    np.savez(path, csi=np.stack([packet.csi[0] for packet in packets]), time_s=times)
    arguments = (programs / "csi_file.py", "-f", path, "-m", activity_model)
    printed = run_window(*arguments, until=lambda text: len(answers(text)) == 7)
    assert len(answers(printed)) == 7
    assert all(" MOVING " in line for line in answers(printed))


def test_csi_file_takes_the_demo_as_it_is(programs):
    printed = run_window(
        programs / "csi_file.py", until=lambda text: len(answers(text)) == DEMO_ANSWERS
    )
    assert " SEATED " in printed and " WALKING " in printed


def test_csi_nexmon_live_tells_what_datagrams_hold_until_ctrl_c(programs, activity_model):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
    rng = np.random.default_rng(0)
    done = threading.Event()

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            number = 0
            while not done.wait(0.005):
                number += 1
                # a flat channel and a receiver's noise
                heard = 1000 + np.round(rng.normal(0, 20, 64) + 1j * rng.normal(0, 20, 64))
                words = csi_files.int16_words(heard)
                datagram = csi_files.nexmon_datagram(words, sequence=number % 4096)
                udp.sendto(datagram, ("127.0.0.1", port))

    sender = threading.Thread(target=send)
    sender.start()
    arguments = (programs / "csi_nexmon_live.py", "-p", port, "-m", activity_model)
    try:
        printed = run_window(*arguments, until=lambda text: bool(answers(text)))
    finally:
        done.set()
        sender.join()
    assert " STILL " in answers(printed)[0]


# What gr-ieee802-11's blocks have: inputs, outputs (type, vector length), names of messages out
IEEE80211_BLOCKS = {
    "sync_short": (["complex 1", "complex 1", "float 1"], ["complex 1"], []),
    "sync_long": (["complex 1", "complex 1"], ["complex 1"], []),
    "frame_equalizer": (["complex 64"], ["byte 48"], ["symbols"]),
    "decode_mac": (["byte 48"], [], ["out"]),
}


def parameter(key: str, value: str) -> dict:
    """Of a block file; the module that a choice names is not there to evaluate it."""
    if value.startswith("ieee802_11."):
        return {"id": key, "label": key, "dtype": "enum", "options": [value]}
    return {"id": key, "label": key, "dtype": "raw"}


def write_ieee80211_blocks(folder: Path, flowgraph: dict) -> None:
    """Block files as gr-ieee802-11 has them, with the parameters that the flowgraph sets."""
    used = {block["id"]: block["parameters"] for block in flowgraph["blocks"]}
    for name, (inputs, outputs, messages) in IEEE80211_BLOCKS.items():
        streams = [
            [
                {"domain": "stream", "dtype": dtype, "vlen": int(vlen)}
                for dtype, vlen in map(str.split, ports)
            ]
            for ports in (inputs, outputs)
        ]
        kind = f"ieee802_11_{name}"
        common = {"affinity", "alias", "comment", "maxoutbuf", "minoutbuf"}
        own = [key for key in used[kind] if key not in common]
        content = {
            "id": kind,
            "label": kind,
            "category": "[IEEE802.11]",
            "parameters": [parameter(key, used[kind][key]) for key in own],
            "inputs": streams[0],
            "outputs": [
                *streams[1],
                *({"domain": "message", "id": m, "optional": True} for m in messages),
            ],
            "templates": {"imports": "import ieee802_11", "make": f"ieee802_11.{name}()"},
            "file_format": 1,
        }
        (folder / f"{kind}.block.yml").write_text(yaml.safe_dump(content, sort_keys=False))


def install_ieee80211(folder: Path, under: str, monkeypatch) -> None:
    """A Python package of that name, for the programs that run from here on."""
    package = folder / "site" / under / "ieee802_11"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("LS = 0\n")
    if under:
        # beside the real one, as a module of the system and one of a user are
        (package.parent / "__init__.py").write_text(
            "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)\n"
        )
    monkeypatch.setenv("PYTHONPATH", str(folder / "site"))


@pytest.mark.parametrize("under", ["", "gnuradio"])
def test_csi_wifi_sdr_compiles_where_gr_ieee802_11_is(tmp_path, monkeypatch, under):
    install_ieee80211(tmp_path, under, monkeypatch)
    flowgraph = yaml.safe_load(WITH_IEEE80211.read_text())
    foreign = {b["id"] for b in flowgraph["blocks"] if b["id"].startswith("ieee802_11_")}
    assert foreign == {f"ieee802_11_{name}" for name in IEEE80211_BLOCKS}
    write_ieee80211_blocks(tmp_path, flowgraph)
    done = compile_flowgraphs([WITH_IEEE80211], tmp_path, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    program = (tmp_path / "csi_wifi_sdr.py").read_text()
    assert "self.msg_connect((self.decode_mac, 'out'), (self.framer, 'csi'))" in program
    assert len(flowgraph["connections"]) == program.count("connect((self.")


def test_csi_wifi_sdr_names_the_module_that_is_missing_in_companion(tmp_path):
    done = compile_flowgraphs([WITH_IEEE80211], tmp_path, tmp_path)
    assert done.returncode != 0
    assert "https://github.com/bastibl/gr-ieee802-11" in done.stdout + done.stderr
    notes = [b for b in yaml.safe_load(WITH_IEEE80211.read_text())["blocks"] if b["id"] == "note"]
    assert any("gr-ieee802-11" in note["parameters"]["note"] for note in notes)


@pytest.mark.parametrize(
    "imports", ["from gnuradio.radiofm.elsewhere import ieee802_11", "import ieee802_11"]
)
def test_a_program_that_needs_gr_ieee802_11_names_it_in_one_line(tmp_path, imports):
    program = tmp_path / "wifi.py"
    program.write_text(f"from gnuradio import radiofm\n{imports}\n")
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=LONGEST_S, cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: this flowgraph needs gr-ieee802-11 (https://github.com/bastibl/gr-ieee802-11); "
        "install it first\n"
    )


def test_the_program_of_csi_wifi_sdr_names_what_is_missing(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        install_ieee80211(tmp_path, "", patch)
        write_ieee80211_blocks(tmp_path, yaml.safe_load(WITH_IEEE80211.read_text()))
        assert compile_flowgraphs([WITH_IEEE80211], tmp_path, tmp_path).returncode == 0
    done = subprocess.run(
        [sys.executable, tmp_path / "csi_wifi_sdr.py"],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "needs gr-ieee802-11 (https://github.com/bastibl/gr-ieee802-11)" in line
