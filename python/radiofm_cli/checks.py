# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of an installation: each returns how it went and one line that says so."""

from __future__ import annotations

import contextlib
import enum
import importlib
import io
import platform
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from radiofm_core.bundle import bundled_models
from radiofm_core.errors import RadiofmError
from radiofm_core.inference import load_bundle
from radiofm_core.installation import how_to_install, how_to_mend
from radiofm_core.tasks import DEFAULT, TASKS, Task
from radiofm_core.version import __version__

from .blocks import import_flowgraphs
from .parts import PARTS, Part


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
    """NumPy must be of the major version that GNU Radio was built for."""
    version = np.__version__
    if _fails_with_numpy(_import_gnuradio()):
        text = f"{version}, but this GNU Radio was built for another major version"
        return Outcome.BAD, f"{text}; {how_to_install('numpy')}"
    return Outcome.GOOD, version


def check_torch() -> tuple[Outcome, str]:
    """PyTorch and where it can run."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return Outcome.BAD, f"cannot be imported ({_line(error)}); {how_to_install('torch')}"
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    where = ", ".join(names) if names else f"CPU only, {torch.get_num_threads()} threads"
    return Outcome.GOOD, f"{torch.__version__} ({where})"


def check_gnuradio() -> tuple[Outcome, str]:
    """GNU Radio itself."""
    error = _import_gnuradio()
    if _fails_with_numpy(error):
        return Outcome.BAD, "cannot be imported with this NumPy"
    if error is not None:
        return Outcome.BAD, f"cannot be imported ({_line(error)}); {how_to_install('gnuradio')}"
    from gnuradio import gr

    return Outcome.GOOD, gr.version()


def _import_gnuradio() -> ImportError | None:
    """What is wrong with GNU Radio, if it cannot be imported."""
    try:
        # of another version, NumPy explains itself at length
        with contextlib.redirect_stderr(io.StringIO()):
            importlib.import_module("gnuradio.gr")
    except ImportError as error:
        return error
    return None


def _fails_with_numpy(error: BaseException | None) -> bool:
    """Whether a module built for another NumPy is among an error's causes."""
    while error is not None:
        if "numpy" in str(error) and "multiarray" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def check_blocks() -> tuple[Outcome, str]:
    """This module's blocks, native part included."""
    try:
        module = import_flowgraphs()
    except RadiofmError as error:
        return Outcome.BAD, f"{_line(error.__cause__ or error)}; {how_to_mend()}"
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
            text = f"{name} cannot be imported ({_line(error)})"
            return Outcome.BAD, f"{text}; {how_to_install(name)}"
    return Outcome.GOOD, ", ".join(found)


def check_soapy() -> tuple[Outcome, str]:
    """Live receivers."""
    return _optional("soapy", "live receivers", "`SoapySDRUtil --find` lists the receivers")


def check_zeromq() -> tuple[Outcome, str]:
    """Samples over the network."""
    return _optional("zeromq", "samples over ZeroMQ", "")


def check_uhd() -> tuple[Outcome, str]:
    """USRPs."""
    return _optional("uhd", "USRPs by UHD", "`uhd_find_devices` lists them")


def check_part(part: Part) -> tuple[Outcome, str]:
    """A package that not everyone needs."""
    is_there, text = part.look()
    if not is_there:
        return Outcome.OPTIONAL, text
    if "zmq" in part.modules and not _has_curve():
        return Outcome.OPTIONAL, f"{text}, but without CURVE keys; {how_to_install('zmq')}"
    return Outcome.GOOD, text


def _has_curve() -> bool:
    """Whether the ZeroMQ library can encrypt, as sensors ask for."""
    import zmq

    return zmq.has("curve")


def _optional(module: str, what: str, hint: str) -> tuple[Outcome, str]:
    """A part of GNU Radio that not everyone needs."""
    try:
        importlib.import_module(f"gnuradio.{module}")
    except ImportError as error:
        text = f"no {what} ({_line(error)})"
        return Outcome.OPTIONAL, f"{text}; {how_to_install(f'gnuradio.{module}')}"
    return Outcome.GOOD, "; ".join(filter(None, (f"gr-{module}", hint)))


def _line(error: object) -> str:
    return " ".join(str(error).split())


CHECKS: tuple[tuple[str, Check], ...] = (
    ("radiofm", check_python),
    ("NumPy", check_numpy),
    ("PyTorch", check_torch),
    ("GNU Radio", check_gnuradio),
    ("blocks", check_blocks),
    *(
        (f"{task.command} model", partial(check_model, task))
        for task in TASKS.values()
        if task.command
    ),
    ("results", check_results),
    ("SoapySDR", check_soapy),
    ("UHD", check_uhd),
    ("ZeroMQ", check_zeromq),
    *((part.name, partial(check_part, part)) for part in PARTS),
)
