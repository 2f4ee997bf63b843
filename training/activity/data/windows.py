# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips cut into windows by the product's own framer, held in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiFramer, CsiWindow
from radiofm_core.errors import InputError

from .clips import Clip

UNLABELLED = 255
# What a window holds beside the spec's rows, at both ends, for augmentation in time
MARGIN_S = 0.3
# From one training window to the next; augmentation moves them by half of it
TRAIN_HOP_S = 0.2
# Of extra clips, which should not outnumber the others; many that differ teach more
EXTRA_HOP_S = 1.0
# Windows of the published scores are half a second long and half overlapping, each inside one
# activity (M. Matey-Sanz et al.)
SCORED_S, SCORED_HOP_S = 0.5, 0.25


@dataclass(frozen=True)
class WindowSet:
    """Windows of one kind of link.

    ``values``: float16 (windows, rows, columns, channels); ``received``: bool (windows, rows),
    those with a packet of their own; ``antennas``: how many of the channels are amplitudes;
    ``labels``: uint8 (windows, rows), indexes of ``classes`` or UNLABELLED; ``groups``: of the
    clip, a window each; ``answers``: int (windows,), windows of one number are scored as one
    answer.
    """

    values: np.ndarray
    received: np.ndarray
    antennas: int
    labels: np.ndarray
    groups: np.ndarray
    answers: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)


def mirrored(places: np.ndarray, first: int, last: int) -> np.ndarray:
    """Where between ``first`` and ``last`` the originals of ``places`` are, when what lies beyond
    an end is its mirror image, again and again; integers, same shape."""
    length = max(last - first, 1)
    turned = (places - first) % (2 * length)
    return first + np.minimum(turned, 2 * length - turned)


def training_set(
    clips: Sequence[Clip], spec: CsiSpec, classes: tuple[str, ...], hop_s: float = TRAIN_HOP_S
) -> WindowSet:
    """Windows with a margin, ``hop_s`` apart, to be augmented; without ``classes``, unlabelled,
    else those with a label in their middle.

    Raises InputError: the clips give none."""
    margin_s, hop_s = (round(s * spec.rate_hz) / spec.rate_hz for s in (MARGIN_S, hop_s))
    wide = replace(spec, duration_s=spec.duration_s + 2 * margin_s, hop_s=hop_s)
    found = []
    for clip in clips:
        for window in _framed(clip, wide):
            labels = _labels(clip, window, wide, classes)
            begin = (wide.rows - spec.hop_rows) // 2
            if not classes or (labels[begin : begin + spec.hop_rows] != UNLABELLED).any():
                found.append((clip, window, labels))
    return _set(found, clips, classes)


def joined(one: WindowSet, other: WindowSet) -> WindowSet:
    """Both; raises InputError where their links differ in antennas or phases."""
    if one.values.shape[1:] != other.values.shape[1:] or one.antennas != other.antennas:
        raise InputError(
            f"windows of {one.values.shape[1:]} and of {other.values.shape[1:]} (rows, columns, "
            "channels) cannot be trained on together; use clips of one kind of link"
        )
    names = ("values", "received", "labels", "groups")
    both = {n: np.concatenate([getattr(one, n), getattr(other, n)]) for n in names}
    answers = np.concatenate([one.answers, other.answers + one.answers.max() + 1])
    return replace(one, **both, answers=answers)


def scored_set(clips: Sequence[Clip], spec: CsiSpec, classes: tuple[str, ...]) -> WindowSet:
    """The windows that the published scores are of: those whose middle is one of theirs, or, of
    clips that are scored as a whole, all within the clip, the spec's hop apart.

    Raises InputError: the clips, or one that is scored as a whole, give none."""
    every = replace(spec, hop_s=1 / spec.rate_hz)
    found = []
    for clip in clips:
        if clip.scored_whole:
            whole = list(_framed(clip, spec))
            if not whole:
                raise InputError(f"{clip.name} gives no window; change the recipe's spec")
            found += [(clip, window, _labels(clip, window, spec, classes)) for window in whole]
            continue
        wanted = set(_scored_rows(clip, spec))
        start_ns = clip.packets[0].time_ns
        for window in _framed(clip, every):
            middle_ns = window.time_ns + round(spec.duration_s / 2 * 1e9)
            # middles lie half a row after the packets of an even stream
            if math.floor((middle_ns - start_ns) * 1e-9 * spec.rate_hz + 1e-3) in wanted:
                found.append((clip, window, _labels(clip, window, every, classes)))
    return _set(found, clips, classes)


def _framed(clip: Clip, spec: CsiSpec) -> Iterator[CsiWindow]:
    """Windows whose middles reach from the clip's first packet to its last one; of a clip that is
    scored as a whole those within it, if it holds any. Values are float16."""
    count = len(clip.packets)
    length_s = (clip.packets[-1].time_ns - clip.packets[0].time_ns) * 1e-9
    lasting_s = length_s * count / max(1, count - 1)
    within = clip.scored_whole and lasting_s >= spec.duration_s - 1 / spec.rate_hz
    # what has a label is taken as it is
    framer = CsiFramer(spec, mirror_ends=not within, refuse_faults=False)
    for packet in (*clip.packets, None):
        for window in framer.finish() if packet is None else framer.push(packet):
            yield replace(window, values=window.values.astype(np.float16))


def _scored_rows(clip: Clip, spec: CsiSpec) -> Iterator[int]:
    start_ns = clip.packets[0].time_ns
    for span in clip.spans:
        begin_s, end_s = (span.start_ns - start_ns) * 1e-9, (span.end_ns - start_ns) * 1e-9
        count = int((end_s - begin_s - SCORED_S) / SCORED_HOP_S + 1e-6) + 1
        for k in range(max(count, 0)):
            yield round((begin_s + k * SCORED_HOP_S + SCORED_S / 2) * spec.rate_hz)


def _labels(clip: Clip, window: CsiWindow, spec: CsiSpec, classes: tuple[str, ...]) -> np.ndarray:
    """uint8 (rows,); mirror images have the labels of what they mirror."""
    first, last = clip.packets[0].time_ns, clip.packets[-1].time_ns
    times = window.time_ns + np.round(np.arange(spec.rows) * 1e9 / spec.rate_hz).astype(np.int64)
    times = mirrored(times, first, last)
    labels = np.full(spec.rows, UNLABELLED, np.uint8)
    for span in clip.spans if classes else ():
        labels[(times >= span.start_ns) & (times < span.end_ns)] = classes.index(span.label)
    return labels


def _set(
    found: list[tuple[Clip, CsiWindow, np.ndarray]],
    clips: Sequence[Clip],
    classes: tuple[str, ...],
) -> WindowSet:
    if not found:
        raise InputError(
            f"{len(clips)} clips ({clips[0].name} ...) give no window; change the recipe's spec"
        )
    firsts: dict[int, int] = {}
    answers = [
        firsts.setdefault(id(clip), number) if clip.scored_whole else number
        for number, (clip, _, _) in enumerate(found)
    ]
    return WindowSet(
        values=np.stack([window.values for _, window, _ in found]),
        received=np.stack([window.received for _, window, _ in found]),
        antennas=found[0][1].antennas,
        labels=np.stack([labels for _, _, labels in found]),
        groups=np.array([clip.group for clip, _, _ in found]),
        answers=np.array(answers),
        classes=classes,
    )
