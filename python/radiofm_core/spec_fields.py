# SPDX-License-Identifier: GPL-3.0-or-later
"""What all specs share: checks of their fields, and the fingerprint of a spec."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from .errors import BundleError, UsageError
from .fields import finite_number


def check_number_fields(spec: object) -> None:
    """Raises UsageError for a field of a dataclass that is to be an ``int`` and is no whole number,
    or a ``float`` and no finite number."""
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if field.type == "int" and type(value) is not int:
            raise UsageError(f"{field.name} {value!r} is no whole number")
        if field.type == "float" and finite_number(value) is None:
            raise UsageError(f"{field.name} {value!r} is no finite number")


def check_keys(kind: type, fields: object, what: str) -> None:
    """Raises BundleError unless ``fields`` is a dict of just the fields of the dataclass
    ``kind``; ``what`` names it in the error."""
    known = {f.name for f in dataclasses.fields(kind)}
    if not isinstance(fields, dict) or set(fields) != known:
        odd = sorted(set(fields) ^ known) if isinstance(fields, dict) else fields
        raise BundleError(f"the bundle's {what} has wrong or missing keys: {odd}")


def fingerprint_of(fields: dict) -> str:
    """16 hex digits that change with any entry of a JSON-ready dict."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
