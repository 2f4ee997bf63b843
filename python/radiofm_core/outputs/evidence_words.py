# SPDX-License-Identifier: GPL-3.0-or-later
"""What spoke for an emission's label, as people read it."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys
from ..spectrum.detections import UNKNOWN
from .units import display_name, readable_hz


def emission_name(emission: Mapping) -> str:
    """Its label; of an unknown one also what is known: ``unknown (OFDM, 15 kHz)``."""
    name = display_name(emission[keys.LABEL])
    spacing = emission.get(keys.SUBCARRIER_SPACING)
    if emission[keys.LABEL] != UNKNOWN or spacing is None:
        return name
    return f"{name} (OFDM, {readable_hz(spacing)})"


def evidence_words(emission: Mapping) -> str:
    """What its samples show, the clearest first: ``LTE's reference symbols, symbols of 15 kHz``;
    empty where there is nothing to tell."""
    return ", ".join(each[keys.MEANING] for each in emission.get(keys.EVIDENCE, ()))
