# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of emissions, summed up over frames.

``true``: emissions that have to be reported; ``reported``: those reported, as far as they are
scored. ``precision``, ``recall``, ``f1``: of reports with the right label and box;
``f1_of_boxes``: whatever the label. ``reported_each``: how many reports lie on each of the true
emissions that have any. ``unknown``: share of the true ones of which the largest report does not
say what they are. ``on_noise``: reports on noise, for each frame.

``lte_as_nr``, ``nr_as_lte``: of the true LTE (NR) emissions of 15 kHz, at 0 dB and more in frames
of about 20 ms and more, the share on which any report says NR (LTE). ``claims``: of the true
emissions that are neither LTE nor NR and of frames without any emission, the share on (in) which
any report says LTE, NR or Wi-Fi and is wrong. Each with ``of``, how many there are. ``labels``: how
many of the true emissions of each class were reported as what (the largest report on each counts;
``missed``: none). What a model has no class for is left out, and named in ``without``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from radiofm_core.spectrum.detections import UNKNOWN

from .emissions import NOT_SCORED, ON_NOISE, FrameReport
from .strata import SILENT

LTE, NR, WIFI = "lte", "nr", "wifi"
TECHNOLOGIES = (LTE, NR, WIFI)
CONFUSED_HZ = 15e3
CONFUSED_SNR_DB = 0.0
# Rows are whole hops: of 20 ms, 17 to 20.3 are left
LONG_FRAME_S = 17e-3
MISSED = "missed"


def emission_scores(
    reports: Sequence[tuple[dict, FrameReport]], names: Sequence[str], with_labels: bool = False
) -> dict:
    """JSON-ready, of frames: their facts, and what was reported; shares are None where there is
    nothing that they could be of.

    Args:
        reports: of one frame or more.
        names: the model's classes.
        with_labels: with ``labels``.
    """
    true = reported = right = alike = 0
    lying, found, unknown, on_noise = 0, 0, 0, 0
    for _, report in reports:
        seen = {i for i, t in enumerate(report.true) if t.visible}
        matched, boxed = _sums(report, seen, report.matches), _sums(report, seen, report.boxes)
        true, right, alike = true + len(seen), right + matched[0], alike + boxed[0]
        reported += matched[1]
        on_noise += sum(r.on == ON_NOISE for r in report.reported)
        for i in seen:
            count = sum(r.on == i for r in report.reported)
            lying, found = lying + count, found + (count > 0)
            unknown += report.label_on(i) == UNKNOWN
    out = {
        "true": true,
        "reported": reported,
        "precision": _share(right, reported),
        "recall": _share(right, true),
        "f1": _share(2 * right, true + reported),
        "f1_of_boxes": _share(2 * alike, true + reported),
        "reported_each": _share(lying, found),
        "unknown": _share(unknown, true),
        "on_noise": _share(on_noise, len(reports)),
    }
    if LTE in names and NR in names:
        out["lte_as_nr"] = _taken_for(reports, LTE, NR)
        out["nr_as_lte"] = _taken_for(reports, NR, LTE)
    told = tuple(t for t in TECHNOLOGIES if t in names)
    if told:
        out["claims"] = _of(_claims(reports, told))
    if with_labels:
        out["labels"] = _labels(reports)
        out["without"] = [t for t in TECHNOLOGIES if t not in names]
    return out


def _sums(report: FrameReport, seen: set[int], pairs: dict[int, int]) -> tuple[int, int]:
    """How many reports are right, and how many are scored: those that lie on something that is,
    or are right; not those that are matched with an emission that need not be reported."""
    right = {j for i, j in pairs.items() if i in seen}
    small = {j for i, j in pairs.items() if i not in seen}
    on_small = {j for j, r in enumerate(report.reported) if r.on >= 0 and r.on not in seen}
    free = {j for j, r in enumerate(report.reported) if r.on == NOT_SCORED} | on_small | small
    scored = set(range(len(report.reported))) - free | right
    return len(right), len(scored)


def _taken_for(reports, label: str, other: str) -> dict:
    wrong = [
        other in report.labels_on(i)
        for facts, report in reports
        if facts["snr_db"] >= CONFUSED_SNR_DB and facts["duration"] >= LONG_FRAME_S
        for i, t in enumerate(report.true)
        if t.visible and t.label == label and t.subcarrier_hz == CONFUSED_HZ
    ]
    return _of(wrong)


def _claims(reports, told: Sequence[str]) -> Iterable[bool]:
    for facts, report in reports:
        if facts["scenario"] in SILENT:
            yield any(r.label in told for r in report.reported)
        for i, t in enumerate(report.true):
            if t.visible and t.label not in (LTE, NR):
                yield any(label in told and label != t.label for label in report.labels_on(i))


def _labels(reports) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter] = {}
    for _, report in reports:
        for i, t in enumerate(report.true):
            if t.visible:
                counts.setdefault(t.label, Counter())[report.label_on(i) or MISSED] += 1
    return {label: dict(found.most_common()) for label, found in sorted(counts.items())}


def _of(wrong: Iterable[bool]) -> dict:
    wrong = list(wrong)
    return {"share": _share(sum(wrong), len(wrong)), "of": len(wrong)}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
