# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a run: written whole or not at all, and never taken for those of another run."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from radiofm_core.errors import InputError, OutputError
from radiofm_core.outputs.files import output_errors

from . import processes


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
    processes.check_shared(path.parent)
    if not processes.mean(path.exists()):
        train(facts)
        if processes.rank() == 0:
            save(path, {"about": facts, "weights": model.state_dict()})
            resume_file(path).unlink(missing_ok=True)
        processes.wait()
    model.load_state_dict(read(path, facts)["weights"])


def resume_file(path: Path) -> Path:
    """Where the stage that will be saved as ``path`` keeps what it goes on from."""
    return path.with_suffix(".resume.ckpt")


def read(path: Path, facts: dict[str, str]) -> dict:
    """The content of a file that :func:`save` wrote for a run of just these facts.

    Raises InputError: unreadable, or of a run with other facts (a fact of one that the other does
    not have is another fact); the file stays as it is.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = dict(content["about"])
    except (
        *(OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError),
        pickle.UnpicklingError,
    ) as error:
        raise InputError(
            f"{path}: the checkpoint cannot be read; move it away to retrain this stage"
        ) from error
    for key in (*facts, *found):
        if found.get(key) != facts.get(key):
            raise InputError(
                f"{path} was made with {key} {found.get(key, 'not set')}, this recipe has "
                f"{facts.get(key, 'none')}; give the recipe another name, or move that folder away"
            )
    return content


def digest_of_weights(weights: Mapping[str, Tensor]) -> str:
    """16 hexadecimal digits that change with any value of a state dict."""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        array = value.detach().cpu().contiguous()
        digest.update(f"{name} {array.dtype} {tuple(array.shape)}".encode())
        digest.update(array.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
