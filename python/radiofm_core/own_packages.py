# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python packages that came with an installation for all users.

``./dev install PREFIX`` puts PyTorch and others into ``PREFIX/lib/radiofm/packages``, so that only
programs that use radiofm see them. NumPy is not among them: it is the one of GNU Radio.
"""

from __future__ import annotations

import sys
from pathlib import Path


def find_own_packages(package: Path) -> None:
    """Let Python find them, before others of the same names that the system may have.

    ``package``: the installed folder of ``radiofm_core``,
    ``PREFIX/lib/python3.11/dist-packages/radiofm_core`` or the like. Where nothing was installed
    for all users, nothing is changed.
    """
    folder = package.parents[2] / "radiofm" / "packages"
    if str(folder) in sys.path or not folder.is_dir():
        return
    beside = str(package.parent)
    sys.path.insert(sys.path.index(beside) if beside in sys.path else 0, str(folder))
