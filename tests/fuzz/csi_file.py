# SPDX-License-Identifier: GPL-3.0-or-later
"""What the targets of CSI formats share: a file that one format's reader is given."""

from __future__ import annotations

from types import ModuleType

import csi_samples

from radiofm_core.csi.reader import CsiReader, open_csi
from radiofm_core.errors import InputError

from .harness import may_refuse, written


def seeds(*names: str) -> dict[str, bytes]:
    """Of the tests' own small files."""
    found = csi_samples.samples()
    return {name.replace(" ", "-"): found[name] for name in names}


def read(data: bytes, module: ModuleType) -> None:
    """Read a file as users do, as this format wherever it can pass for it."""
    path = written("x.bin", data)
    with may_refuse(InputError):
        reader = CsiReader(path, module) if module.sniff(data) else open_csi(path)
        csi_samples.check(reader)
