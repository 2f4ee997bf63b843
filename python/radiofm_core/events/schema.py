# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of events, which is installed beside this file."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from ..errors import RadiofmError, reason_of
from ..installation import how_to_install

SCHEMA_FILE = "event.schema.json"


def schema_text() -> str:
    """The schema as it is published."""
    return files(__package__).joinpath(SCHEMA_FILE).read_text(encoding="utf-8")


@cache
def event_validator():
    """A validator of ``jsonschema``: ``event_validator().validate(event)`` raises its
    ValidationError for what is no event of this version. Raises RadiofmError where that package
    is missing."""
    try:
        from jsonschema import Draft202012Validator
    except ImportError as error:
        raise RadiofmError(
            f"checking events needs jsonschema, which cannot be imported ({reason_of(error)}); "
            f"{how_to_install('jsonschema')}"
        ) from error

    schema = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
