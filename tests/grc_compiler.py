# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio Companion without its window: flowgraph files from dicts, compiled by ``grcc``."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import yaml
from window_program import READY

TESTS = Path(__file__).parent
# A program that Ctrl-C ends, and one that runs to its end, are through by then (s): on a busy
# machine, too
CTRL_C_S, LONGEST_S = 120, 300


def flowgraph(
    name: str, blocks: list[tuple], connections: list[tuple], has_window: bool = False
) -> dict:
    """The content of a .grc file.

    ``blocks`` are (name, id, parameters); ``connections`` (block, port, block, port);
    ``has_window``: it has QT GUI blocks.
    """
    state = {"coordinate": [8, 8], "rotation": 0, "state": "enabled"}
    kind = "qt_gui" if has_window else "no_gui"
    options = {
        "id": name,
        "title": name,
        "output_language": "python",
        "generate_options": kind,
        "run_options": "run",
    }
    return {
        "options": {"parameters": options, "states": state},
        "blocks": [
            {
                "name": block,
                "id": kind,
                "parameters": {key: str(value) for key, value in parameters.items()},
                "states": state,
            }
            for block, kind, parameters in blocks
        ],
        "connections": [[str(end) for end in connection] for connection in connections],
        "metadata": {"file_format": 1},
    }


def write_flowgraph(folder: Path, content: dict) -> Path:
    """Write ``content`` as a .grc file named after its id."""
    path = folder / f"{content['options']['parameters']['id']}.grc"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def compile_flowgraphs(
    paths: list[Path], folder: Path, more_blocks: Path | None = None
) -> subprocess.CompletedProcess:
    """Generate the Python programs of .grc files into ``folder``.

    ``more_blocks``: a folder of block files of modules that are not installed.
    """
    grcc = shutil.which("grcc") or "/usr/bin/grcc"
    known = os.environ["GRC_BLOCKS_PATH"]
    return subprocess.run(
        [sys.executable, grcc, "-o", str(folder), *map(str, paths)],
        env={**os.environ, "GRC_BLOCKS_PATH": f"{known}:{more_blocks}" if more_blocks else known},
        capture_output=True,
        text=True,
        timeout=300,
    )


def compiled(paths: list[Path], folder: Path) -> Path:
    """Generate the programs of flowgraphs that must be right; returns ``folder``."""
    done = compile_flowgraphs(paths, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def load_flowgraph(path: Path):
    """The top block class of a generated program."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, path.stem)


def run_program(*arguments) -> str:
    """Run a Python program to its end; returns what it printed."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=LONGEST_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "error" not in done.stderr.lower(), done.stderr
    return done.stdout


def run_window(*arguments, until: Callable[[str], bool]) -> str:
    """Run a program with a window, without a screen, and close it with Ctrl-C.

    ``until``: called with all it printed so far on standard output: whether that is enough. Returns
    that and what came after; where Ctrl-C does not end it, the error tells where its threads are.
    """
    program = str(TESTS / "window_program.py")
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-u", program, *map(str, arguments)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(LONGEST_S, process.kill)
    watchdog.start()
    printed, is_ready = "", False
    try:
        for line in process.stdout:
            printed += line
            if READY in printed:  # perhaps in another line, of another thread
                printed, is_ready = printed.replace(READY, ""), True
            if is_ready and until(printed):
                process.send_signal(signal.SIGINT)
                break
        try:
            rest, errors = process.communicate(timeout=CTRL_C_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            rest, errors = process.communicate()
            raise AssertionError(f"Ctrl-C does not end it: {printed + rest + errors}") from None
    finally:
        watchdog.cancel()
        process.kill()
    assert process.returncode == 0 and "Traceback" not in errors, printed + rest + errors
    assert until(printed), printed + errors
    return printed + rest
