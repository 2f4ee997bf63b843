# SPDX-License-Identifier: GPL-3.0-or-later
"""``command_files.py FOLDER``: completion for shells and manual pages of the ``radiofm`` command.

They are made from the command's own arguments, and lie in FOLDER as they do below PREFIX/share.
The date on the pages is that of SOURCE_DATE_EPOCH, or today's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import shtab

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "python")]

from man_pages import Manual, commands_of, pages  # noqa: E402

from radiofm_cli.command import build_parser  # noqa: E402
from radiofm_core.version import __version__  # noqa: E402

SUMMARY = "find LTE, NR and Wi-Fi in spectrum, and activity in Wi-Fi CSI"
MORE = {
    "ENVIRONMENT": "RADIOFM_DEBUG: if it is set, unexpected errors show their traceback.",
    "FILES": "Example flowgraphs and recordings come with the package; radiofm doctor tells "
    "where it is installed.",
}
# Where shells look, below PREFIX/share
COMPLETIONS = {
    "bash": "bash-completion/completions/radiofm",
    "zsh": "zsh/site-functions/_radiofm",
    "fish": "fish/vendor_completions.d/radiofm.fish",
}
# What stands for a path in the command's help
FOLDERS = ("DIR", "FOLDER")
FILES = ("FILE", "INPUT", "MODEL", "RECORDING", "KEY")


def told_paths(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser, its arguments marked for ``shtab``: which of them are files and folders."""
    for action in parser._actions:
        name = action.metavar if isinstance(action.metavar, str) else action.dest
        word = name.upper().partition(".")[0]
        if word in FOLDERS:
            action.complete = shtab.DIRECTORY
        elif word in FILES:
            action.complete = shtab.FILE
    for _, told, command in commands_of(parser):
        # shells have a line for each command
        command.description = told
        told_paths(command)
    return parser


def command_files() -> dict[str, str]:
    """The files' contents, by their paths below PREFIX/share."""
    moment = int(os.environ.get("SOURCE_DATE_EPOCH", datetime.now(UTC).timestamp()))
    date = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
    manual = Manual(date, f"gr-radiofm {__version__}", "RadioFM")
    found = {
        f"man/man1/{name}": text for name, text in pages(build_parser(), SUMMARY, MORE, manual)
    }
    parser = told_paths(build_parser())
    for shell, path in COMPLETIONS.items():
        found[path] = shtab.complete(parser, shell)
    return found


def main(folder: str) -> None:
    """Write them, in place of what an earlier call wrote."""
    contents = command_files()
    shutil.rmtree(folder, ignore_errors=True)
    for path, content in contents.items():
        target = Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
