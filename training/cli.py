# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stages behave on the command line: one clear line on errors, exit 2."""

from __future__ import annotations

import sys
from collections.abc import Callable

from radiofm_core.errors import RadiofmError

from .recipe import Recipe, recipe_argument


def run_stage(stage: Callable[[Recipe], object], description: str) -> None:
    """Read ``--recipe``, run ``stage``, exit."""
    try:
        stage(recipe_argument(description))
    except RadiofmError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("stopped; run the same command again to go on", file=sys.stderr)
        sys.exit(130)
