# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual pages of a command, from what its ``argparse`` parser says of itself."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE = 79  # characters; longer lines of text are broken between words
_HELP = "show this help message and exit"


@dataclass(frozen=True)
class Manual:
    """What all pages say: a ``date`` as 2026-01-31, a ``source`` (package, version), a title."""

    date: str
    source: str
    title: str


def pages(
    parser: argparse.ArgumentParser, summary: str, more: dict[str, str], manual: Manual
) -> Iterator[tuple[str, str]]:
    """(file name, content in man(7)) of a command and of each of its commands.

    ``summary``: half a sentence on it; ``more``: further sections of its own page.
    """
    commands = commands_of(parser)
    names = [f"{parser.prog} {name}" for name, _, _ in commands]
    yield _page(parser, summary, commands, names, more, manual)
    for _, told, command in commands:
        yield from pages(command, told, {}, manual)


def commands_of(
    parser: argparse.ArgumentParser,
) -> list[tuple[str, str, argparse.ArgumentParser]]:
    """(name, help, parser) of each command of a parser."""
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}
            found += [(name, told.get(name, ""), one) for name, one in action.choices.items()]
    return found


def escaped(text: str) -> str:
    """Text as man(7) takes it, in lines that are no requests."""
    text = " ".join(text.split())
    lines = _broken(text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq"))
    # a line that begins so would be a request
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def _broken(text: str) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > LINE:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    yield line


def _page(
    parser: argparse.ArgumentParser,
    summary: str,
    commands: list[tuple[str, str, argparse.ArgumentParser]],
    names: list[str],
    more: dict[str, str],
    manual: Manual,
) -> tuple[str, str]:
    name = parser.prog.replace(" ", "-")
    title = " ".join(f'"{word}"' for word in (name.upper(), "1", manual.date))
    parts = [
        f'.\\" Made from the command\'s own help\n.TH {title} "{manual.source}" "{manual.title}"',
        f".SH NAME\n{escaped(name)} \\- {escaped(summary)}",
        f".SH SYNOPSIS\n{_synopsis(parser)}",
        f".SH DESCRIPTION\n{escaped(parser.description or summary)}",
    ]
    if commands:
        entries = (f".TP\n.B {escaped(one)}\n{escaped(told)}" for one, told, _ in commands)
        parts.append("\n".join((".SH COMMANDS", *entries)))
    for group in parser._action_groups:
        entries = [_entry(one) for one in group._group_actions if _is_shown(one)]
        if entries:
            heading = (group.title or "options").replace("positional arguments", "arguments")
            about = [escaped(group.description)] if group.description else []
            parts.append("\n".join((f".SH {escaped(heading.upper())}", *about, *entries)))
    parts += [f".SH {heading}\n{escaped(text)}" for heading, text in more.items()]
    codes = (parser.epilog or "").removeprefix("exit codes: ")
    if codes:
        entries = (
            f".TP\n.B {code}\n{escaped(meaning)}"
            for code, meaning in re.findall(r"(\d+) ([^;]+)", codes)
        )
        parts.append("\n".join((".SH EXIT STATUS", *entries)))
    parent = parser.prog.rpartition(" ")[0]
    related = sorted({one.replace(" ", "-") for one in (parent, *names) if one})
    if related:
        parts.append(".SH SEE ALSO\n" + ",\n".join(f"\\fB{escaped(one)}\\fR(1)" for one in related))
    return f"{name}.1", "\n".join(parts) + "\n"


def _is_shown(action: argparse.Action) -> bool:
    is_command = isinstance(action, argparse._SubParsersAction)
    return not is_command and action.help != argparse.SUPPRESS


def _value(action: argparse.Action) -> str:
    """What stands for an argument's value."""
    if action.metavar is not None:
        words = action.metavar
        return " ".join(words) if isinstance(words, tuple) else words
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _synopsis(parser: argparse.ArgumentParser) -> str:
    lines = [f".B {escaped(parser.prog)}"]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            lines.append("\\fICOMMAND\\fR ...")
        elif not _is_shown(action):
            continue
        elif action.option_strings:
            flag = f"\\fB{escaped(action.option_strings[-1])}\\fR"
            if action.nargs != 0:
                flag += f" \\fI{escaped(_value(action))}\\fR"
            lines.append(flag if action.required else f"[{flag}]")
        else:
            value = f"\\fI{escaped(_value(action))}\\fR"
            repeated = {"+": f"{value} ...", "*": f"[{value} ...]", "?": f"[{value}]"}
            lines.append(repeated.get(str(action.nargs), value))
    return "\n".join(lines)


def _entry(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f"\\fI{escaped(_value(action))}\\fR"
    if action.option_strings:
        flags = ", ".join(f"\\fB{escaped(flag)}\\fR" for flag in action.option_strings)
        label = f"{flags} {value}".rstrip()
    else:
        label = value
    told = _HELP if isinstance(action, argparse._HelpAction) else _expanded(action)
    return f".TP\n{label}\n{escaped(told)}"


def _expanded(action: argparse.Action) -> str:
    """An argument's help, with its default in the place that asks for it."""
    told = action.help or ""
    return told % {**vars(action), "prog": ""} if "%" in told else told
