# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes that train one model (``torchrun``), and the device that each computes on."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed

from radiofm_core.inference import bf16_is_fast

Result = TypeVar("Result")


def world() -> int:
    """How many processes train together; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """This process's number, 0 .. world() - 1; files and the terminal are for 0 alone."""
    return int(os.environ.get("RANK", "0"))


def join() -> None:
    """Meet the other processes, if there are any."""
    if world() > 1 and not distributed.is_initialized():
        backend = "gloo"
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
            backend = "cpu:gloo,cuda:nccl"
        # The others wait while the first one prepares frames.
        distributed.init_process_group(backend, timeout=timedelta(hours=24))


def leave() -> None:
    """Part from the other processes."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def wait() -> None:
    """Until all processes have come here."""
    if distributed.is_initialized():
        distributed.all_reduce(torch.zeros(1))


def total(values: torch.Tensor) -> torch.Tensor:
    """The sum of ``values`` (on the CPU) over all processes."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
    return values


def first_alone(make: Callable[[], Result]) -> Result:
    """Call ``make`` in the first process, then in the others, which find what it made."""
    if rank():
        wait()
        return make()
    made = make()
    wait()
    return made


def reuse_memory() -> None:
    """Let the tensors of a step take the pages of the last one's, where the C library is glibc.

    Left alone it returns large blocks to the system at once, and a third of a step on a CPU goes
    into having pages cleared again.
    """
    # from malloc.h: M_MMAP_THRESHOLD and M_TRIM_THRESHOLD
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(-3, 1 << 30)
        libc.mallopt(-1, (1 << 31) - 1)


def device() -> torch.device:
    """The GPU of this process where there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def autocast(kind: str, precision: str = "auto"):
    """bfloat16 where it is fast: three times the speed of float32 on processors with AMX.

    Args:
        kind: ``cpu`` or ``cuda``.
        precision: ``auto``, ``bf16`` or ``fp32``.
    """
    wanted = precision == "bf16" or (precision == "auto" and bf16_is_fast(kind))
    return torch.autocast(kind, torch.bfloat16, enabled=wanted)
