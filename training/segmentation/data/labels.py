# SPDX-License-Identifier: GPL-3.0-or-later
"""From users' own labels and mask values to the classes of the task."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from radiofm_core.errors import InputError, UsageError

from ...waveforms.span import IGNORE
from .. import classes

# What a label or a value may be mapped to; pixels of `ignore` are not scored.
CLASS_OF_NAME = {**{name: i for i, name in enumerate(classes.NAMES)}, "ignore": IGNORE}


def check_mapping(option: str, mapping: object) -> None:
    """Raises UsageError unless ``mapping`` is a dict whose values are names of classes."""
    known = ", ".join(CLASS_OF_NAME)
    if not isinstance(mapping, Mapping):
        raise UsageError(f"{option}: {mapping!r} is no mapping to classes ({known})")
    for key, name in mapping.items():
        if name not in CLASS_OF_NAME:
            raise UsageError(f"{option}: {key!r} is mapped to {name!r}; the classes are {known}")


def label_classes(mapping: Mapping[object, str]) -> dict[str, int]:
    """Label in lower case to class: the classes' own names, then ``mapping``'s."""
    own = {str(label).casefold(): CLASS_OF_NAME[name] for label, name in mapping.items()}
    return {**CLASS_OF_NAME, **own}


def classes_of_values(values: np.ndarray, mapping: Mapping[int, str], where: str) -> np.ndarray:
    """Mask values to uint8 classes, same shape; raises InputError for a value not in
    ``mapping``, naming it and ``where`` it was found."""
    truth = np.zeros(values.shape, np.uint8)
    for value in np.unique(values):
        if value not in mapping:
            known = ", ".join(f"{k} ({v})" for k, v in mapping.items())
            raise InputError(
                f"{where}: value {value} stands for no class; known are {known}; map it in the "
                f"recipe, for instance values: {{{value}: other}}"
            )
        truth[values == value] = CLASS_OF_NAME[mapping[value]]
    return truth
