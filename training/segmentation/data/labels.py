# SPDX-License-Identifier: GPL-3.0-or-later
"""From users' own labels and mask values to the classes of a recipe."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from radiofm_core.errors import InputError, UsageError

from ...waveforms.span import IGNORE
from ..classes import IGNORED, UNKNOWN, Classes


def numbers_of(classes: Classes) -> dict[str, int]:
    """Class by the name that a label or a value may be mapped to; pixels of ``ignore`` are not
    scored."""
    return {name: number for number, name in enumerate(classes)} | {IGNORED: IGNORE}


def check_mapping(option: str, mapping: object, classes: Classes) -> None:
    """Raises UsageError unless ``mapping`` is a dict whose values are names of classes."""
    names = numbers_of(classes)
    known = ", ".join(names)
    if not isinstance(mapping, Mapping):
        raise UsageError(f"{option}: expected a mapping to classes ({known}), got {mapping!r}")
    for key, name in mapping.items():
        if name not in names:
            raise UsageError(
                f"{option}: {key!r} is mapped to {name!r}; the classes are {known}; "
                "add a new one to the recipe's `classes`"
            )


def label_classes(mapping: Mapping[object, str], classes: Classes) -> dict[str, int]:
    """Label in lower case to class: the classes' own names, then ``mapping``'s. What a model was
    not sure of (``unknown``) is not scored, if not mapped."""
    names = numbers_of(classes)
    known = {name.casefold(): number for name, number in names.items()} | {UNKNOWN: IGNORE}
    return known | {str(label).casefold(): names[name] for label, name in mapping.items()}


def classes_of_values(
    values: np.ndarray, mapping: Mapping[int, str], classes: Classes, where: str
) -> np.ndarray:
    """Mask values to uint8 classes, same shape; raises InputError for a value not in
    ``mapping``, naming it and ``where`` it was found."""
    names = numbers_of(classes)
    truth = np.zeros(values.shape, np.uint8)
    for value in np.unique(values):
        if value not in mapping:
            known = ", ".join(f"{k} ({v})" for k, v in mapping.items())
            raise InputError(
                f"{where}: expected the mask values {known}, got value {value}; map it in the "
                f"recipe, for instance values: {{{value}: {IGNORED}}}"
            )
        truth[values == value] = names[mapping[value]]
    return truth
