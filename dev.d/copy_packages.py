# SPDX-License-Identifier: GPL-3.0-or-later
"""``copy_packages.py REQUIREMENTS FOLDER``: the packages that a list names, and what they need in
turn, from this Python's environment into FOLDER, which needs no network.

NumPy and what is built on it stay out, for FOLDER's users have the system's; so do commands and
what the environment itself takes from the system.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# NumPy, SciPy, Matplotlib, and what the list names for Matplotlib alone
OF_THE_SYSTEM = {"numpy", "scipy", "matplotlib"}
OF_THE_SYSTEM |= {"contourpy", "cycler", "fonttools", "kiwisolver", "pillow", "pyparsing"}
OF_THE_SYSTEM |= {"python-dateutil", "six"}


def listed(path: Path) -> list[Requirement]:
    """The requirements of a list that hold here."""
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return [one for one in found if one.marker is None or one.marker.evaluate()]


def with_needs(wanted: list[Requirement]) -> dict[str, Distribution]:
    """The distributions by name; what no list names, such as CUDA's, is found by what needs it."""
    found: dict[str, Distribution] = {}
    left = list(wanted)
    while left:
        one = left.pop()
        name = canonicalize_name(one.name)
        if name in found or name in OF_THE_SYSTEM:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            if one in wanted:
                sys.exit(f"error: {one} is not installed; run ./dev build")
            continue
        extras = {"extra": ""}
        for line in found[name].requires or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate(extras):
                left.append(need)
    return found


def copy(one: Distribution, folder: Path) -> None:
    """Copy a distribution's files; hard links, where both are on one disk."""
    for file in one.files or []:
        source = Path(file.locate())
        if file.is_absolute() or ".." in file.parts or not source.is_file():
            continue
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except FileExistsError:
            continue
        except OSError:
            shutil.copy2(source, target)


def main(requirements: str, folder: str) -> None:
    """Copy what is in the environment itself."""
    for one in with_needs(listed(Path(requirements))).values():
        if Path(str(one.locate_file(""))).resolve().is_relative_to(Path(sys.prefix).resolve()):
            copy(one, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
