# SPDX-License-Identifier: GPL-3.0-or-later
"""MATLAB's ``.mat`` files, and what goes wrong with them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from radiofm_core.errors import InputError, reason_of


def call_reader(function: Callable, path: Path, **options) -> Any:
    """What ``function`` of ``scipy.io`` (``loadmat``, ``whosmat``) returns of a file.

    Raises InputError: of version 7.3, or damaged, or not to be read.
    """
    try:
        with warnings.catch_warnings():
            # "returned data may be corrupt", "unreadable variable": then they are not data
            warnings.simplefilter("error", UserWarning)
            return function(path, **options)
    except NotImplementedError as error:
        raise InputError(
            f"{path} is of MATLAB's version 7.3, which is not read; save it with '-v7'"
        ) from error
    # A damaged file can make the reader raise nearly every kind of exception.
    except Exception as error:
        reason = reason_of(error)
        raise InputError(f"{path} cannot be read as a .mat file ({reason}); save it again") from (
            error
        )
