# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine and the versions that figures were measured with."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import numpy as np

from .version import __version__

# Instructions that the speed depends on, by their names in /proc/cpuinfo (x86 and Arm)
FLAGS = (
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_bf16",
    "asimd",
    "sve",
    "bf16",
)
# ./dev tells the commit here: what is installed does not know it
REVISION_VARIABLE = "RADIOFM_REVISION"


def describe_machine(**versions: str) -> dict:
    """JSON-ready facts: processor, memory, versions, load before anything is measured; beside
    the versions of what is known here, ``versions`` of what else takes part."""
    import torch

    about = _cpuinfo()
    return {
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in FLAGS if flag in _all_flags(about)],
        "ram_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "system": platform.platform(),
        "radiofm": __version__,
        "revision": os.environ.get(REVISION_VARIABLE) or "unknown",
        **versions,
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def processor() -> str:
    """The processor's name, or, where the system does not tell it, its kind."""
    return _first(_cpuinfo(), "model name") or platform.processor() or platform.machine()


def _cpuinfo() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else ""


def _first(about: str, key: str) -> str:
    match = re.search(rf"^{key}\s*:\s*(.+)$", about, re.MULTILINE)
    return match[1].strip() if match else ""


def _all_flags(about: str) -> set[str]:
    return set((_first(about, "flags") or _first(about, "Features")).split())
