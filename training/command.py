# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stages behave on the command line: one clear line on errors, exit 2."""

from __future__ import annotations

import sys
from collections.abc import Callable

from radiofm_core.errors import RadiofmError, UsageError

from .engine import processes
from .segmentation.recipe import Recipe


def run_stage(stage: Callable[[Recipe], object], description: str, several: bool = False) -> None:
    """Read ``--recipe``, run ``stage``, or what it is for the recipe's task, and exit.
    ``several``: torchrun may start it."""

    def command() -> None:
        # Its stages are commands themselves
        from .tasks import recipe_argument, stage_for

        recipe = recipe_argument(description)
        stage_for(recipe, stage)(recipe)

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
