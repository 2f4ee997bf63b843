# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets a process end well while a model call that nobody waits for still runs in it.

Such a call cannot be interrupted. Left alone, it crashes the process in two ways: when it returns
while the interpreter shuts down, Python ends its thread by force and C++ aborts; when it goes on
after that, PyTorch's static destructors take away what it uses. A process in which no call was
left behind ends as it always does.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import os
import threading
import time

# How long the end of the process waits for calls that are nearly through (s)
EXIT_GRACE_S = 0.4

_threads: list[threading.Thread] = []
_lock = threading.Lock()
_is_prepared = False


def leave_behind(thread: threading.Thread) -> None:
    """Note a thread that is in a model call nobody waits for, and let the others go first."""
    global _is_prepared
    with _lock:
        _threads[:] = [one for one in _threads if one.is_alive()]
        _threads.append(thread)
        is_first, _is_prepared = not _is_prepared, True
    with contextlib.suppress(OSError, AttributeError):  # it may just have ended
        os.setpriority(os.PRIO_PROCESS, thread.native_id, 19)
    if not threading.main_thread().is_alive():
        _prepare_exit()  # the process ends already: what is registered now is not called
    elif is_first:
        atexit.register(_prepare_exit)


def _prepare_exit() -> None:
    end = time.monotonic() + EXIT_GRACE_S
    with _lock:
        threads = list(_threads)
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        gc.freeze()  # no long collection while the process shuts down
        with contextlib.suppress(OSError, AttributeError):  # other systems than GNU/Linux
            _exit_without_destructors()


def _exit_without_destructors() -> None:
    libc = ctypes.CDLL(None)
    # a thread that Python ends by force waits for the end of the process instead of aborting it
    set_terminate = ctypes.CDLL("libstdc++.so.6")._ZSt13set_terminatePFvvE
    set_terminate.restype = ctypes.c_void_p
    set_terminate(libc.pause)
    # and exit() calls _exit(status) before any destructor, as what is registered last runs first
    libc.fflush(None)
    libc.on_exit(libc._exit, None)
