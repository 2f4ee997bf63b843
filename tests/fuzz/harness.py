# SPDX-License-Identifier: GPL-3.0-or-later
"""What the targets share: their names, what a refusal looks like, files in memory."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import pkgutil
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType

from . import targets

CORPUS = Path(__file__).parent / "corpus"
# What libFuzzer or a stand-in does to bytes that it knows nothing of: (data, most bytes) -> data
Blind = Callable[[bytes, int], bytes]
Mutator = Callable[[bytes, int, Random, Blind], bytes]

_MOST_CHARACTERS = 1000


def target_names() -> list[str]:
    """The names of all targets."""
    return sorted(module.name for module in pkgutil.iter_modules(targets.__path__))


def load_target(name: str) -> ModuleType:
    """The module of a target."""
    return importlib.import_module(f"{targets.__name__}.{name}")


def corpus_of(name: str) -> dict[str, bytes]:
    """The committed inputs of a target, by file name."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / name).glob("*"))}


@contextlib.contextmanager
def may_refuse(*errors: type[Exception]) -> Iterator[None]:
    """Swallow these errors; each must be one line that is not endless."""
    try:
        yield
    except errors as error:
        text = str(error)
        assert text and text.isprintable() and len(text) < _MOST_CHARACTERS, repr(text[:200])


@cache
def scratch() -> Path:
    """A folder of this process that is removed at its end, in memory where that is possible."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="radiofm-fuzz-", dir=memory if memory.is_dir() else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def written(name: str, content: bytes) -> Path:
    """A file of the scratch folder with this content."""
    path = scratch() / name
    path.write_bytes(content)
    return path
