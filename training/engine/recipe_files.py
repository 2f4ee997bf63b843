# SPDX-License-Identifier: GPL-3.0-or-later
"""From YAML to typed fields: recipes, their parts, and what they are based on."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path

import yaml

from radiofm_core.errors import InputError, UsageError, reason_of


def read_fields(path: str | Path, kinds: Collection[str] = ()) -> object:
    """What a YAML file holds, laid over what its ``base`` holds.

    With ``base: OTHER.yaml`` (beside it) a file is that one but for the keys that it sets itself;
    ``null`` takes a section away, and a source of another kind replaces the base's.

    Args:
        path: the file.
        kinds: keys that tell the kind of a source (see :func:`overlaid`).

    Raises:
        InputError: a file that cannot be read.
        UsageError: files that are based on each other.
    """
    return _fields(Path(path), kinds, ())


def _fields(path: Path, kinds: Collection[str], seen: tuple[Path, ...]) -> object:
    try:
        fields = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = reason_of(error)
        raise InputError(f"recipe {path} cannot be read ({reason})") from error
    if not isinstance(fields, dict) or "base" not in fields:
        return fields
    base = path.parent / str(fields.pop("base"))
    if base in (*seen, path):
        raise UsageError(f"{path}: circular 'base' by way of {base.name}; remove one 'base'")
    return overlaid(_fields(base, kinds, (*seen, path)), fields, kinds)


def overlaid(below: object, above: object, kinds: Collection[str] = ()) -> object:
    """The keys of ``above`` in place of those of ``below``, section by section; a section with
    another of the keys ``kinds`` than the one below replaces it whole."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    named = [set(kinds) & fields.keys() for fields in (below, above)]
    if all(named) and named[0] != named[1]:
        return above
    return below | {k: overlaid(below.get(k), v, kinds) for k, v in above.items()}


def build(kind, fields, where: str):
    """A ``kind`` (a recipe or a part of it) of YAML ``fields``; ``where`` begins errors. A kind
    says of its fields which are dataclasses (``NESTED``), which are read by a function
    (``READ``), and which are sources, of which kinds (``SOURCES``).

    Raises UsageError: an unknown or missing key, or a value that does not fit.
    """
    known = {f.name: f for f in dataclasses.fields(kind)}
    if not isinstance(fields, dict):
        raise UsageError(f"{where}: expected keys {sorted(known)}, found {fields!r}")
    unknown = sorted(set(fields) - set(known), key=str)
    if unknown:
        raise UsageError(f"{where}: unknown key {unknown[0]!r}; the keys are {sorted(known)}")
    values, nested = {}, getattr(kind, "NESTED", {})
    readers = getattr(kind, "READ", {})
    parts, kinds = getattr(kind, "SOURCES", ((), {}))
    numbers = ("int",) if getattr(kind, "reads_numbers", False) else ("int", "float")
    for key, value in fields.items():
        if value is None and known[key].default is None:
            pass
        elif key in nested:
            value = build(nested[key], value, f"{where}, {key}")
        elif key in readers:
            value = readers[key](value, f"{where}, {key}")
        elif key in parts:
            value = _build_part(value, kinds, f"{where}, {key}")
        elif isinstance(value, list):
            value = tuple(value)
        elif key == "folder":
            value = Path(value)
        elif isinstance(value, str) and known[key].type in numbers:
            # YAML takes 1e-3 for a text
            raise UsageError(
                f"{where}: {key}: expected a number such as 0.001, got the text {value!r}"
            )
        values[key] = value
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {error}") from error
    except UsageError as error:
        # A recipe's own errors name it already.
        raise error if hasattr(kind, "NESTED") else UsageError(f"{where}: {error}") from error


def _build_part(value, kinds: dict, where: str):
    if isinstance(value, list) and value:
        return tuple(_build_source(v, kinds, f"{where} {i}") for i, v in enumerate(value, 1))
    return _build_source(value, kinds, where)


def _build_source(fields, kinds: dict, where: str):
    named = [key for key in kinds if isinstance(fields, dict) and key in fields]
    if len(named) != 1:
        raise UsageError(
            f"{where}: expected one of the keys {', '.join(kinds)} (the kind of source), found "
            f"{fields!r}"
        )
    return build(kinds[named[0]], fields, where)
