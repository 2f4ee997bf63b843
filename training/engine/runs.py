# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a run: written whole or not at all, and never taken for those of another run."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from radiofm_core.errors import InputError, OutputError
from radiofm_core.outputs.files import output_errors

from ..segmentation.data.sources import FramesConfig
from ..segmentation.recipe import HELD_OUT, PART_OF_STAGE, Recipe
from . import processes


def about(recipe: Recipe, stage: str) -> dict[str, str]:
    """Everything that the weights of ``stage`` depend on, by recipe key."""
    upto = list(PART_OF_STAGE)[: list(PART_OF_STAGE).index(stage) + 1]
    stages = [s for s in upto if getattr(recipe, s) is not None]
    fields = recipe.to_dict()
    facts = flat({name: fields[name] for name in ("seed", "start", "model", *stages)})
    data = recipe.data
    taken = {f"data.{PART_OF_STAGE[s]}": data.sources(PART_OF_STAGE[s]) for s in stages}
    # Of one's own data, training has what these leave.
    held = [s for p in HELD_OUT for s in data.sources(p) if not isinstance(s, FramesConfig)]
    taken["data held out"] = tuple(held)
    facts |= {k: str([dataclasses.asdict(s) for s in sources]) for k, sources in taken.items()}
    if stage != "pretrain":
        facts["label_share"] = str(recipe.label_share)
    return {"spec": recipe.spec.fingerprint, "stages": ", ".join(stages), **facts}


def flat(fields: dict, above: str = "") -> dict[str, str]:
    """Nested ``fields`` as one level: ``{"a": {"b": 1}}`` is ``{"a.b": "1"}``."""
    out = {}
    for key, value in fields.items():
        if dataclasses.is_dataclass(value):
            value = dataclasses.asdict(value)
        if isinstance(value, dict):
            out |= flat(value, f"{above}{key}.")
        else:
            out[above + key] = str(value)
    return out


def save(path: Path, content: dict) -> None:
    """Write ``content`` as ``path``. Raises OutputError, and leaves an earlier file as it was,
    if that cannot be done (disk full, no permission)."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            torch.save(content, file)
        part.replace(path)
    except (OSError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        cause = error if isinstance(error, OSError) else (error.__context__ or error)
        reason = getattr(cause, "strerror", None) or str(cause).splitlines()[0]
        raise OutputError(
            f"{path} cannot be written ({reason}); make room there and run the command again"
        ) from error


def save_text(path: Path, text: str) -> None:
    """Write ``text`` as ``path``, in a folder that is made where it is not there; an earlier file
    stays as it was if that cannot be done. Raises OutputError."""
    with output_errors(path, advice="make room there and run the command again"):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(text)
        part.replace(path)


def train_or_load(
    path: Path, facts: dict[str, str], model: nn.Module, train: Callable[[dict[str, str]], None]
) -> None:
    """Bring ``model`` to the end of a stage: ``train(facts)`` where ``path`` does not hold its
    finished weights, then those in every process. ``facts``: all that they depend on."""
    if not path.exists():
        train(facts)
        if processes.rank() == 0:
            save(path, {"about": facts, "weights": model.state_dict()})
            resume_file(path).unlink(missing_ok=True)
        processes.wait()
    model.load_state_dict(read(path, facts)["weights"])


def resume_file(path: Path) -> Path:
    """Where the stage that will be saved as ``path`` keeps what it goes on from."""
    return path.with_suffix(".resume.ckpt")


def read(path: Path, wanted: dict[str, str]) -> dict:
    """The content of a file that :func:`save` wrote for a run of the same facts.

    Raises InputError: unreadable, or made by another recipe; the file stays as it is.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = content["about"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise InputError(
            f"{path} is no checkpoint that can be read; move it away to train this stage anew"
        ) from error
    for key, value in wanted.items():
        if key in found and found[key] != value:
            raise InputError(
                f"{path} was made with {key} {found[key]}, this recipe has {value}; give the "
                "recipe another name, or move that folder away"
            )
    return content
