# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``radiofm`` command, which gets a signal at a named place: ``python stopped_radiofm.py
PLACE COUNT SIGNAL ARGUMENTS...``.

PLACE is a module, for the moment before it is imported, or ``module:Class.method`` (or
``module:function``), for the moment before its COUNT-th call. After delays a signal would come
wherever a busy machine had got to, and a test of it would not know what to expect.
"""

import importlib
import os
import sys

PLACE, COUNT, SIGNAL = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
passed = 0


def passing() -> None:
    """The place is reached once more."""
    global passed
    passed += 1
    if passed == COUNT:
        os.kill(os.getpid(), SIGNAL)


class Finder:
    """Finds no module; it is asked before any other."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == PLACE:
            passing()


def watch_calls(module: str, attribute: str) -> None:
    """Replace a function by one that passes on what it gets."""
    owner = importlib.import_module(module)
    *path, name = attribute.split(".")
    for part in path:
        owner = getattr(owner, part)
    function = getattr(owner, name)

    def watched(*arguments, **options):
        passing()
        return function(*arguments, **options)

    setattr(owner, name, watched)


if ":" in PLACE:
    watch_calls(*PLACE.split(":"))
else:
    sys.meta_path.insert(0, Finder)

from radiofm_cli import main

sys.exit(main(sys.argv[4:]))
