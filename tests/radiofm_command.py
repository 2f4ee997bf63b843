# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the installed ``radiofm`` command as a user does."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

RADIOFM = [sys.executable, "-m", "radiofm_cli"]
TESTS = Path(__file__).parent
# A command that takes longer hangs (s)
TIMEOUT_S = 300


def radiofm(*arguments, fresh: bool = False, **options) -> subprocess.CompletedProcess:
    """Run ``radiofm`` to its end, in a process of its own.

    Args:
        arguments: of the command.
        fresh: start Python anew. Else the process is forked off one that has imported all that
            the command needs, which saves seconds; the environment's effect on imports is lost.
        options: see :func:`_forked`.
    """
    command = [str(argument) for argument in arguments]
    if not fresh:
        return _forked(command, **options)
    return _finished([*RADIOFM, *command])


def stopped_radiofm(
    place: str, number: signal.Signals, *arguments, count: int = 1
) -> subprocess.CompletedProcess:
    """Run ``radiofm``, which gets a signal as it comes to ``place`` for the ``count``-th time: see
    :mod:`stopped_radiofm`."""
    command = [str(argument) for argument in arguments]
    if ":" in place:
        return _forked(command, stop=(place, number, count))
    script = TESTS / "stopped_radiofm.py"
    return _finished([sys.executable, str(script), place, str(int(number)), str(count), *command])


def _finished(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)


@cache
def _server() -> subprocess.Popen:
    """:mod:`radiofm_server`, until the end of the tests."""
    server = subprocess.Popen(
        [sys.executable, str(TESTS / "radiofm_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )

    def end() -> None:
        server.stdin.close()
        server.wait(TIMEOUT_S)

    atexit.register(end)
    return server


def _forked(
    command: list[str], limit_file_size: int = 0, stop: tuple[str, int, int] | None = None
) -> subprocess.CompletedProcess:
    """Run a command in a child of the server; no file may grow beyond ``limit_file_size`` bytes if
    given; ``stop``: where to get which signal, see :func:`stopped_radiofm.watch`."""
    server = _server()
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in ("stdout", "stderr")}
        for path in paths.values():
            path.touch()
        job = {
            "arguments": command,
            "folder": os.getcwd(),
            "environment": dict(os.environ),
            "limit_file_size": limit_file_size,
            "stop": stop,
            **{name: str(path) for name, path in paths.items()},
        }
        server.stdin.write(json.dumps(job) + "\n")
        child = _answer(server)
        try:
            code = _answer(server)
        except subprocess.TimeoutExpired:
            os.kill(child, signal.SIGKILL)
            _answer(server)
            raise
        out, errors = (path.read_text() for path in paths.values())
    return subprocess.CompletedProcess(command, code, out, errors)


def _answer(server: subprocess.Popen) -> int:
    """The server's next one."""
    line = b""
    # byte by byte: of what lies in a buffer, as both answers may have come at once, select knows
    # nothing
    while not line.endswith(b"\n"):
        if not select.select([server.stdout], [], [], TIMEOUT_S)[0]:
            raise subprocess.TimeoutExpired(server.args, TIMEOUT_S)
        byte = os.read(server.stdout.fileno(), 1)
        assert byte, "the server of commands has ended"
        line += byte
    return int(line)


def start_radiofm(*arguments) -> subprocess.Popen:
    """Start ``radiofm``, with its output in pipes."""
    return subprocess.Popen(
        [*RADIOFM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def read_one_line(
    *arguments, lines: int = 1, also_errors: bool = False
) -> subprocess.CompletedProcess:
    """Run ``radiofm`` with its output in a pipe whose reader goes after so many lines, as ``head``
    does; ``also_errors``: standard error goes there, too."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*RADIOFM, *map(str, arguments)],
            stdout=writing,
            stderr=writing if also_errors else errors,
        )
        os.close(writing)
        with os.fdopen(reading, "r") as pipe:
            read = "".join(pipe.readline() for _ in range(lines))
        code = process.wait(TIMEOUT_S)
        errors.seek(0)
        return subprocess.CompletedProcess(process.args, code, read, errors.read())


def assert_one_line_error(done: subprocess.CompletedProcess, *words: str, code: int = 2) -> None:
    """One line on standard error that holds ``words``, no traceback, the exit code."""
    assert done.returncode == code, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("radiofm"), done.stderr
    assert "error: " in lines[0] and "Traceback" not in done.stderr
    for word in words:
        assert word in lines[0], lines[0]


def leftovers(folder: Path) -> list[str]:
    """Whatever lies in ``folder``, temporary files too."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
