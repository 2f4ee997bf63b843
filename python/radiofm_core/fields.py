# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of values that come from outside: other blocks and files can hold anything."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real

from .errors import InputError, UsageError

# Powers and ratios beyond it (dB) cannot be measured, and overflow as linear numbers
MOST_DB = 1000.0


def finite_number(value: object) -> float | None:
    """A real number's value; None of anything else, of NaN, and beyond a float's range."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def check_present(fields: object, keys: Iterable[str], what: str = "content") -> None:
    """Raise InputError unless ``fields`` is a dict (``what`` it is called) with all of ``keys``."""
    if not isinstance(fields, Mapping):
        raise InputError(f"its {what}: expected a dict, got {shown(fields)}")
    missing = [key for key in keys if key not in fields]
    if missing:
        raise InputError(f"its {what} lacks {', '.join(missing)}")


def check_whole(fields: Mapping, keys: Iterable[str]) -> None:
    """Raise InputError unless each of ``keys`` is a non-negative integer."""
    for key in keys:
        if type(fields[key]) is not int or fields[key] < 0:
            raise InputError(
                f"its {key}: expected a non-negative integer, got {shown(fields[key])}"
            )


def check_numbers(fields: Mapping, keys: Iterable[str], least: float = -math.inf) -> None:
    """Raise InputError unless each of ``keys`` is a finite number, ``least`` or more."""
    for key in keys:
        value = finite_number(fields[key])
        if value is None or value < least:
            limit = f" from {least:g}" if math.isfinite(least) else ""
            raise InputError(f"its {key}: expected a number{limit}, got {shown(fields[key])}")


def check_decibels(fields: Mapping, keys: Iterable[str]) -> None:
    """Raise InputError unless each of ``keys`` lies within MOST_DB of 0 dB."""
    check_numbers(fields, keys)
    for key in keys:
        if abs(fields[key]) > MOST_DB:
            raise InputError(
                f"its {key}: expected {-MOST_DB:g} to {MOST_DB:g} dB, got {fields[key]:g} dB"
            )


def check_time(fields: Mapping, key: str) -> None:
    """Raise InputError unless ``key`` is (whole seconds, fraction)."""
    value = fields[key]
    if type(value) is tuple and [type(part) for part in value] == [int, float]:
        seconds, fraction = value
        if seconds >= 0 and 0 <= fraction < 1:
            return
    raise InputError(f"its {key}: expected a tuple (seconds, fraction), got {shown(value)}")


def whole_parameter(name: str, value: object, least: int, most: int | None = None) -> int:
    """A parameter that is a whole number (2.0 is one) from ``least`` to ``most``, as an int; raises
    UsageError."""
    number = finite_number(value)
    highest = math.inf if most is None else most
    if number is None or number != int(number) or not least <= number <= highest:
        limit = f", {least} or more" if most is None else f" from {least} to {most}"
        raise UsageError(f"{name}: expected an integer{limit}, got {shown(value)}")
    return int(value)


def number_parameter(
    name: str, value: object, unit: str = "", least: float = -math.inf, above: float = -math.inf
) -> float:
    """A parameter that is a finite number, ``least`` or more and more than ``above``, as a float;
    raises UsageError. ``unit``: of it, for the error."""
    number = finite_number(value)
    if number is None or number < least or number <= above:
        unit = f" {unit}" if unit else ""
        limit = "a finite number"
        if math.isfinite(above):
            limit = f"more than {above:g}{unit}"
        elif math.isfinite(least):
            limit = f"{least:g}{unit} or more"
        raise UsageError(f"{name}: expected {limit}, got {shown(value)}")
    return number


def share_parameter(name: str, value: object) -> float:
    """A parameter from 0 to 1, as a float; raises UsageError."""
    number = finite_number(value)
    if number is None or not 0.0 <= number <= 1.0:
        raise UsageError(f"{name}: expected a number from 0 to 1, got {shown(value)}")
    return number


def shown(value: object) -> str:
    """A value in at most 60 characters of one line."""
    return " ".join(repr(value).split())[:60]
