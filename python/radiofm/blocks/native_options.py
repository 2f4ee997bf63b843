# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a native block: a C++ struct, filled by the names of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from radiofm_core.errors import UsageError

Options = TypeVar("Options")


def filled(
    kind: type[Options], values: Mapping[str, object], more: Mapping[str, object] | None = None
) -> Options:
    """A ``kind`` with these fields set; the others keep their defaults.

    Args:
        kind: a class of ``radiofm_python`` whose ``fields`` are its fields' names.
        values: what a wrapper sets itself.
        more: what its caller named beside that.

    Raises:
        UsageError: a name in ``more`` that is no field or that the wrapper sets; a value that a
            field cannot hold.
    """
    more = more or {}
    free = [name for name in kind.fields if name not in values]
    for name in more:
        if name not in free:
            known = f"one of {', '.join(free)}" if free else "no further options"
            raise UsageError(f"unknown option {name!r}: expected {known}")
    made = kind()
    for name, value in {**values, **more}.items():
        try:
            setattr(made, name, value)
        except TypeError as error:
            kind_name = type(getattr(made, name)).__name__
            raise UsageError(f"{name}: expected {kind_name}, got {value!r}") from error
    return made
