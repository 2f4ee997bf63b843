# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time writes into a folder of results."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ..errors import UsageError
from ..outputs.files import output_errors, prepare_folder
from .record import RECORDS_FOLDER

_LOCK = "lock"
_RUN = "run"


@contextlib.contextmanager
def claim(out: Path) -> Iterator[str]:
    """Hold a folder of results until the block's end; gives the run's identifier, by which
    :func:`sees_run` knows on other hosts that it is the same folder.

    The system lets go of it however the process ends.

    Raises:
        OutputError: the folder cannot be written.
        UsageError: another run holds it.
    """
    folder = prepare_folder(out / RECORDS_FOLDER)
    with contextlib.ExitStack() as held:
        # what goes wrong in the block is not of this folder
        with output_errors(folder):
            lock = held.enter_context((folder / _LOCK).open("a+"))
            run = _claimed(folder, lock, out)
        yield run


def _claimed(folder: Path, lock: TextIO, out: Path) -> str:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise UsageError(
            f"another run writes into {out} ({lock.read(200).strip()}); wait for its end"
        ) from None
    except OSError as error:
        # file systems without locks
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    lock.flush()
    run = str(uuid.uuid4())
    (folder / _RUN).write_text(run)
    return run


def sees_run(out: Path, run: str) -> bool:
    """Whether this host has the folder that run ``run`` writes into, under the same path."""
    try:
        return (out / RECORDS_FOLDER / _RUN).read_text() == run
    except (OSError, ValueError):
        return False
