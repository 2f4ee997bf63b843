# SPDX-License-Identifier: GPL-3.0-or-later
"""``mend_scripts.py VENV``: a copied or moved environment's commands run with its own Python.

pip writes the path of the interpreter into the first line of each command, or, where a kernel
would not take that line, into one that /bin/sh runs.
"""

import re
import sys
from pathlib import Path

BY_SHELL = rb"/bin/sh\n'''exec' \"?[^\n]*/bin/(?P<one>python[\d.]*)\"? \"\$0\" \"\$@\"\n' '''"
HEAD = re.compile(rb"#!(?:" + BY_SHELL + rb"|[^\n]*/bin/(?P<other>python[\d.]*))\n")
LONGEST = 127  # bytes of a first line that every kernel takes


def head(python: str) -> bytes:
    """The first lines of a command that ``python`` runs."""
    if " " not in python and len(f"#!{python}\n".encode()) <= LONGEST:
        return f"#!{python}\n".encode()
    return f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n".encode()


def mend(folder: Path) -> None:
    """Mend the commands of ``folder``, an environment's ``bin``."""
    for path in folder.iterdir():
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        found = HEAD.match(content)
        if found:
            name = (found["one"] or found["other"]).decode()
            path.write_bytes(head(str(folder / name)) + content[found.end() :])


if __name__ == "__main__":
    mend(Path(sys.argv[1]) / "bin")
