# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that appear whole or not at all, and folders that are checked before the work starts."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError

# What another host left under a temporary name is given up after this (s): whether the process
# still runs there cannot be seen from here
_FOREIGN_AGE_S = 86400.0


@contextlib.contextmanager
def output_errors(
    path: Path, what: str = "", advice: str = "choose another --out or make room there"
) -> Iterator[None]:
    """Turn an OSError while writing ``path`` (``what`` of it) into an OutputError of one line."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: {what}cannot be written ({error.strerror or error}); {advice}"
        ) from error


def prepare_folder(folder: Path) -> Path:
    """Make ``folder`` if need be and try a write in it; raise OutputError if that fails."""
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    return folder


def refuse_overwriting(paths: Iterable[Path], own: Iterable[Path], what: str) -> None:
    """Raise OutputError if a result would replace one of the input's ``own`` files (``what`` they
    are), or is a folder."""
    own = [path.resolve() for path in own]
    for path in paths:
        if path.resolve() in own or path.is_dir():
            found = "a folder" if path.is_dir() else what
            raise OutputError(f"{path} is {found}; choose another --out")


class PendingFile:
    """A file written under a temporary name beside its final one.

    :meth:`commit` renames it; :meth:`discard` removes it, also after an interrupted run. What a
    killed process left under such a name is removed by :func:`clear_away`.
    """

    def __init__(self, path: Path):
        self.path = path
        self.temporary = temporary_path(path)
        with output_errors(path):
            self.file = self.temporary.open("w+b")

    def close(self) -> None:
        """Flush to disk and close, still under the temporary name."""
        if not self.file.closed:
            with output_errors(self.path):
                self.file.flush()
                # or a power cut could leave an empty file under the final name
                os.fsync(self.file.fileno())
                self.file.close()

    def commit(self) -> Path:
        """Give the file its final name."""
        self.close()
        with output_errors(self.path):
            os.replace(self.temporary, self.path)
        return self.path

    def discard(self) -> None:
        """Remove what was written."""
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self.temporary.unlink()


def temporary_path(path: Path) -> Path:
    """The name under which this process writes ``path`` before it is whole."""
    return path.with_name(f".{path.name}.{os.getpid()}-{_host()}.part")


def _host() -> str:
    """Tells this host from others that share its folders."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def clear_away(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Remove what processes that are no more left in ``folder`` under the temporary names of files
    whose final names ``is_ours`` says to be meant."""
    try:
        left = [name for name in os.listdir(folder) if name.endswith(".part")]
    except OSError:
        return  # told when something is written there
    for name in left:
        final, _, owner = name.removesuffix(".part").rpartition(".")
        if final.startswith(".") and is_ours(final[1:]) and _is_over(folder / name, owner):
            with contextlib.suppress(OSError):
                (folder / name).unlink()


def _is_over(temporary: Path, owner: str) -> bool:
    """Whether nobody goes on writing a temporary file of ``process-host``."""
    process, _, host = owner.partition("-")
    if not process.isdigit():
        return False
    if host == _host():
        return not _is_alive(int(process))
    try:
        return time.time() - temporary.stat().st_mtime > _FOREIGN_AGE_S
    except OSError:
        return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def write_together(paths: Mapping[str, Path], write: Callable[[str, BinaryIO], None]) -> None:
    """Write files that belong together: all get their names once all are whole, or none does.

    Args:
        paths: by kind, in the order in which they are written and get their names.
        write: called with each kind and its file, open for writing bytes.

    Raises:
        OutputError: a write failed.
    """
    for folder in {path.parent for path in paths.values()}:
        clear_away(folder, {path.name for path in paths.values()}.__contains__)
    pending: list[PendingFile] = []
    try:
        for kind, path in paths.items():
            target = PendingFile(path)
            pending.append(target)
            with output_errors(path):
                write(kind, target.file)
            target.close()
        for target in pending:
            target.commit()
    finally:
        for target in pending:
            target.discard()
