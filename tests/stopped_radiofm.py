# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``radiofm`` command, which gets a signal at a named place: ``python stopped_radiofm.py
PLACE SIGNAL COUNT ARGUMENTS...``.

PLACE is a module, for the moment before it is imported, or ``module:Class.method`` (or
``module:function``), for the moment before its COUNT-th call. After a delay the signal would come
wherever a busy machine had got to, and a test would not know what to expect.
"""

import importlib
import os
import sys


class Finder:
    """Finds no module, but is asked before all others."""

    def __init__(self, name: str, reached):
        self._name, self._reached = name, reached

    def find_spec(self, name, path=None, target=None):
        if name == self._name:
            self._reached()


def watch_calls(module: str, attribute: str, reached) -> None:
    """Replace a function by one that does the same after a call of ``reached``."""
    owner = importlib.import_module(module)
    *path, name = attribute.split(".")
    for part in path:
        owner = getattr(owner, part)
    function = getattr(owner, name)

    def watched(*arguments, **options):
        reached()
        return function(*arguments, **options)

    setattr(owner, name, watched)


def watch(place: str, number: int, count: int) -> None:
    """Send this process a signal when ``place`` is reached for the ``count``-th time."""
    passed = 0

    def reached() -> None:
        nonlocal passed
        passed += 1
        if passed == count:
            os.kill(os.getpid(), number)

    if ":" in place:
        watch_calls(*place.split(":"), reached)
    else:
        sys.meta_path.insert(0, Finder(place, reached))


if __name__ == "__main__":
    from radiofm_cli import main

    watch(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    sys.exit(main(sys.argv[4:]))
