# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stages behave on the command line: one clear line on errors, exit 2."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from radiofm_core.errors import RadiofmError, UsageError

from .engine import processes


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str):
        """End with exit code 2."""
        self.exit(2, f"error: {' '.join(message.split())}; see {self.prog} --help\n")


def run_stage(
    name: str,
    description: str,
    several: bool = False,
    add_options: Callable[[argparse.ArgumentParser], object] | None = None,
) -> None:
    """Run the stage ``name`` of the recipe that ``--recipe`` names, and exit.

    ``several``: torchrun may start it. ``add_options`` gives the parser options that the stage
    takes by these names beside the recipe.
    """

    def command() -> None:
        parser = Parser(prog=f"python -m training.{name}")
        parser.description = description
        parser.add_argument("--recipe", required=True, metavar="FILE.yaml", help="what to train")
        if add_options is not None:
            add_options(parser)
        options = vars(parser.parse_args())
        # Takes seconds, which a wrong option need not wait for
        from .tasks import TASKS, read_recipe

        recipe = read_recipe(options.pop("recipe"))
        if getattr(recipe, name, ...) is None:
            raise UsageError(
                f"recipe {recipe.name} has no stage {name}; add the section `{name}`, or go on "
                "with python -m training.finetune"
            )
        TASKS[recipe.task].stages[name](recipe, **options)

    run(command, several)


def run(command: Callable[[], object], several: bool = False) -> None:
    """Run ``command``, which reads its own arguments; errors end the process with one line."""
    try:
        if processes.world() > 1 and not several:
            raise UsageError("this stage runs in one process; start it without torchrun")
        processes.join()
        command()
        processes.leave()
    except RadiofmError as error:
        _end(f"error: {error}", error.exit_code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _end(f"error: {place}{error.strerror or error}", 2)
    except ModuleNotFoundError as error:
        _end(f"error: no package {error.name}; `./dev training` installs what training needs", 2)
    except KeyboardInterrupt:
        _end("stopped; run the same command again to go on", 130)


def _end(line: str, code: int) -> None:
    print(line, file=sys.stderr)
    sys.exit(code)
