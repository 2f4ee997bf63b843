# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a model's archive before PyTorch reads it, which trusts the sizes that it finds there.

A few kB can unpack to any size, tell of a tensor of any size, or be nested so deeply that the
process crashes. Nothing is unpacked, built or run here: the pickles are followed with numbers in
place of their values.
"""

from __future__ import annotations

import math
import pickletools
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .errors import BundleError, reason_of
from .fields import shown

# Of values within values; a model's modules are nested about ten deep
MAX_DEPTH = 100
_REBUILD = "torch._utils _rebuild_tensor_v2"
# Where a pickle's names may come from: code in the archive, tensors, typed lists
_MODULES = ("torch", "torch._utils", "torch.jit._pickle", "collections")
_NUMBERS = ("BININT", "BININT1", "BININT2", "LONG1")
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass
class _Value:
    """What a pickle would make: its nesting, a whole number, a tuple's parts, a name or text.

    ``elements``: of a tensor's storage.
    """

    depth: int = 0
    number: int | None = None
    parts: tuple[_Value, ...] | None = None
    name: str | None = None
    elements: int | None = None

    def take(self, others: list[_Value]) -> None:
        """Become deeper than what is put into this one."""
        self.depth = max([self.depth, *(other.depth + 1 for other in others)])
        if self.depth > MAX_DEPTH:
            raise ValueError(f"values more than {MAX_DEPTH} deep")


def check_archive(path: Path) -> None:
    """Raise BundleError where a TorchScript archive claims more than it holds, or is damaged.

    Its entries must be stored as they are, lie in the file once each and in one folder, and be what
    was written (CRC-32), and its tensors must fit into their entries.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = _sizes(archive, path.stat().st_size)
            for name in sizes:
                if name.endswith(".pkl"):
                    _Pickle(sizes, name.removesuffix(".pkl")).follow(archive.read(name))
            # PyTorch takes damaged weights as they are
            if (damaged := archive.testzip()) is not None:
                raise ValueError(f"{damaged} is damaged")
    except Exception as error:  # a hostile archive can break its reader in any way
        raise BundleError(
            f"{path}: the model inside is not one that `python -m training.export` wrote "
            f"({reason_of(error)}); it is not loaded"
        ) from error


def _sizes(archive: zipfile.ZipFile, file_bytes: int) -> dict[str, int]:
    """The entries' sizes by name."""
    sizes: dict[str, int] = {}
    tops = set()
    for entry in archive.infolist():
        parts = entry.filename.split("/")
        if ".." in parts or "" in parts or len(parts) < 2 or "\\" in entry.filename:
            raise ValueError(f"an entry is called {shown(entry.filename)}")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise ValueError(f"{shown(entry.filename)} is packed")
        if entry.filename in sizes:
            raise ValueError(f"{shown(entry.filename)} is there twice")
        tops.add(parts[0])
        sizes[entry.filename] = entry.file_size
    if len(tops) != 1:
        raise ValueError(f"its entries lie in {len(tops)} folders")
    if sum(sizes.values()) > file_bytes:
        raise ValueError(f"its entries claim {sum(sizes.values())} bytes in a file of {file_bytes}")
    return sizes


class _Pickle:
    """Follows one of the archive's pickles, whose tensors' bytes lie in ``folder``."""

    def __init__(self, sizes: dict[str, int], folder: str):
        self._sizes, self._folder = sizes, folder
        self._stack: list[_Value] = []
        self._marks: list[int] = []
        self._memo: dict[int, _Value] = {}

    def follow(self, data: bytes) -> None:
        """Raise ValueError, IndexError or KeyError for what TorchScript does not write."""
        for operation, argument, _ in pickletools.genops(data):
            self._step(operation.name, argument)

    def _step(self, name: str, argument) -> None:
        push, pop = self._stack.append, self._stack.pop
        if name in ("PROTO", "STOP"):
            return
        if name == "MARK":
            self._marks.append(len(self._stack))
        elif name in _NUMBERS:
            push(_Value(number=argument))
        elif name == "BINUNICODE":
            push(_Value(name=argument))
        elif name == "GLOBAL":
            module = argument.split(" ")[0]
            if module not in _MODULES and module.split(".")[0] != "__torch__":
                raise ValueError(f"its pickle names {shown(argument)}")
            push(_Value(name=argument))
        elif name in ("NONE", "NEWTRUE", "NEWFALSE", "BINFLOAT", "EMPTY_LIST", "EMPTY_DICT"):
            push(_Value())
        elif name in ("EMPTY_TUPLE", "TUPLE", *_TUPLES):
            push(self._tuple(name))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self._stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            push(self._memo[argument])
        elif name in ("APPENDS", "SETITEMS"):
            items = self._since_mark()
            self._stack[-1].take(items)
        elif name in ("APPEND", "BUILD"):
            item = pop()
            self._stack[-1].take([item])
        elif name == "BINPERSID":
            push(self._storage(pop()))
        elif name in ("NEWOBJ", "REDUCE"):
            arguments, made_by = pop(), pop()
            made = _Value()
            made.take([arguments])
            if made_by.name == _REBUILD:
                _check_tensor(arguments.parts)
            push(made)
        else:
            raise ValueError(f"its pickle has the operation {name}")

    def _since_mark(self) -> list[_Value]:
        begin = self._marks.pop()
        items = self._stack[begin:]
        del self._stack[begin:]
        return items

    def _tuple(self, name: str) -> _Value:
        if name == "TUPLE":
            items = self._since_mark()
        else:
            items = [self._stack.pop() for _ in range(_TUPLES.get(name, 0))][::-1]
        made = _Value(parts=tuple(items))
        made.take(items)
        return made

    def _storage(self, told: _Value) -> _Value:
        _, _, key, _, elements = told.parts
        held = self._sizes[f"{self._folder}/{key.name}"]
        # an element has a byte at least
        if not 0 <= elements.number <= held:
            raise ValueError(f"a tensor of {elements.number} elements in {held} bytes")
        return _Value(elements=elements.number)


def _check_tensor(arguments: tuple[_Value, ...]) -> None:
    storage, offset, size, stride = arguments[:4]
    sizes, strides = ([part.number for part in told.parts] for told in (size, stride))
    # also one that repeats its elements, which PyTorch spreads out as soon as it converts it
    if min([offset.number, *sizes, *strides]) < 0 or math.prod(sizes) > storage.elements:
        raise ValueError(f"a tensor of shape {tuple(sizes)} in {storage.elements} elements")
