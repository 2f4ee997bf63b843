# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the clips of an activity recipe come from, as typed fields.

A set of a recipe's ``data`` is one source or a list of them. The first key of a source tells its
kind: ``stability``, ``ntu_fi``, ``ut_har``, ``simulated`` or ``csi``. Its folder is relative to
where the command runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

from radiofm_core.errors import UsageError

from ...engine.recipe import SourceBase
from . import files, ntu_fi, simulated, stability, ut_har
from .clips import Clip


@dataclass(frozen=True)
class StabilityConfig(SourceBase):
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
class NtuFiConfig(SourceBase):
    """The part ``train`` or ``test`` of NTU-Fi HAR in the folder ``ntu_fi``. ``rate_hz``: packets
    per second; give 125 if files of 500 packets hold every fourth of 2000, as SenseFi uses them."""

    ntu_fi: str
    part: str
    rate_hz: float = 500.0
    PARTS: ClassVar[tuple] = ("train", "test")
    kind: ClassVar[str] = "ntu_fi"

    def __post_init__(self):
        _check_part(self.part, self.PARTS)
        if not 0 < self.rate_hz < math.inf:
            raise UsageError(f"rate_hz is {self.rate_hz}; it must be above zero")

    def clips(self) -> list[Clip]:
        """Read them; raises InputError."""
        return ntu_fi.read_clips(self.ntu_fi, self.part, self.rate_hz)


@dataclass(frozen=True)
class UtHarConfig(SourceBase):
    """UT-HAR in the folder ``ut_har``: the part ``train``, ``val`` or ``test`` of the SenseFi
    benchmark's clips, or the ``recordings`` that they were cut from."""

    ut_har: str
    part: str
    PARTS: ClassVar[tuple] = ("train", "val", "test", "recordings")
    kind: ClassVar[str] = "ut_har"

    def __post_init__(self):
        _check_part(self.part, self.PARTS)

    def clips(self) -> list[Clip]:
        """Read them; raises InputError."""
        if self.part == "recordings":
            return ut_har.read_recordings(self.ut_har)
        return ut_har.read_parts(self.ut_har, self.part)


@dataclass(frozen=True)
class SimulatedConfig(SourceBase):
    """``simulated`` rooms with moving bodies, of the seeds ``first_seed`` .. ; ``labels`` maps
    the movements still, walk, turn and climb to labels, and others stay without one."""

    simulated: int
    first_seed: int
    seconds: float = 10.0
    labels: dict = field(default_factory=dict)
    kind: ClassVar[str] = "simulated"

    def __post_init__(self):
        unknown = set(self.labels) - set(simulated.MOVEMENTS)
        if unknown:
            raise UsageError(
                f"labels: expected movements out of {', '.join(simulated.MOVEMENTS)}, got "
                f"{sorted(unknown)[0]!r}"
            )
        if self.simulated < 1 or self.seconds <= 0:
            raise UsageError(
                f"expected 1 room or more of more than 0 s, got {self.simulated} rooms of "
                f"{self.seconds} s"
            )

    def clips(self) -> list[Clip]:
        """Make them."""
        seeds = range(self.first_seed, self.first_seed + self.simulated)
        return [self._labelled(simulated.make_clip(seed, self.seconds)) for seed in seeds]

    def _labelled(self, clip: Clip) -> Clip:
        spans = (s for s in clip.spans if s.label in self.labels)
        return replace(clip, spans=tuple(replace(s, label=self.labels[s.label]) for s in spans))


@dataclass(frozen=True)
class CsiConfig(SourceBase):
    """The recordings of CSI in the folder ``csi`` and below, of any format that ``radiofm
    activity`` reads. FILE.labels.csv beside a FILE holds its labels: a heading and lines of
    ``start_s,end_s,label``, in seconds from its first packet. ``labelled: false`` reads none."""

    csi: str
    labelled: bool = True
    kind: ClassVar[str] = "csi"

    def clips(self) -> list[Clip]:
        """Read them; raises InputError."""
        return files.read_clips(self.csi, self.labelled)


def _check_part(part: str, known: tuple[str, ...]) -> None:
    if part not in known:
        raise UsageError(f"part is {part!r}; choose from {', '.join(known)}")


SourceConfig = StabilityConfig | NtuFiConfig | UtHarConfig | SimulatedConfig | CsiConfig
KINDS = {c.kind: c for c in SourceConfig.__args__}
