# SPDX-License-Identifier: GPL-3.0-or-later
"""An emission as SigMF annotations: the fields of SigMF's core and those of our extension.

``docs/sigmf.md`` describes them. What is on disk and what is still being received is annotated
alike.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping

from .. import keys
from ..spectrum.detections import UNKNOWN
from ..version import __version__
from .bursts import Pauses
from .evidence_words import emission_name, evidence_words

SIGMF_VERSION = "1.2.5"
EXTENSION = "radiofm"
# Of the extension's description in docs/sigmf.md, not of the program
EXTENSION_VERSION = "1.0.0"
# From an emission's keys to the extension's: what SigMF's core has no field for
_EXTENSION_KEYS = (
    keys.BURST_ID,
    keys.CONFIDENCE,
    keys.SNR_DB,
    keys.PWR_DB,
    keys.ACTIVE_TIME,
    keys.BURSTS,
    keys.SUBCARRIER_SPACING,
    keys.EVIDENCE,
)
# (lowest, highest Hz) that the receiver saw in samples [start, stop), as an emission counts them
Span = Callable[[int, int], tuple[float, float]]
# Of the identifiers below: any fixed one
_NAMESPACE = uuid.UUID("6f0a8d0e-5a51-4b1c-9d0e-8f3f2d6f7a11")


def generator(model: str = "") -> str:
    """What ``core:generator`` says; ``model`` is left out where it is not known."""
    return f"{EXTENSION} {__version__}" + (f" ({model})" if model else "")


def declared_extensions(own: object = None, used: Iterable[str] = ()) -> list[dict]:
    """``core:extensions`` with ours, behind those that a recording declares or uses.

    Ours is optional: who does not know it can use everything else. Readers refuse what is used and
    not declared, so that is declared here.

    Args:
        own: what the recording declares; of early versions of SigMF it is a dict of versions.
        used: the namespaces of the keys that are kept of it.
    """
    if isinstance(own, Mapping):
        own = [{"name": name, "version": version} for name, version in own.items()]
    known = {}
    for entry in own if isinstance(own, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            known[entry["name"]] = entry
    for name in sorted(set(used)):
        known.setdefault(name, {})
    known.pop(EXTENSION, None)
    others = [
        {
            "name": name,
            "version": str(entry.get("version", "unknown")),
            "optional": entry.get("optional") is not False,
        }
        for name, entry in known.items()
    ]
    return [*others, {"name": EXTENSION, "version": EXTENSION_VERSION, "optional": True}]


def annotation_uuid(scope: str, *parts: object) -> str:
    """An RFC 4122 UUID (version 5): the same for the same annotation of the same result.

    Args:
        scope: the result that the annotation belongs to, told apart from all others.
        parts: what tells the annotation from the others of the same result.
    """
    return str(uuid.uuid5(_NAMESPACE, json.dumps([scope, *parts])))


def annotation(
    emission: Mapping,
    offset: int,
    generator: str,
    scope: str = "",
    span: Span | None = None,
) -> dict:
    """One emission as a SigMF annotation.

    Args:
        emission: keys as in messages.
        offset: the recording's ``core:offset``.
        generator: of ``core:generator``.
        scope: see :func:`annotation_uuid`.
        span: what the receiver saw; edges stay within it.
    """
    center, width = emission[keys.CENTER_FREQUENCY], emission[keys.BANDWIDTH]
    place = emission[keys.START_OFFSET], emission[keys.END_OFFSET]
    low, high = _within(center - width / 2, center + width / 2, place, span)
    fields = {
        "core:sample_start": emission[keys.START_OFFSET] + offset,
        "core:sample_count": emission[keys.END_OFFSET] - emission[keys.START_OFFSET],
        "core:freq_lower_edge": low,
        "core:freq_upper_edge": high,
        "core:label": emission[keys.LABEL],
        "core:comment": _comment(emission),
        "core:generator": generator,
        "core:uuid": annotation_uuid(scope, emission[keys.BURST_ID]),
    }
    fields.update({f"{EXTENSION}:{k}": emission[k] for k in _EXTENSION_KEYS if k in emission})
    return fields


def _within(
    low: float, high: float, place: tuple[int, int], span: Span | None
) -> tuple[float, float]:
    """A band's edges in Hz, none outside what the receiver saw in samples [start, stop)."""
    if span is None:
        return low, high
    least, most = span(*place)
    return min(max(low, least), most), min(max(high, least), most)


def _comment(emission: Mapping) -> str:
    width, snr_db = emission[keys.BANDWIDTH], emission[keys.SNR_DB]
    told = [f"{width / 1e6:.2f} MHz wide", f"{snr_db:.1f} dB SNR"]
    if emission[keys.LABEL] == UNKNOWN and keys.SUBCARRIER_SPACING in emission:
        told.insert(0, emission_name(emission))
    words = evidence_words(emission)
    return ", ".join(told) + (f"; {words}" if words else "")


def annotations(
    emission: Mapping,
    offset: int,
    generator: str,
    pauses: Pauses | None,
    scope: str = "",
    span: Span | None = None,
) -> list[dict]:
    """An emission's annotations: one, or where it pauses one for each burst, all with its
    ``radiofm:burst_id`` and the same comment. Arguments as of :func:`annotation`."""
    whole = annotation(emission, offset, generator, scope, span)
    if pauses is None:
        return [whole]
    number = emission[keys.BURST_ID]
    if not pauses.bursts:
        share = pauses.active_s / max(emission[keys.DURATION], 1e-30)
        whole["core:comment"] += f", on the air for {share:.0%} of it, in too many bursts to list"
        whole[f"{EXTENSION}:{keys.ACTIVE_TIME}"] = round(pauses.active_s, 9)
        return [whole]
    whole["core:comment"] += f", one of {len(pauses.bursts)} bursts of emission {number}"
    for key in (keys.ACTIVE_TIME, keys.BURSTS):  # the emission's, not a burst's
        whole.pop(f"{EXTENSION}:{key}", None)
    found = []
    for burst in pauses.bursts:
        low, high = _within(burst.low_hz, burst.high_hz, (burst.start, burst.stop), span)
        edges = {"core:freq_lower_edge": low, "core:freq_upper_edge": high}
        place = {
            "core:sample_start": burst.start + offset,
            "core:sample_count": burst.stop - burst.start,
        }
        own = {"core:uuid": annotation_uuid(scope, number, burst.start)}
        found.append({**whole, **place, **edges, **own})
    return found
