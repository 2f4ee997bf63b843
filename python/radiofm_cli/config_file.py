# SPDX-License-Identifier: GPL-3.0-or-later
"""``--config``: a command's options from a YAML file, under the names that they have as options."""

from __future__ import annotations

import argparse
import difflib
import math
from collections.abc import Sequence
from pathlib import Path

from radiofm_core.errors import RadiofmError, UsageError, reason_of
from radiofm_core.installation import how_to_install

_CONFIG = "--config"
# Not printed by --print-config: what is printed is read over shoulders and put into bug reports
_SECRETS = ("token", "password")


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """The options of a command that can be told by a file."""
    group = parser.add_argument_group("options from a file (docs/headless.md)")
    group.add_argument(
        _CONFIG,
        type=Path,
        metavar="FILE",
        help="YAML with any of these options, under the same names without the dashes in front; "
        "an option of the command line goes before",
    )
    group.add_argument(
        "--print-config", action="store_true", help="print the options in force, as such a file"
    )


def parse_arguments(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> argparse.Namespace | None:
    """The options in force; None where they were only to be printed, which is done.

    Raises:
        UsageError: a file that cannot be read, or does not hold options of the command.
    """
    command = _commands(parser).get(next(iter(arguments), ""))
    is_configured = command is not None and _CONFIG in command._option_string_actions
    path = _named_file(arguments) if is_configured else None
    if path is not None:
        _take_file(command, path, arguments)
    options = parser.parse_args(arguments)
    if not (is_configured and options.print_config):
        return options
    print(config_text(command, options), end="")
    return None


def config_text(command: argparse.ArgumentParser, options: argparse.Namespace) -> str:
    """The options that are set, as a file that :func:`parse_arguments` takes."""
    found = {}
    for name, action in _known(command).items():
        value = getattr(options, action.dest)
        if value is None or value == [] or value is False:
            continue
        if any(word in name for word in _SECRETS):
            value = "(not shown)"
        found[name] = value if isinstance(value, bool | int | list) else _text(value)
    return _import_yaml().safe_dump(found, sort_keys=False, allow_unicode=True, width=200)


def _text(value) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={each:g}" for key, each in value.items())
    if isinstance(value, float):
        return "never" if math.isinf(value) else f"{value:.15g}"
    return str(value)


def _named_file(arguments: Sequence[str]) -> Path | None:
    """What --config names; None where it is not given or lacks its file, which is told later."""
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    early.add_argument(_CONFIG, type=Path)
    try:
        return early.parse_known_args(arguments)[0].config
    except argparse.ArgumentError:
        return None


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _known(command: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The options that a file can hold, by their names there."""
    return {
        option.removeprefix("--"): action
        for action in command._actions
        for option in action.option_strings
        if option.startswith("--") and option not in ("--help", _CONFIG, "--print-config")
    }


def _take_file(command: argparse.ArgumentParser, path: Path, arguments: Sequence[str]) -> None:
    """Make what a file says the defaults of a command."""
    known = _known(command)
    for key, value in _read(path).items():
        name = str(key).replace("_", "-")
        action = known.get(name)
        if action is None:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise UsageError(f"{path}: unknown key {str(key)!r}; {hint}")
        if any(word.partition("=")[0] in action.option_strings for word in arguments):
            continue
        try:
            action.default = _value(action, value)
        except argparse.ArgumentTypeError as error:
            raise UsageError(f"{path}: {name}: {error}") from error
        action.required = False


def _import_yaml():
    try:
        import yaml
    except ImportError as error:
        raise RadiofmError(
            f"options in files need PyYAML, which cannot be imported ({reason_of(error)}); "
            f"{how_to_install('yaml')}"
        ) from error
    return yaml


def _read(path: Path) -> dict:
    yaml = _import_yaml()
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"{path}: cannot be read ({reason})") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: is no YAML ({reason_of(error)})") from error
    except RecursionError as error:
        raise UsageError(f"{path}: is nested too deep") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UsageError(
            f"{path}: expected lines such as 'sample-rate: 2.4M', got a {type(found).__name__}"
        )
    return found


def _value(action: argparse.Action, value):
    """What the option would be for this value; raises ArgumentTypeError."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise argparse.ArgumentTypeError(f"expected true or false, got {value!r}")
        return value
    if isinstance(action, argparse._AppendAction):
        return [_one(action, each) for each in (value if isinstance(value, list) else [value])]
    if action.dest == "sweep" and isinstance(value, list):
        value = ",".join(map(str, value))
    if action.dest == "gain" and isinstance(value, dict):
        value = ",".join(f"{stage}={each}" for stage, each in value.items())
    return _one(action, value)


def _one(action: argparse.Action, value):
    if isinstance(value, list | dict | bool) or value is None:
        kind = {list: "a list", dict: "a mapping", bool: "true or false"}.get(
            type(value), "nothing"
        )
        raise argparse.ArgumentTypeError(f"expected a single value, got {kind}")
    found = action.type(str(value)) if action.type else str(value)
    if action.choices is not None and found not in action.choices:
        choices = ", ".join(map(str, action.choices))
        raise argparse.ArgumentTypeError(f"expected one of {choices}, got {found!r}")
    return found
