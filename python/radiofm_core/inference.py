# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading the models inside bundles: with the tasks' ``model.py`` all that knows TorchScript."""

from __future__ import annotations

import inspect
import math
import os
import sys
import time
from functools import lru_cache

from .archive_check import check_archive
from .bundle import BundleInfo, read_bundle_info
from .errors import BundleError, UsageError
from .model import Model, count_inputs
from .tasks import DEFAULT, TASKS

PRECISIONS = ("auto", "fp32", "bf16")
# bfloat16 is taken on a processor whose products of matrices are so many times as fast in it: the
# rest of a model is slower. So many are timed; the fastest counts. Processors without matrix units
# are as fast in it (1) or twice (2.06 by the instructions of AVX-512, where a model gains 1.5): a
# limit between the two is met or missed by far, else each run of a program would take another one.
LEAST_BF16_GAIN = 1.5
PRODUCTS = 20

# Whether this process was forked from one that had PyTorch
_is_fork = False


def _note_fork() -> None:
    global _is_fork
    _is_fork = _is_fork or "torch" in sys.modules


os.register_at_fork(after_in_child=_note_fork)


def load_bundle(
    name_or_path: str | os.PathLike = "default",
    device: str = "auto",
    precision: str = "auto",
    task: str = DEFAULT.name,
) -> Model:
    """Load a model for ``task`` on ``device`` (auto, cpu, cuda, cuda:N) at ``precision``.

    Nothing is unpickled outside TorchScript's own restricted archive reader, and nothing is read
    by it before :func:`check_archive` has looked. Yet a model is a program: what it computes is
    its maker's affair.

    In a process that was forked from one with PyTorch, models compute with one thread: the
    parent's other threads are not there, and PyTorch would wait for them for ever. Processes that
    are to use all cores are started anew (``spawn``).

    Raises:
        BundleError: unreadable, of another task, or without the wanted precision.
        UsageError: an unknown task, device or precision, or a device that is not there.
    """
    info = read_bundle_info(name_or_path, task)
    import torch

    from . import older_torch
    from .packed_weights import freeze_packed

    older_torch.prepare()
    device = _pick_device(device)
    precision = _pick_precision(precision, device, info)
    check_archive(info.path)
    kind = TASKS[task].model
    if _is_fork:
        torch.set_num_threads(1)
    try:
        module = torch.jit.load(str(info.path), map_location=device).eval()
        judge = _own_judge(module, info.path)
        module = module.to(torch.bfloat16 if precision == "bf16" else torch.float32)
        if device == "cpu" and precision == "bf16":
            module = freeze_packed(module, kind.example(info.spec)[: count_inputs(module)])
        else:
            module = torch.jit.freeze(module)
    except Exception as error:  # torch raises RuntimeError and many others on broken archives
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
        raise BundleError(
            f"{info.path}: the model inside cannot be loaded ({reason}); the file is corrupted "
            "or made for another PyTorch: export it again"
        ) from error
    return kind(info, module, device, precision, judge)


def _own_judge(module, path: os.PathLike):
    """A module's method ``judge``, loaded for itself on the CPU in fp32: freezing leaves out all
    methods but ``forward``, and a few emissions are no work for a GPU. None if it has none."""
    if not hasattr(module, "judge"):
        return None
    import torch

    return torch.jit.load(str(path), map_location="cpu").eval().float().judge


def _pick_device(device: str) -> str:
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = str(device).partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        raise UsageError(f"device: expected auto, cpu, cuda or cuda:N, got {device!r}")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"device {device!r} is not available: PyTorch finds {torch.cuda.device_count()} CUDA "
            "devices; use auto or cpu"
        )
    return device


def _pick_precision(precision: str, device: str, info: BundleInfo) -> str:
    if precision not in PRECISIONS:
        raise UsageError(f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision == "auto":
        return "bf16" if "bf16" in info.precisions and bf16_is_fast(device) else "fp32"
    if precision not in info.precisions:
        raise BundleError(
            f"{info.path} offers precision {', '.join(info.precisions)}, not {precision!r}"
        )
    return precision


def has_bf16(device: str) -> bool:
    """Whether ``device`` (cpu, cuda, cuda:N) computes in bfloat16 by instructions of its own; all
    GPUs are assumed to."""
    import torch

    if device.startswith("cuda"):
        return True
    # PyTorch before 2.7 does not tell
    has = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(has.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


@lru_cache(maxsize=8)
def bf16_is_fast(device: str) -> bool:
    """Whether ``device`` (cpu, cuda, cuda:N) computes faster in bfloat16 than in float32: GPUs that
    have it, and processors that multiply matrices much faster in it. Having instructions for it
    does not tell: of those with AVX-512, some are much faster in it, and some no faster."""
    import torch

    if device.startswith("cuda"):
        supported = torch.cuda.is_bf16_supported
        # PyTorch before 2.5 counts no emulation
        is_told = "including_emulation" in inspect.signature(supported).parameters
        return supported(including_emulation=False) if is_told else supported()
    if not has_bf16(device):
        return False
    threads = torch.get_num_threads()
    # others that are busy hold up several threads, and then that is all one would measure
    torch.set_num_threads(1)
    try:
        single, half = _product_times(torch.float32, torch.bfloat16)
        return single > LEAST_BF16_GAIN * half
    finally:
        torch.set_num_threads(threads)


def _product_times(*dtypes) -> list[float]:
    """Seconds of a product of matrices as a model's: the least of several, by type. In turn: what
    the machine does beside must not fall to one of them."""
    import torch

    operands = [
        (torch.ones(256, 192, dtype=dtype), torch.ones(576, 192, dtype=dtype)) for dtype in dtypes
    ]
    least = [math.inf] * len(dtypes)
    with torch.inference_mode():
        for _ in range(PRODUCTS):
            for number, (tokens, weights) in enumerate(operands):
                begin = time.perf_counter()
                torch.nn.functional.linear(tokens, weights)
                least[number] = min(least[number], time.perf_counter() - begin)
    return least
