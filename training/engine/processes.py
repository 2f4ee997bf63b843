# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes that train one model (``torchrun``), on one host or on several, and the device
that each computes on."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
from torch import distributed

from radiofm_core.errors import RadiofmError, UsageError
from radiofm_core.inference import bf16_is_fast, has_bf16

Result = TypeVar("Result")
# A process whose connection is closed is missed at once; one whose host cannot be reached any more,
# or that is stuck, after this time
MISSED_AFTER = timedelta(minutes=30)
# The others wait so long while the first one prepares frames
PREPARED_WITHIN = timedelta(hours=24)
# What PyTorch's errors name when another process cannot be reached
LINKS = (
    "gloo",
    "NCCL",
    "Connection closed",
    "Connection reset",
    "Broken pipe",
    "Timed out waiting",
    "timeout caused pair closure",
)
# By what torchrun tells a process that it is one of several, but for which GPU it has
LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE")
_preparing = None


class LostProcessError(RadiofmError):
    """Another process of this training has ended or cannot be reached."""

    exit_code = 2


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
        global _preparing
        with missing():
            distributed.init_process_group(backend, timeout=MISSED_AFTER)
            _preparing = distributed.new_group(backend="gloo", timeout=PREPARED_WITHIN)


def leave() -> None:
    """Part from the other processes."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def go_alone() -> None:
    """Part from the other processes for work of one's own: from here on this is the only one."""
    leave()
    for name in [n for n in os.environ if n in LAUNCHED or n.startswith("TORCHELASTIC_")]:
        del os.environ[name]


@contextlib.contextmanager
def missing() -> Iterator[None]:
    """Raises LostProcessError in place of what PyTorch says when another process is not there."""
    try:
        yield
    except RuntimeError as error:
        is_link = isinstance(error, distributed.DistError) or any(n in str(error) for n in LINKS)
        if world() == 1 or not is_link:
            raise
        raise LostProcessError(
            f"process {rank()} of {world()} has lost another one, whose host tells why it ended "
            "(or cannot be reached); start the same command on every host again to go on"
        ) from error


def wait(group: distributed.ProcessGroup | None = None) -> None:
    """Until all processes have come here. Raises LostProcessError."""
    if distributed.is_initialized():
        with missing():
            distributed.all_reduce(torch.zeros(1), group=group)


def total(values: torch.Tensor) -> torch.Tensor:
    """The sum of ``values`` (on the CPU) over all processes. Raises LostProcessError."""
    if distributed.is_initialized():
        with missing():
            distributed.all_reduce(values)
    return values


def mean(value: float) -> float:
    """Over all processes. Raises LostProcessError."""
    return float(total(torch.tensor(value, dtype=torch.float64))) / world()


def first_alone(make: Callable[[], Result]) -> Result:
    """Call ``make`` in the first process, then in the others, which find what it made."""
    if rank():
        wait(_preparing)
        return make()
    made = make()
    wait(_preparing)
    return made


def check_shared(folder: Path) -> None:
    """Raises UsageError, in all processes, unless all see what the first one writes in ``folder``:
    its frames and its checkpoints."""
    if not distributed.is_initialized():
        return
    # A name that no host can know of, or a network's file system would tell of it from memory
    number = torch.tensor(secrets.randbits(62) if rank() == 0 else 0)
    mark = folder / f".seen-{int(total(number)):x}"
    if rank() == 0:
        folder.mkdir(parents=True, exist_ok=True)
        mark.touch()
    wait()
    seen = int(total(torch.tensor(int(mark.exists()))))
    if rank() == 0:
        mark.unlink()
    if seen < world():
        raise UsageError(
            f"{folder} is not one folder for all hosts: {world() - seen} of {world()} processes do "
            "not see what the first one writes there; put it on a disk that all hosts share"
        )


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
        precision: ``auto``; ``bf16``, which is float32 on a processor without instructions for it,
            where it would take many times as long; or ``fp32``.
    """
    wanted = (precision == "bf16" and has_bf16(kind)) or (
        precision == "auto" and bf16_is_fast(kind)
    )
    return torch.autocast(kind, torch.bfloat16, enabled=wanted)
