# SPDX-License-Identifier: GPL-3.0-or-later
"""What recipes of all tasks have in common, for dataclasses that derive from it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

from radiofm_core.errors import UsageError


class SourceBase:
    """Where the frames or clips of a set come from. ``kind``: the key of a recipe that names it,
    and the first of its fields. ``reads_numbers``: it makes numbers of texts itself (YAML takes
    61.44e6 for a text)."""

    kind: ClassVar[str]
    reads_numbers: ClassVar[bool] = False


class DataBase:
    """Sets by the names of the fields, each one source, several of them, or None."""

    def sources(self, part: str) -> tuple:
        """The sources of a part; none where it is not set, but ``pretrain`` is ``train`` then."""
        config = getattr(self, part)
        if config is None:
            return self.sources("train") if part == "pretrain" else ()
        return config if isinstance(config, tuple) else (config,)


class RecipeBase:
    """A recipe with the fields ``name``, ``seed``, ``label_share``, ``folder`` and ``spec``."""

    task: ClassVar[str]

    def facts(self, stage: str) -> dict[str, str]:
        """Everything in the recipe that the weights of ``stage`` depend on, by key."""
        raise NotImplementedError

    def check_label_share(self) -> None:
        """Raises UsageError unless it is a part of 1."""
        if not 0 < self.label_share <= 1:
            raise UsageError(
                f"recipe {self.name}: label_share is {self.label_share}; expected a share above 0 "
                "and up to 1, as 0.1"
            )

    @property
    def run_folder(self) -> Path:
        """Checkpoints and logs."""
        return self.folder / self.name

    def checkpoint(self, stage: str) -> Path:
        """The finished weights of ``stage``."""
        return self.run_folder / f"{stage}.pt"

    def to_dict(self) -> dict:
        """JSON-ready, for the bundle."""
        fields = dataclasses.asdict(self)
        fields.pop("folder")
        fields.pop("spec")
        return fields


def flat(fields: dict, above: str = "") -> dict[str, str]:
    """Nested ``fields`` as one level: ``{"a": {"b": 1}}`` is ``{"a.b": "1"}``."""
    out = {}
    for key, value in fields.items():
        if dataclasses.is_dataclass(value):
            value = dataclasses.asdict(value)
        if isinstance(value, dict):
            out |= flat(value, f"{above}{key}.")
        else:
            out[above + str(key)] = str(value)
    return out
