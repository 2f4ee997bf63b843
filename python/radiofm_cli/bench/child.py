# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements in processes of their own: a call there, its answer as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from radiofm_core.bundle import BundleInfo
from radiofm_core.errors import RadiofmError
from radiofm_core.spectrum.recordings import Recording

PACKAGE = __name__.rpartition(".")[0]


def resident_mb() -> float:
    """Resident memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RadiofmError("/proc/self/status does not tell the resident memory")


def start(module: str, **arguments) -> subprocess.Popen:
    """Start ``module`` of this package, which calls :func:`serve`, in a new process."""
    # its packages may lie in a prefix that only this process knows
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-m", f"{PACKAGE}.{module}", json.dumps(arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def answer(process: subprocess.Popen):
    """What the function returned; raises RadiofmError if the process failed."""
    out, errors = process.communicate()
    if process.returncode:
        last = (errors.strip().splitlines() or ["no reason given"])[-1]
        raise RadiofmError(f"a measurement in a process of its own failed: {last}")
    return json.loads(out.strip().splitlines()[-1])


def call(module: str, **arguments):
    """:func:`start` and :func:`answer`."""
    return answer(start(module, **arguments))


def call_on(module: str, recording: Recording, info: BundleInfo, **arguments):
    """:func:`call` for what plays a recording to a model."""
    return call(
        module,
        recording=str(recording.data_path),
        rate=recording.sample_rate,
        datatype=recording.datatype,
        model=str(info.path.resolve()),
        **arguments,
    )


def serve(function: Callable) -> None:
    """In the new process: call ``function`` as asked for and print what it returns."""
    print(json.dumps(function(**json.loads(sys.argv[1]))), flush=True)
