# SPDX-License-Identifier: GPL-3.0-or-later
"""The ten-minute pages: what they tell to type is run as it stands there, in order."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import yaml
from level_model import two_carriers
from test_readme import ROOT, commands

TESTS = Path(__file__).parent
PAGES = {
    name: ROOT / f"docs/ten-minutes-{name}.md" for name in ("companion", "headless", "training")
}
MOST_STEPS = 10
# What a test cannot do as it stands, and why
NOT_RUN = {
    "git clone URL gr-radiofm": "needs the network",
    "cd gr-radiofm": "follows the clone",
    "./dev build": "what is tested is built",
    "./dev training": "what is tested has it",
    "./dev demo": "test_readme.py runs it",
    "./dev grc examples/segment_recording.grc": "the screenshots and test_examples.py run it",
    "sudo apt install soapysdr-module-rtlsdr": "needs the network and root",
    "ssh -L 8080:localhost:8080 HOST": "needs another host",
}
# A command that takes longer hangs (s)
LONGEST_S = 300
QUICK_RECIPE = "training/recipes/own_recordings_quick.yaml"


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A folder with what the commands name, as the repository's root has it; the quick recipe is
    quicker yet, as tests have less time than users."""
    for name in (".venv", "examples"):
        (tmp_path / name).symlink_to(Path(sys.prefix) if name == ".venv" else ROOT / name)
    (tmp_path / "training").mkdir()
    for path in (ROOT / "training").iterdir():
        if path.name != "recipes":
            (tmp_path / "training" / path.name).symlink_to(path)
    shutil.copytree(ROOT / "training/recipes", tmp_path / "training/recipes")
    recipe = tmp_path / QUICK_RECIPE
    whole = recipe.rename(recipe.with_name("whole.yaml"))
    own = {"recordings": "my_recordings", "rows": 64}
    recipe.write_text(
        yaml.safe_dump(
            {
                "base": whole.name,
                "benchmark": 2,
                "data": {
                    "train": [own, {"frames": 2, "first_seed": 40000000, "rows": 64}],
                    "validation": [
                        {**own, "share": 0.25},
                        {"frames": 2, "first_seed": 10000000, "rows": 64},
                    ],
                    "workers": 1,
                },
                "finetune": {"steps": 2, "batch": 2, "warmup": 1},
            }
        )
    )
    return tmp_path


def to_run(page: str) -> list[str]:
    return [command for command in commands(PAGES[page]) if command not in NOT_RUN]


def run_in(folder: Path, command: str, timeout: float = LONGEST_S) -> str:
    """Run a command as a shell does; returns what it printed."""
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_there_are_at_most_ten_steps(page):
    clicks = re.findall(r"[Pp]ress |[Dd]ouble-click|\*F6\*", PAGES[page].read_text())
    assert 3 <= len(commands(PAGES[page])) <= MOST_STEPS
    assert len(clicks) <= MOST_STEPS


def test_what_is_not_run_is_on_a_page():
    typed = {command for page in PAGES.values() for command in commands(page)}
    assert NOT_RUN.keys() <= typed


def test_everything_of_the_companion_page_is_run_elsewhere():
    assert to_run("companion") == []


def test_the_headless_page(checkout):
    to_a_receiver = [command for command in to_run("headless") if "soapy=" in command]
    rest = [command for command in to_run("headless") if "soapy=" not in command]
    printed = {command: run_in(checkout, command) for command in rest}
    [table] = [out for command, out in printed.items() if " segment " in command]
    assert "LTE" in table and "Wi-Fi" in table
    lines = (checkout / "results/demo.jsonl").read_text().splitlines()
    assert {"lte", "wifi"} <= {json.loads(line)["label"] for line in lines}
    assert len(to_a_receiver) == 3
    for command in to_a_receiver:
        watch_a_receiver(checkout, command)


def watch_a_receiver(checkout: Path, command: str) -> None:
    """Run a command with a receiver that plays a file for ever, until it tells an emission, or its
    page can be read; then stop it as a user does."""
    port = re.search(r"--http (\d+)", command)
    if port and is_taken(int(port[1])):
        pytest.skip(f"port {port[1]} of this machine is taken")
    heard = checkout / "heard.c64"
    np.tile(two_carriers(0.3).astype(np.complex64), 4).tofile(heard)
    program, *arguments = shlex.split(command)
    words = [TESTS / "pretend_receiver.py", f"forever:{heard}", checkout / program, *arguments]
    told = checkout / "told"
    with told.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", *map(str, words)], cwd=checkout, stdout=output, stderr=output
        )
    word = '"event": "start"' if "--json" in command else " MHz "
    deadline = time.monotonic() + LONGEST_S
    try:
        while not (serves_emission(int(port[1])) if port else word in told.read_text()):
            assert process.poll() is None and time.monotonic() < deadline, told.read_text()
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(LONGEST_S) in (0, 130), told.read_text()
    finally:
        process.kill()


def is_taken(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def serves_emission(port: int) -> bool:
    """Whether a list of emissions is served that is not empty."""
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/api/emissions", timeout=60) as answer:
            return bool(json.load(answer))
    except OSError:
        return False  # not served yet


def test_the_training_page(checkout):
    printed = {command: run_in(checkout, command) for command in to_run("training")}
    assert len(printed) == 5
    bundle = checkout / "build/training/own-recordings-quick/own-recordings-quick.pt"
    assert bundle.is_file() and (checkout / "results/demo.png").is_file()
    shown = next(out for command, out in printed.items() if " models " in command)
    assert "own-recordings-quick" in shown
