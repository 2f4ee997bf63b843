# SPDX-License-Identifier: GPL-3.0-or-later
"""What all specs share: their form in JSON, their fingerprint, checks of their fields."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from typing import ClassVar, Self

from .errors import BundleError, UsageError
from .fields import finite_number

# Metadata of a field that came later: it is in the JSON, and so in the fingerprint, only where it
# differs from its default
OPTIONAL = {"optional": True}


class Spec(ABC):
    """What a model looks at: the base of frozen dataclasses of numbers, texts and tuples of texts,
    whose ``__post_init__`` raises UsageError for values that cannot be."""

    # What errors call it
    title: ClassVar[str]

    def to_dict(self) -> dict:
        """A JSON-ready dict."""
        default = {f.name: f.default for f in dataclasses.fields(self) if f.metadata == OPTIONAL}
        fields = {k: v for k, v in dataclasses.asdict(self).items() if default.get(k, ...) != v}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """The inverse of :meth:`to_dict`; raises BundleError on unknown or missing keys,
        UsageError for values that cannot be."""
        check_keys(cls, fields)
        return cls(**{k: tuple(v) if type(v) is list else v for k, v in fields.items()})

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with any field."""
        return fingerprint_of(self.to_dict())

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """What to tell of it in a line or two: texts by their headings."""


def check_number_fields(spec: object) -> None:
    """Raises UsageError for a field of a dataclass that is to be an ``int`` and is no whole number,
    or a ``float`` and no finite number."""
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if field.type == "int" and type(value) is not int:
            raise UsageError(f"{field.name}: expected an integer, got {value!r}")
        if field.type == "float" and finite_number(value) is None:
            raise UsageError(f"{field.name}: expected a finite number, got {value!r}")


def check_keys(kind: type[Spec], fields: object) -> None:
    """Raises BundleError unless ``fields`` is a dict of just the fields of ``kind``; optional ones
    may be left out."""
    known = {f.name for f in dataclasses.fields(kind)}
    needed = {f.name for f in dataclasses.fields(kind) if f.metadata != OPTIONAL}
    if not isinstance(fields, dict) or not needed <= set(fields) <= known:
        odd = sorted(set(fields) ^ known) if isinstance(fields, dict) else fields
        raise BundleError(f"the bundle's {kind.title} has wrong or missing keys: {odd}")


def fingerprint_of(fields: dict) -> str:
    """16 hex digits that change with any entry of a JSON-ready dict."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
