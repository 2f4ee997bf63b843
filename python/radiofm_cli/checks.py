# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of an installation: each returns how it went and one line that says so."""

from __future__ import annotations

import enum
import importlib
import platform
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from radiofm_core.bundle import bundled_models
from radiofm_core.errors import RadiofmError
from radiofm_core.inference import load_bundle
from radiofm_core.tasks import DEFAULT, TASKS, Task
from radiofm_core.version import __version__

from .blocks import import_flowgraphs


class Outcome(enum.Enum):
    """Good; missing but not needed by all; a fault."""

    GOOD = "good"
    OPTIONAL = "optional"
    BAD = "bad"


Check = Callable[[], tuple[Outcome, str]]


def _version(name: str) -> str:
    module = importlib.import_module(name)
    return str(getattr(module, "__version__", "present"))


def check_python() -> tuple[Outcome, str]:
    """The interpreter."""
    text = f"radiofm {__version__} on Python {platform.python_version()} ({sys.executable})"
    return Outcome.GOOD, text


def check_numpy() -> tuple[Outcome, str]:
    """GNU Radio of Debian 12 and Ubuntu 24.04 was built for NumPy 1."""
    version = np.__version__
    if int(version.split(".")[0]) >= 2:
        return Outcome.BAD, f"{version}: GNU Radio 3.10 needs NumPy 1; pip install 'numpy<2'"
    return Outcome.GOOD, version


def check_torch() -> tuple[Outcome, str]:
    """PyTorch and where it can run."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return Outcome.BAD, f"cannot be imported ({_line(error)}); run `./dev build`"
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    where = ", ".join(names) if names else f"CPU only, {torch.get_num_threads()} threads"
    return Outcome.GOOD, f"{torch.__version__} ({where})"


def check_gnuradio() -> tuple[Outcome, str]:
    """GNU Radio itself."""
    try:
        from gnuradio import gr
    except ImportError as error:
        return Outcome.BAD, f"cannot be imported ({_line(error)}); apt install gnuradio"
    return Outcome.GOOD, gr.version()


def check_blocks() -> tuple[Outcome, str]:
    """This module's blocks, native part included."""
    try:
        module = import_flowgraphs()
    except RadiofmError as error:
        return Outcome.BAD, f"{_line(error.__cause__ or error)}; run `./dev build`"
    return Outcome.GOOD, str(module.__file__).rpartition("/")[0]


def check_model(task: Task) -> tuple[Outcome, str]:
    """The default model for a task: load it and time an empty frame or window."""
    if task.default_model not in [path.stem for path in bundled_models()]:
        text = f"no bundled model for {task.name}; `radiofm {task.command}` needs --model"
        return (Outcome.BAD if task is DEFAULT else Outcome.OPTIONAL), text
    try:
        model = load_bundle(task=task.name)
        spent = []
        for _ in range(4):
            begin = time.perf_counter()
            model.answer_empty()
            spent.append(time.perf_counter() - begin)
    except RadiofmError as error:
        return Outcome.BAD, _line(error)
    except Exception as error:  # whatever a model's code raises
        return Outcome.BAD, f"fails on an all-zero {task.unit} ({_line(error)}); export it again"
    text = f"{model.info.name} on {model.device} in {model.precision}"
    return Outcome.GOOD, f"{text}, {min(spent) * 1e3:.0f} ms per {task.unit}"


def check_results() -> tuple[Outcome, str]:
    """What results are written with."""
    found = []
    for name in ("scipy", "matplotlib", "tqdm"):
        try:
            found.append(f"{name} {_version(name)}")
        except ImportError as error:
            return Outcome.BAD, f"{name} cannot be imported ({_line(error)}); run `./dev build`"
    return Outcome.GOOD, ", ".join(found)


def check_soapy() -> tuple[Outcome, str]:
    """Live receivers."""
    return _optional("soapy", "live receivers", "`SoapySDRUtil --find` lists the receivers")


def check_zeromq() -> tuple[Outcome, str]:
    """Samples over the network."""
    return _optional("zeromq", "samples over ZeroMQ", "")


def check_http() -> tuple[Outcome, str]:
    """The live view in a browser."""
    try:
        return Outcome.GOOD, f"aiohttp {_version('aiohttp')}"
    except ImportError as error:
        return Outcome.OPTIONAL, f"no live view in a browser ({_line(error)}); run `./dev build`"


def _optional(module: str, what: str, hint: str) -> tuple[Outcome, str]:
    """A part of GNU Radio that not everyone needs."""
    try:
        importlib.import_module(f"gnuradio.{module}")
    except ImportError as error:
        return Outcome.OPTIONAL, f"no {what} ({_line(error)}); apt install gnuradio"
    return Outcome.GOOD, "; ".join(filter(None, (f"gr-{module}", hint)))


def _line(error: object) -> str:
    return " ".join(str(error).split())


CHECKS: tuple[tuple[str, Check], ...] = (
    ("radiofm", check_python),
    ("NumPy", check_numpy),
    ("PyTorch", check_torch),
    ("GNU Radio", check_gnuradio),
    ("blocks", check_blocks),
    *((f"{task.command} model", partial(check_model, task)) for task in TASKS.values()),
    ("results", check_results),
    ("SoapySDR", check_soapy),
    ("ZeroMQ", check_zeromq),
    ("browser view", check_http),
)
