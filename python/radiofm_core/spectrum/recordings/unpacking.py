# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary files of samples: what is unpacked of a compressed recording, or comes from a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ...errors import InputError, reason_of
from ...installation import how_to_install

_PREFIX, _NEW = "radiofm-samples-", "radiofm-new-"
_CHUNK = 1 << 20
# Left free for others on the disk that temporary files lie on
_RESERVE_BYTES = 64 << 20
# Written between two looks at how much is free
_LOOK_BYTES = 16 << 20
# How the content of a file begins, by the suffix it is called by
_MAGIC = {
    ".gz": b"\x1f\x8b",
    ".bz2": b"BZh",
    ".xz": b"\xfd7zXZ\0",
    ".zst": b"\x28\xb5\x2f\xfd",
}
# Of zstd at a time: 4 bytes can stand for 128 KiB
_ZSTD_CHUNK = 1 << 10


class TemporaryFile:
    """A file in a folder of its own, which is removed with the last reference to this object, at
    the process's end, or, after a kill, by the next process that makes one.

    ``path``: of the file; ``size``: bytes in it; ``is_cut_short``: its source ended in its middle;
    ``problem``: why no more of it was taken.
    """

    def __init__(self, name: str):
        _clear_away()
        made = Path(tempfile.mkdtemp(prefix=_NEW))
        self.path = made / name
        self._file = self.path.open("wb")
        # Held as long as it is in use; before it has its name, which others look for
        fcntl.flock(self._file, fcntl.LOCK_EX)
        folder = made.with_name(made.name.replace(_NEW, _PREFIX, 1))
        self._folder = str(made.rename(folder))
        self.path = Path(self._folder, name)
        self.size = 0
        self.is_cut_short = False
        self.problem = ""
        self._remove = weakref.finalize(self, _removed, self._folder, self._file, os.getpid())

    def fill(self, chunks: Iterator[bytes], what: str) -> None:
        """Write what comes; ``what`` it is.

        Raises:
            InputError: there is no room for it.
        """
        looked_at = -_LOOK_BYTES
        for chunk in chunks:
            if self.size - looked_at >= _LOOK_BYTES:
                looked_at = self.size
                free = shutil.disk_usage(self._folder).free
                if free < _LOOK_BYTES + _RESERVE_BYTES:
                    raise self._no_room(what, free)
            try:
                self._file.write(chunk)
            except OSError as error:
                raise self._no_room(what, 0) from error
            self.size += len(chunk)
        self._file.flush()

    def _no_room(self, what: str, free: int) -> InputError:
        with contextlib.suppress(OSError):
            self._file.flush()
        return InputError(
            f"{what} needs more than the {(self.size + free) / 1e6:.0f} MB that are free in "
            f"{tempfile.gettempdir()}; make room there, or set TMPDIR to a folder on a larger disk"
        )

    def words(self) -> str:
        """What it is, for people."""
        return f"a temporary file of {self.size / 1e6:.3g} MB in {Path(self._folder).parent}"

    def remove(self) -> None:
        """Do it now."""
        self._remove()


def _removed(folder: str, file: BinaryIO, process: int) -> None:
    if os.getpid() != process:  # a fork of it, which may end before
        return
    file.close()
    shutil.rmtree(folder, ignore_errors=True)


def _clear_away() -> None:
    """Remove what killed processes left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid != os.getuid():
                continue
            for path in folder.iterdir():
                with path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)


# What was unpacked last
_last: dict[tuple, TemporaryFile] = {}


def unpacked(path: Path) -> TemporaryFile:
    """What a file ending in ``.gz``, ``.bz2``, ``.xz`` or ``.zst`` holds; the same file is unpacked
    once, if it is asked for again and again.

    Raises:
        InputError: it is not compressed so, is damaged, or there is no room for what it holds.
    """
    about = path.stat()
    key = (path.resolve(), about.st_mtime_ns, about.st_size)
    if key not in _last:
        _last.clear()
        _last[key] = _unpack(path)
    return _last[key]


def _unpack(path: Path) -> TemporaryFile:
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(len(_MAGIC[suffix]))
    if head != _MAGIC[suffix]:
        raise InputError(f"{path} is not compressed as {suffix} says; rename it, or get it again")
    target = TemporaryFile(path.name[: -len(suffix)])
    try:
        target.fill(_chunks(path, suffix, target), f"unpacking {path}")
        if target.is_cut_short and not target.size:
            raise InputError(f"{path} is cut short: nothing of it can be unpacked; get it again")
    except BaseException:
        target.remove()
        raise
    return target


def _chunks(path: Path, suffix: str, target: TemporaryFile) -> Iterator[bytes]:
    open_file, damage = _library(path, suffix)
    with open_file(path) as file:
        try:
            # what was read before the end of a file that is cut short is given, too
            while chunk := file.read1(_CHUNK):
                yield chunk
        except EOFError:
            target.is_cut_short = True
        except damage as error:
            raise InputError(f"{path} is damaged ({reason_of(error)}); get it again") from error


def _library(path: Path, suffix: str) -> tuple[Callable, tuple[type[Exception], ...]]:
    """(what opens a file to be unpacked as it is read, what that raises of damaged content)."""
    if suffix == ".gz":
        import gzip
        import zlib

        return gzip.open, (gzip.BadGzipFile, zlib.error)
    if suffix == ".bz2":
        import bz2

        return bz2.open, (OSError, ValueError)
    if suffix == ".xz":
        import lzma

        return lzma.open, (lzma.LZMAError,)
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        pass
    else:
        return zstd.open, (zstd.ZstdError,)
    try:
        import zstandard
    except ImportError as error:
        raise InputError(
            f"{path}: .zst needs the Python package zstandard; {how_to_install('zstandard')}, or "
            f"unpack it: unzstd {path.name}"
        ) from error
    return _ZstdFile, (zstandard.ZstdError,)


class _ZstdFile:
    """A file of zstd frames, unpacked as it is read; EOFError where the last one has no end."""

    def __init__(self, path: Path):
        self._file = path.open("rb")
        self._frame = None
        self._rest = b""

    def __enter__(self) -> _ZstdFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def read1(self, _size: int) -> bytes:
        """Some more of it; nothing at the end."""
        import zstandard

        while packed := self._rest or self._file.read(_ZSTD_CHUNK):
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            chunk = self._frame.decompress(packed)
            self._rest = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = None
            if chunk:
                return chunk
        if self._frame is not None:
            raise EOFError
        return b""


def taken_from(read: Callable[[], bytes], name: str, what: str) -> TemporaryFile:
    """What ``read`` gives until it gives nothing, in a file called ``name``; what comes only once
    is kept as far as there is room for it.

    Raises:
        InputError: there is no room for any of it.
    """
    target = TemporaryFile(name)
    try:
        target.fill(iter(read, b""), what)
    except InputError as error:
        if not target.size:
            target.remove()
            raise
        target.problem = str(error)
    except BaseException:
        target.remove()
        raise
    return target
