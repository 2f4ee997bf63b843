# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the clips of an activity recipe come from, as typed fields.

A set of a recipe's ``data`` is one source or a list of them. The first key of a source tells its
kind: ``stability`` or ``simulated`` or ``csi``. Its folder is relative to where the command runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from radiofm_core.errors import UsageError

from . import files, simulated, stability
from .clips import Clip


@dataclass(frozen=True)
class StabilityConfig:
    """Part ``part`` of the data set of 10.1109/IPIN57070.2023.10332214 in the folder
    ``stability``. ``runs``: those that are taken, as [e01, e02]; all by default. ``places: true``
    keeps the place in the labels (10 classes in place of 5)."""

    stability: str
    part: str = "D1"
    runs: tuple[str, ...] = ()
    places: bool = False
    kind: ClassVar[str] = "stability"

    def clips(self) -> list[Clip]:
        """Read them; raises InputError."""
        found = stability.read_clips(self.stability, self.part, not self.places)
        if not self.runs:
            return found
        wanted = {f"{self.part}/{run}" for run in self.runs}
        missing = wanted - {clip.group for clip in found}
        if missing:
            raise UsageError(f"{self.stability}: no run {sorted(missing)[0]}; check runs")
        return [clip for clip in found if clip.group in wanted]


@dataclass(frozen=True)
class SimulatedConfig:
    """``simulated`` rooms with moving bodies, of the seeds ``first_seed`` .. ; without labels."""

    simulated: int
    first_seed: int
    seconds: float = 10.0
    kind: ClassVar[str] = "simulated"

    def __post_init__(self):
        if self.simulated < 1 or self.seconds <= 0:
            raise UsageError(f"{self.simulated} rooms of {self.seconds} s; give more than none")

    def clips(self) -> list[Clip]:
        """Make them."""
        seeds = range(self.first_seed, self.first_seed + self.simulated)
        return [simulated.make_clip(seed, self.seconds) for seed in seeds]


@dataclass(frozen=True)
class CsiConfig:
    """The recordings of CSI in the folder ``csi`` and below, of any format that ``radiofm
    activity`` reads. FILE.labels.csv beside a FILE holds its labels: a heading and lines of
    ``start_s,end_s,label``, in seconds from its first packet. ``labelled: false`` reads none."""

    csi: str
    labelled: bool = True
    kind: ClassVar[str] = "csi"

    def clips(self) -> list[Clip]:
        """Read them; raises InputError."""
        return files.read_clips(self.csi, self.labelled)


SourceConfig = StabilityConfig | SimulatedConfig | CsiConfig
KINDS = {c.kind: c for c in (StabilityConfig, SimulatedConfig, CsiConfig)}
