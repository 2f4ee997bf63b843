# SPDX-License-Identifier: GPL-3.0-or-later
"""The path of a file to read, as a user named it."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError


def input_path(named: object, what: str, parameter: str) -> Path:
    """The path that ``named`` (a str or a PathLike) is.

    Args:
        named: what the user gave; empty where nothing was set.
        what: is read there, as in "a recording".
        parameter: the block's, as GNU Radio Companion shows it.

    Raises:
        InputError: nothing is named, it is no path, or it is a folder by its name alone.
    """
    if named is None or named == "":
        raise InputError(f"no file is named; give {what} (GNU Radio Companion: set {parameter})")
    try:
        path = Path(named)
    except TypeError as error:
        raise InputError(f"expected the path of {what}, got {named!r}") from error
    if not path.name:
        raise InputError(f"{path} is a folder; give {what}")
    return path
