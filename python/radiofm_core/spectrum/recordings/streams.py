# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipe that is played while its samples come, without an end that is known."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import InputError
from ...fields import finite_number
from .captures import make_captures
from .facts import Facts
from .found import Segment
from .names import facts_of_name
from .opening import check_datatype, check_rate
from .pipes import now, refuse_terminal
from .recording import Recording


def open_stream(
    path: str | os.PathLike,
    sample_rate: float | None = None,
    center_frequency: float | None = None,
    datatype: str | None = None,
) -> Recording:
    """A pipe (see ``is_pipe``) as a recording whose ``num_samples`` is 0: not known. Its time is
    this host's, now.

    Args:
        path: ``-`` for standard input, or a named pipe, whose name may tell the rest.
        sample_rate: in Hz.
        center_frequency: in Hz; 0 where nothing tells it.
        datatype: a format's name, as for ``open_recording``.

    Raises:
        InputError: what is needed is not told, or standard input is a terminal.
    """
    path = Path(path)
    refuse_terminal(os.fspath(path))
    name = facts_of_name(path.name)
    shown = Path("standard input") if os.fspath(path) == "-" else path
    format_name = check_datatype(datatype or name.datatype, shown)
    rate = check_rate(sample_rate or name.sample_rate, shown)
    center = name.center_frequency if center_frequency is None else center_frequency
    if center is not None and finite_number(center) is None:
        raise InputError(f"{shown}: expected a centre frequency in Hz, got {center!r}")
    told = Facts(
        None if datatype else name.datatype,
        None if sample_rate else name.sample_rate,
        None if center_frequency is not None else name.center_frequency,
    ).words()
    return Recording(
        data_path=path,
        datatype=format_name,
        sample_rate=rate,
        num_samples=0,
        start_byte=0,
        captures=make_captures([Segment(0, center, now())], rate, None),
        source=shown,
        inferred=(f"{path.name}: {told} (from its name)",) if told else (),
    )
