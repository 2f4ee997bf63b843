# SPDX-License-Identifier: GPL-3.0-or-later
"""What may change from one room, receiver and person to another, and what people do does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.time_grid import interpolate

from .windows import UNLABELLED, WindowSet, mirrored

# Windows that are judged at once
BATCH = 64


@dataclass(frozen=True)
class Augmentation:
    """How far windows are changed at random, in training alone.

    ``speed``: of time, by up to this factor either way. ``shift_s``: of the window. ``ends``:
    share of windows that are mirrored about an instant before their middle, and of those about
    one after it, as windows at the two ends of a file are. ``motion``:
    changes over time are made so many times larger or smaller at most. ``noise``: RMS of noise
    added to amplitudes, as a share of them, at most. ``stretch``: of frequency, a factor;
    ``slide``: of frequency, in columns. ``mirror``: share of windows turned round in frequency.
    ``gain_db``: of slow changes of gain. ``response_db``: of a gain that differs over frequency.
    ``hide``: share of windows of which a stretch of rows or columns is hidden, up to
    ``hidden_share`` of them. ``slower``: share of windows whose packets come as slowly as
    ``slowest`` of the rows' rate or faster; ``bursts``: share of windows that lose packets in
    bursts of up to ``burst_s`` instead, about as many as they keep. What is missing is interpolated
    as in the product.
    """

    speed: float = 1.2
    shift_s: float = 0.1
    ends: float = 0.3
    motion: float = 1.6
    noise: float = 0.03
    stretch: float = 1.3
    slide: float = 8.0
    mirror: float = 0.5
    gain_db: float = 0.5
    response_db: float = 3.0
    hide: float = 0.5
    hidden_share: float = 0.25
    slower: float = 0.0
    slowest: float = 0.15
    bursts: float = 0.0
    burst_s: float = 0.3


def augmented(
    windows: WindowSet, index: np.ndarray, spec: CsiSpec, how: Augmentation, rng
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows with changes drawn by ``rng``.

    Returns:
        values float32 (B, spec.rows, columns, channels), received bool (B, spec.rows), and targets
        float32 (B, classes): the shares of the labels in the middle of each.
    """
    values = np.empty((len(index), spec.rows, *windows.values.shape[2:]), np.float32)
    received = np.empty((len(index), spec.rows), bool)
    targets = np.empty((len(index), len(windows.classes)), np.float32)
    for k, i in enumerate(index):
        source, labels = windows.values[i].astype(np.float32), windows.labels[i]
        rows = _drawn_rows(len(source), spec, how, rng)
        targets[k] = _target(labels, rows, spec, len(windows.classes))
        values[k] = _changed(_at(source, rows, 0), windows.antennas, how, rng)
        kept = _drawn_packets(spec, how, rng)
        received[k] = windows.received[i][np.round(rows).astype(int)]
        if how.noise or not kept.all():
            received[k] &= kept
            values[k] = _interpolated(values[k], received[k], spec)
    return values, received, targets


def plain(
    windows: WindowSet, index: np.ndarray, spec: CsiSpec
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As :func:`augmented`, unchanged."""
    extra = (windows.values.shape[1] - spec.rows) // 2
    rows = extra + np.arange(spec.rows)
    values = windows.values[index][:, rows].astype(np.float32)
    count = len(windows.classes)
    targets = [_target(windows.labels[i], rows.astype(float), spec, count) for i in index]
    return values, windows.received[index][:, rows], np.array(targets, np.float32)


def batches(windows: WindowSet, spec: CsiSpec) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """All windows as they are: float32 (B, R, W, C) and which rows were received, bool (B, R)."""
    for start in range(0, len(windows), BATCH):
        index = np.arange(start, min(start + BATCH, len(windows)))
        values, received, _ = plain(windows, index, spec)
        yield torch.from_numpy(values), torch.from_numpy(received)


def values_of(windows: WindowSet, spec: CsiSpec) -> Iterator[torch.Tensor]:
    """The values alone."""
    return (values for values, _ in batches(windows, spec))


def truth(windows: WindowSet, spec: CsiSpec) -> np.ndarray:
    """The class of each window's middle, int (windows,)."""
    _, _, targets = plain(windows, np.arange(len(windows)), spec)
    return targets.argmax(1)


def _drawn_rows(available: int, spec: CsiSpec, how: Augmentation, rng) -> np.ndarray:
    """Where each row comes from, float (rows,)."""
    speed = how.speed ** rng.uniform(-1, 1)
    shift = rng.uniform(-1, 1) * how.shift_s * spec.rate_hz
    rows = (available - 1) / 2 + shift + (np.arange(spec.rows) - (spec.rows - 1) / 2) * speed
    return np.clip(rows, 0, available - 1)[_drawn_ends(spec, how, rng)]


def _drawn_ends(spec: CsiSpec, how: Augmentation, rng) -> np.ndarray:
    """Which row each row is the image of, int (rows,); itself in the middle."""
    beside = (spec.rows - spec.hop_rows) // 2
    first = int(rng.integers(0, beside + 1)) * (rng.random() < how.ends)
    last = spec.rows - 1 - int(rng.integers(0, beside + 1)) * (rng.random() < how.ends)
    return mirrored(np.arange(spec.rows), first, last)


def _drawn_packets(spec: CsiSpec, how: Augmentation, rng) -> np.ndarray:
    """Which rows keep their packets, bool (rows,)."""
    rows = np.arange(spec.rows)
    kept = np.ones(spec.rows, bool)
    kind = rng.random()
    if kind < how.slower:
        share = how.slowest ** rng.random()
        # one in each interval of a slower sender, as evenly as it may be
        places = (np.arange(int(spec.rows * share) + 1) + rng.random()) / share
        places = places + rng.uniform(-0.5, 0.5) * rng.random(len(places)) / share
        kept[:] = False
        kept[np.unique(np.clip(places, 0, spec.rows - 1).astype(int))] = True
    elif kind < how.slower + how.bursts:
        longest = how.burst_s * spec.rate_hz
        place = rng.uniform(0, longest)
        while place < spec.rows:
            lost = rng.uniform(0, longest)
            kept[(rows >= place) & (rows < place + lost)] = False
            place += lost + rng.uniform(0, longest)
    return kept


def _interpolated(values: np.ndarray, received: np.ndarray, spec: CsiSpec) -> np.ndarray:
    """Values with those of rows without a packet interpolated from the others."""
    if received.all() or received.sum() < 2:
        return values
    places = np.flatnonzero(received) / spec.rate_hz
    found = interpolate(places, values[received], np.arange(spec.rows) / spec.rate_hz)
    return found.astype(np.float32)


def _target(labels: np.ndarray, rows: np.ndarray, spec: CsiSpec, count: int) -> np.ndarray:
    begin = (spec.rows - spec.hop_rows) // 2
    found = labels[np.round(rows[begin : begin + spec.hop_rows]).astype(int)]
    found = found[found != UNLABELLED]
    shares = np.bincount(found, minlength=count).astype(np.float32)
    return shares / max(1.0, shares.sum())


def _at(values: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation along an axis."""
    low = np.clip(np.floor(places).astype(int), 0, values.shape[axis] - 2)
    shape = [1] * values.ndim
    shape[axis] = -1
    share = (places - low).astype(np.float32).reshape(shape)
    return values.take(low, axis) * (1 - share) + values.take(low + 1, axis) * share


def _changed(values: np.ndarray, antennas: int, how: Augmentation, rng) -> np.ndarray:
    """(rows, columns, channels) of one window."""
    rows, cols, _ = values.shape
    places = (np.arange(cols) - (cols - 1) / 2) * how.stretch ** rng.uniform(-1, 0)
    places = places + (cols - 1) / 2 + rng.uniform(-1, 1) * how.slide
    # what slides out at one end comes back mirrored
    places = np.abs(places)
    values = _at(values, np.minimum(places, 2 * (cols - 1) - places), 1)
    if rng.random() < how.mirror:
        values = values[:, ::-1]
    amplitude = np.maximum(values[..., :antennas], 1e-3)
    mean = amplitude.mean(0, keepdims=True)
    scale = how.motion ** rng.uniform(-1, 1)
    # of the logarithm, so that an amplitude stays above zero
    amplitude = mean * (amplitude / mean) ** scale
    # bins share no noise, and a weak one has more of it
    noise = rng.random() * how.noise
    amplitude = np.abs(amplitude + noise * rng.standard_normal(amplitude.shape))
    gain = np.sin(np.linspace(0, rng.uniform(0.5, 3), rows) * np.pi + rng.uniform(0, 2 * np.pi))
    gain = gain * rng.random() * how.gain_db
    response = np.sin(np.linspace(0, rng.uniform(0.5, 4), cols) * np.pi + rng.uniform(0, 6.3))
    response = response * rng.random() * how.response_db
    amplitude = amplitude * 10 ** ((gain[:, None, None] + response[:, None]) / 20)
    values = np.concatenate([amplitude, values[..., antennas:]], axis=2)
    if rng.random() < how.hide:
        axis = int(rng.integers(2))
        length = int(rng.uniform(0, how.hidden_share) * values.shape[axis])
        start = int(rng.integers(0, values.shape[axis] - length + 1))
        hidden = (slice(None),) * axis + (slice(start, start + length),)
        values[hidden] = np.broadcast_to(values.mean(0, keepdims=True), values.shape)[hidden]
    return values
