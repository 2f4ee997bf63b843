# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the installed ``radiofm`` command as a user does."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

RADIOFM = [sys.executable, "-m", "radiofm_cli"]


def radiofm(*arguments, limit_file_size: int = 0) -> subprocess.CompletedProcess:
    """Run ``radiofm`` to its end; no file may grow beyond ``limit_file_size`` bytes if given."""

    def limit():
        # ignored, the signal becomes the error EFBIG of a write
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_file_size, limit_file_size))

    return subprocess.run(
        [*RADIOFM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=limit if limit_file_size else None,
    )


def start_radiofm(*arguments) -> subprocess.Popen:
    """Start ``radiofm``, with its output in pipes."""
    return subprocess.Popen(
        [*RADIOFM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def stopped_radiofm(
    place: str, number: signal.Signals, *arguments, count: int = 1
) -> subprocess.CompletedProcess:
    """Run ``radiofm``, sending it a signal as it comes to ``place`` for the ``count``-th time: see
    :mod:`stopped_radiofm`."""
    script = Path(__file__).with_name("stopped_radiofm.py")
    return subprocess.run(
        [sys.executable, str(script), place, str(count), str(int(number)), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


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
