# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of signals of no standard (:mod:`.other.arbitrary`), alone or beside a carrier, Wi-Fi or
one of the others. Scenes of the other makers hold none of these signals."""

from __future__ import annotations

from . import plans
from .other.arbitrary import arbitrary
from .rng import Rng
from .scene import SceneMaker
from .span import Emission, Span

# In so many of the spans there is a carrier, Wi-Fi or one of the others, too
COMPANY_SHARE = 0.5


class ArbitrarySpansMaker(SceneMaker):
    """Draws frames with one or two signals of no standard, and sometimes one of the rest."""

    def draw_emissions(self, span: Span, rng: Rng) -> list[Emission]:
        """Signals of no standard anywhere in the span."""
        free = (span, [], False, False)
        count = rng.choice((1, 1, 2))
        planned = [plans.draw_emission("other", *free, rng, arbitrary) for _ in range(count)]
        if rng.chance(COMPANY_SHARE):
            planned.append(plans.draw_emission(rng.choice(plans.GROUPS), *free, rng))
        return [e for p in planned if p is not None for e in self.emit(p, span, rng)]
