# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the windows that come to an activity model, runs it on them, and checks its answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from radiofm_core import keys
from radiofm_core.csi.activity import WindowFacts, fault_of
from radiofm_core.csi.model import ActivityModel
from radiofm_core.csi.motion import motion_db
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import InputError
from radiofm_core.fields import check_numbers, check_present, check_whole, shown

from ..pmts.csi_messages import rx_time_ns
from ..pmts.messages import split_pdu
from .inference_workers import one_line

_NUMBERS = (keys.ROW_DURATION, keys.FREQUENCY_STEP, keys.HOP, keys.PACKET_RATE)
_WHOLE = (keys.ROWS, keys.COLS, keys.CHANNELS, keys.ANTENNAS, keys.LOST_PACKETS)


@dataclass(frozen=True)
class Window:
    """A window as the model takes it: ``values`` float32 (rows, columns, channels).

    ``time_ns`` is of its first row; ``hop_s``: to the next window.
    """

    values: np.ndarray
    antennas: int
    time_ns: int
    hop_s: float
    packet_rate: float
    lost_packets: int
    source: str

    def facts(self, spec: CsiSpec) -> WindowFacts:
        """What a decision needs beside the model's answer."""
        return WindowFacts(
            time_ns=self.time_ns,
            duration_s=spec.duration_s,
            hop_s=self.hop_s,
            motion_db=motion_db(self.values[..., : self.antennas], spec.rate_hz),
            packet_rate=self.packet_rate,
            lost_packets=self.lost_packets,
            source=self.source,
        )


@dataclass(frozen=True)
class Classified:
    """One window's probabilities, float32 (classes,), or why there are none."""

    probabilities: np.ndarray | None = None
    problem: str = ""


def read_window(message, spec: CsiSpec) -> Window:
    """The window of a PDU of the CSI framer.

    Its hop and its limits of gaps may be others than those of ``spec``; its rows and columns
    must lie as far apart.

    Raises:
        UsageError: no PDU, or no time in it.
        InputError: the window does not fit ``spec``, or is broken.
    """
    fields, values = split_pdu(message)
    _check_types(fields)
    for key, wanted in (
        (keys.ROWS, spec.rows),
        (keys.COLS, spec.subcarriers),
        (keys.ROW_DURATION, 1 / spec.rate_hz),
        (keys.FREQUENCY_STEP, spec.span_hz / (spec.subcarriers - 1)),
    ):
        if not math.isclose(fields[key], wanted, rel_tol=1e-6):
            raise InputError(
                f"its {key} is {fields[key]:.6g}, the model's is {wanted:.6g}; give the framer "
                "the same model as the classifier"
            )
    antennas, channels = fields[keys.ANTENNAS], fields[keys.CHANNELS]
    if antennas < 1 or channels not in (antennas, 3 * antennas - 2):
        raise InputError(
            f"its {keys.CHANNELS} are {channels}; {antennas} {keys.ANTENNAS} have as many, or "
            "two more for each after the first"
        )
    shape = (spec.rows, spec.subcarriers, channels)
    if values.dtype != np.float32 or values.size != math.prod(shape):
        raise InputError(
            f"its vector holds {values.size} values of {values.dtype}, not {math.prod(shape)} of "
            f"float32 ({' x '.join(map(str, shape))})"
        )
    if not np.isfinite(values).all():
        raise InputError(f"{np.count_nonzero(~np.isfinite(values))} of its values are not finite")
    return Window(
        values.reshape(shape),
        antennas,
        time_ns=rx_time_ns(fields[keys.RX_TIME]),
        hop_s=float(fields[keys.HOP]),
        packet_rate=float(fields[keys.PACKET_RATE]),
        lost_packets=fields[keys.LOST_PACKETS],
        source=fields[keys.SOURCE],
    )


def classify_windows(model: ActivityModel, windows: list[Window]) -> list[Classified]:
    """Classify windows of one shape and one number of antennas.

    Returns:
        One answer a window. When the model fails on a batch, its windows are tried one by one,
        so that a bad one takes no good one with it.
    """
    try:
        shares = model.classify(np.stack([w.values for w in windows]), windows[0].antennas)
    except Exception as error:  # whatever a model raises, out of memory included
        if len(windows) == 1:
            return [Classified(problem=f"the model failed: {one_line(error)}")]
        return [classify_windows(model, [window])[0] for window in windows]
    return [_checked(row) for row in shares]


def _checked(shares: np.ndarray) -> Classified:
    fault = fault_of(shares)
    return Classified(problem=fault) if fault else Classified(shares)


def _check_types(fields: dict) -> None:
    check_present(fields, (*_WHOLE, *_NUMBERS, keys.RX_TIME, keys.SOURCE))
    check_whole(fields, _WHOLE)
    check_numbers(fields, _NUMBERS, least=0.0)
    if fields[keys.HOP] == 0:
        raise InputError(f"its {keys.HOP} is zero")
    if not isinstance(fields[keys.SOURCE], str):
        raise InputError(f"its {keys.SOURCE} {shown(fields[keys.SOURCE])} is no text")
