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

# Where a target tells no MOST_BYTES of its own
MOST_BYTES = 4096
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


def changed_seeds(target: ModuleType, count: int, seed: int = 1) -> Iterator[bytes]:
    """``count`` inputs that the target's mutator makes of its seeds, the same ones each time."""
    rng = Random(seed)
    most = getattr(target, "MOST_BYTES", MOST_BYTES)

    def blind(data: bytes, most: int) -> bytes:
        return _changed_bytes(data, rng)[:most]

    mutate = getattr(target, "mutate", lambda data, most, rng, blind: blind(data, most))
    seeds = list(target.seeds().values())
    for _ in range(count):
        yield mutate(rng.choice(seeds), most, rng, blind)


def _changed_bytes(data: bytes, rng: Random) -> bytes:
    """Some bytes replaced, taken out or put in."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(changed) + 1)
        kind = rng.randrange(3)
        if kind == 0 and place < len(changed):
            changed[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 1:
            del changed[place : place + rng.randint(1, 16)]
        else:
            changed[place:place] = rng.randbytes(rng.randint(1, 16))
    return bytes(changed)
