# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips cut into windows by the product's own framer, held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiWindow, frame_packets

from .clips import Clip

UNLABELLED = 255
# What a window holds beside the spec's rows, at both ends, for augmentation in time
MARGIN_S = 0.3
# From one training window to the next; augmentation moves them by more
TRAIN_HOP_S = 0.2
# Windows of the published scores are half a second long and half overlapping, each inside one
# activity (M. Matey-Sanz et al.)
SCORED_S, SCORED_HOP_S = 0.5, 0.25


@dataclass(frozen=True)
class WindowSet:
    """Windows of one kind of link.

    ``values``: float16 (windows, rows, columns, channels); ``antennas``: how many of the channels
    are amplitudes; ``labels``: uint8 (windows, rows), indexes of ``classes`` or UNLABELLED;
    ``groups``: of the clip, a window each.
    """

    values: np.ndarray
    antennas: int
    labels: np.ndarray
    groups: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def of_groups(self, groups: Iterable[str]) -> WindowSet:
        """The windows of some groups."""
        kept = np.isin(self.groups, list(groups))
        return replace(
            self, values=self.values[kept], labels=self.labels[kept], groups=self.groups[kept]
        )


def training_set(clips: Sequence[Clip], spec: CsiSpec, classes: tuple[str, ...]) -> WindowSet:
    """Overlapping windows with a margin, to be augmented; without ``classes``, unlabelled."""
    wide = replace(spec, duration_s=spec.duration_s + 2 * MARGIN_S, hop_s=TRAIN_HOP_S)
    found = [
        (clip, window, _labels(clip, window, wide, classes))
        for clip in clips
        for window in _framed(clip, wide, spec.hop_s)
    ]
    return _set(found, classes)


def scored_set(clips: Sequence[Clip], spec: CsiSpec, classes: tuple[str, ...]) -> WindowSet:
    """The windows whose middle is a window of the published scores."""
    every = replace(spec, hop_s=1 / spec.rate_hz)
    found = []
    for clip in clips:
        wanted = set(_scored_rows(clip, spec))
        start_ns = clip.packets[0].time_ns
        for window in _framed(clip, every, spec.hop_s):
            middle_ns = window.time_ns + round(spec.duration_s / 2 * 1e9)
            if round((middle_ns - start_ns) * 1e-9 * spec.rate_hz) in wanted:
                found.append((clip, window, _labels(clip, window, every, classes)))
    return _set(found, classes)


def mirrored(packets: Sequence[CsiPacket], reach_s: float) -> list[CsiPacket]:
    """The packets, and their mirror images in time before the first and after the last one."""
    first, last, reach = packets[0].time_ns, packets[-1].time_ns, round(reach_s * 1e9)
    before = [p for p in packets if 0 < p.time_ns - first <= reach]
    after = [p for p in packets if 0 < last - p.time_ns <= reach]
    return [
        *(replace(p, time_ns=2 * first - p.time_ns) for p in reversed(before)),
        *packets,
        *(replace(p, time_ns=2 * last - p.time_ns) for p in reversed(after)),
    ]


def _framed(clip: Clip, spec: CsiSpec, hop_s: float) -> Iterator[CsiWindow]:
    """Windows whose middles (of ``hop_s``) reach from the clip's first packet to its last."""
    reach_s = (spec.duration_s - hop_s) / 2
    return frame_packets(mirrored(clip.packets, reach_s), spec)


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
    times = np.where(times < first, 2 * first - times, times)
    times = np.where(times > last, 2 * last - times, times)
    labels = np.full(spec.rows, UNLABELLED, np.uint8)
    for span in clip.spans if classes else ():
        labels[(times >= span.start_ns) & (times < span.end_ns)] = classes.index(span.label)
    return labels


def _set(found: list[tuple[Clip, CsiWindow, np.ndarray]], classes: tuple[str, ...]) -> WindowSet:
    return WindowSet(
        values=np.stack([window.values for _, window, _ in found]).astype(np.float16),
        antennas=found[0][1].antennas,
        labels=np.stack([labels for _, _, labels in found]),
        groups=np.array([clip.group for clip, _, _ in found]),
        classes=classes,
    )
