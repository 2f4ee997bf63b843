# SPDX-License-Identifier: GPL-3.0-or-later
"""``--output KIND=TARGET,option=value,...``: read and checked."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from radiofm_core.errors import UsageError, reason_of
from radiofm_core.events import names

from .sink import BUFFER

_OPTION = re.compile(r",(?=[a-z][a-z-]*=)")
_SIZES = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_TIMES = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MOST_SECRET_BYTES = 4096


class Options:
    """The options of one output: each is read once, :meth:`done` refuses what is left.

    Args:
        kind: of the output.
        target: what follows the kind, without options.
        values: by name.
        program: what tells this program from others on this machine, such as its receiver's name.
    """

    def __init__(self, kind: str, target: str, values: dict[str, str], program: str):
        self.kind, self.target, self.program = kind, target, program
        self._left = dict(values)
        self._known: list[str] = []

    @property
    def name(self) -> str:
        """The output without its options."""
        return f"{self.kind}={self.target}"

    def error(self, text: str) -> UsageError:
        """An error of one line that names the output."""
        return UsageError(f"--output {self.name}: {text}")

    def text(self, name: str, default: str | None = None) -> str | None:
        """An option's text."""
        self._known.append(name)
        return self._left.pop(name, default)

    def count(self, name: str, default: int, least: int = 0) -> int:
        """A whole number."""
        text = self.text(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit()) or int(text) < least:
            kind = "a non-negative integer" if least == 0 else f"an integer from {least}"
            raise self.error(f"{name}: expected {kind}, got {text!r}")
        return int(text)

    def size(self, name: str, default: int, least: int) -> int:
        """Bytes, as 64M."""
        text = self.text(name)
        if text is None:
            return default
        match = re.fullmatch(r"(\d{1,15})([kMG]?)", text)
        if match is None or int(match[1]) * _SIZES[match[2]] < least:
            raise self.error(f"{name}: expected {least} bytes or more, as 64M, got {text!r}")
        return int(match[1]) * _SIZES[match[2]]

    def seconds(self, name: str, default: float, least: float) -> float:
        """Seconds, as 90, 10m, 12h or 1d."""
        text = self.text(name)
        if text is None:
            return default
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", text)
        value = float(match[1]) * _TIMES[match[2]] if match else -1.0
        if value < least:
            raise self.error(f"{name}: expected {least:g} s or more, as 10m or 1d, got {text!r}")
        return value

    def number(self, name: str, default: float) -> float:
        """A number."""
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text):
            raise self.error(f"{name}: expected a number, got {text!r}")
        return float(text)

    def flag(self, name: str, default: bool) -> bool:
        """``yes`` or ``no``."""
        text = self.text(name, "yes" if default else "no")
        if text not in ("yes", "no"):
            raise self.error(f"{name}: expected yes or no, got {text!r}")
        return text == "yes"

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """One of several words."""
        text = self.text(name, default)
        if text not in choices:
            raise self.error(f"{name}: expected one of {', '.join(choices)}, got {text!r}")
        return text

    def path(self, name: str) -> Path | None:
        """A file that must be there."""
        text = self.text(name)
        if text is None:
            return None
        if not Path(text).is_file():
            raise self.error(f"{name}: there is no file {text!r}")
        return Path(text)

    def secret(self, name: str, variable: str) -> str | None:
        """What nobody else may see: from the file that ``<name>-file`` names, or from the
        environment; other users see the arguments of a command."""
        if self.text(name) is not None:
            raise self.error(
                f"{name}: other users of this machine see a command's arguments; name a file with "
                f"{name}-file=, or set {variable}"
            )
        path = self.path(f"{name}-file")
        self._known.remove(name)
        if path is None:
            return os.environ.get(variable)
        try:
            with path.open("rb") as file:
                secret = file.read(_MOST_SECRET_BYTES).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self.error(f"{name}-file: {path} cannot be read ({reason_of(error)})") from error
        if not secret:
            raise self.error(f"{name}-file: {path} is empty")
        return secret

    def buffer(self) -> int:
        """Of every output that has one: events that it keeps."""
        return self.count("buffer", BUFFER, least=1)

    def types(self) -> frozenset[str] | None:
        """Of every output: the types of events that it takes, joined by ``+``."""
        text = self.text("types")
        if text is None:
            return None
        wanted = frozenset(text.split("+"))
        if not wanted <= set(names.TYPES):
            raise self.error(f"types: expected some of {'+'.join(names.TYPES)}, got {text!r}")
        return wanted

    def done(self) -> None:
        """Refuse the options that nobody asked for."""
        if self._left:
            raise self.error(
                f"unknown option {next(iter(self._left))!r}; {self.kind} has: "
                f"{', '.join(sorted(self._known))}"
            )


def parse_output(text: str, kinds: Collection[str], program: str) -> Options:
    """``KIND=TARGET,option=value,...`` as options; a URL ``KIND://...`` stands for itself.

    A comma that no ``option=`` follows is part of what stands before it.

    Args:
        text: as the user wrote it.
        kinds: that there are.
        program: see :class:`Options`.

    Raises:
        UsageError: an unknown kind, no target, an option given twice.
    """
    first, *rest = _OPTION.split(text.strip())
    kind, equals, target = first.partition("=")
    scheme = first.partition("://")[0]
    if scheme in kinds and "=" not in scheme:
        kind, equals, target = scheme, "=", first.partition("://")[2]
    if not equals or kind not in kinds or not target:
        raise UsageError(
            f"--output: expected one of {', '.join(f'{kind}=' for kind in kinds)} and what it "
            f"leads to, such as jsonl=events or mqtt=localhost, got {text!r}"
        )
    values: dict[str, str] = {}
    for each in rest:
        option, _, value = each.partition("=")
        if option in values:
            raise UsageError(f"--output {kind}={target}: {option} is given twice")
        values[option] = value
    return Options(kind, target, values, program)
