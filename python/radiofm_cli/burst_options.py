# SPDX-License-Identifier: GPL-3.0-or-later
"""``--sweep``, ``--duty``, ``--every``, ``--for``: when samples are taken, at which centre."""

from __future__ import annotations

import argparse
import math
import re

from radiofm_core.errors import UsageError

from .blocks import import_with_blocks
from .console import hertz, seconds

DWELL_S = 1.0
BURST_S = 1.0
SETTLE_S = 0.1
MOST_SETTLE_S = 60.0
MOST_CENTRES = 10_000
_RANGE = re.compile(r"(?P<first>[^-/:]+)-(?P<last>[^-/:]+)/(?P<step>[^-/:]+)")


class Centres(tuple):
    """(centre frequency in Hz, dwell time in s) of each stop of a sweep, and the text it was."""

    text: str

    def __str__(self) -> str:
        return self.text


def add_burst_options(parser: argparse.ArgumentParser) -> None:
    """The options of a command that can take samples now and then."""
    group = parser.add_argument_group("sweeps and bursts (docs/headless.md)")
    group.add_argument(
        "--sweep",
        type=centres,
        metavar="HZ:S,...",
        help="centre frequencies, one after the other, and how long to stay: '796M:1s,2.44G:500ms' "
        "or '700M-960M/2M:100ms' (from, to, step)",
    )
    group.add_argument(
        "--settle",
        type=seconds,
        metavar="S",
        help="samples that are thrown away after each retune (default: 100ms)",
    )
    group.add_argument(
        "--duty",
        type=duty,
        metavar="PERCENT",
        help="on slow hosts: take samples for such a part of the time and judge all of them",
    )
    group.add_argument(
        "--every",
        type=seconds,
        metavar="S",
        help="the same, by the time from one burst, or round of a sweep, to the next",
    )
    group.add_argument(
        "--for",
        dest="burst",
        type=seconds,
        metavar="S",
        help="how long a burst of --duty or --every is (default: 1s)",
    )


def burst_plan(options: argparse.Namespace):
    """A ``BurstPlan``, or None where all samples are taken; raises UsageError for options that do
    not go together, and RadiofmError without GNU Radio."""
    _check(options)
    if not (options.sweep or options.duty or options.every):
        return None
    bursts = import_with_blocks("gnuradio.radiofm.reconnecting.bursts")
    length = options.burst or BURST_S
    stops = options.sweep or ((None, length),)
    pause = (1.0 / options.duty - 1.0) if options.duty else 0.0
    dwells = tuple(bursts.Dwell(where, stay, stay * pause) for where, stay in stops)
    return bursts.BurstPlan(
        dwells,
        settle=options.settle or SETTLE_S,
        every=options.every or 0.0,
        is_lossless=bool(options.duty or options.every),
    )


def plan_words(options: argparse.Namespace) -> str:
    """What the plan is, for the line that says what is watched; or nothing."""
    words = ""
    if options.sweep:
        words = f", sweeping {len(options.sweep)} centre frequencies"
    if options.duty:
        words += f", {options.duty * 100:g} % of the time"
    elif options.every:
        length = "" if options.sweep else f"{options.burst or BURST_S:g} s "
        words += f", {length}every {options.every:g} s"
    return words


def _check(options: argparse.Namespace) -> None:
    if options.sweep:
        if not options.source.startswith(("soapy=", "uhd=")):
            raise UsageError(f"--sweep is for receivers (soapy=, uhd=), not {options.source!r}")
        if options.center_frequency is not None:
            raise UsageError("--sweep and --center-frequency: give one of them")
        if options.burst:
            raise UsageError("--for and --sweep: a sweep's times are in --sweep")
    elif options.settle:
        raise UsageError("--settle is for --sweep, which is missing")
    if options.settle and options.settle > MOST_SETTLE_S:
        raise UsageError(f"--settle: expected at most {MOST_SETTLE_S:g} s, got {options.settle:g}")
    if options.duty and options.every:
        raise UsageError("--duty and --every: give one of them")
    if options.burst and not (options.duty or options.every):
        raise UsageError("--for needs --every or --duty")
    length = options.burst or BURST_S
    if options.every and not options.sweep and options.every <= length:
        raise UsageError(f"--every {options.every:g} s is not longer than a burst of {length:g} s")


def centres(text: str) -> Centres:
    """The stops of a sweep."""
    found: list[tuple[float, float]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        where, _, stay = part.partition(":")
        dwell = seconds(stay) if stay else DWELL_S
        found += ((frequency, dwell) for frequency in _frequencies(where))
        if len(found) > MOST_CENTRES:
            raise argparse.ArgumentTypeError(f"more than {MOST_CENTRES} centre frequencies")
    if not found:
        raise argparse.ArgumentTypeError(
            f"expected centre frequencies and times, such as '796M:1s,2.44G:500ms', got {text!r}"
        )
    stops = Centres(found)
    stops.text = text
    return stops


def _frequencies(text: str) -> list[float]:
    match = _RANGE.fullmatch(text)
    if match is None:
        return [hertz(text)]
    first, last, step = (hertz(match[name]) for name in ("first", "last", "step"))
    if step <= 0 or last < first:
        raise argparse.ArgumentTypeError(
            f"expected a range such as 700M-960M/2M (from, to, step), got {text!r}"
        )
    count = math.floor((last - first) / step * (1 + 1e-9)) + 1
    if count > MOST_CENTRES:
        raise argparse.ArgumentTypeError(f"{text!r} has more than {MOST_CENTRES} frequencies")
    return [first + number * step for number in range(count)]


def duty(text: str) -> float:
    """A part of the time: ``10%`` or 0.1."""
    try:
        number = text.strip()
        value = float(number.removesuffix("%")) / (100.0 if number.endswith("%") else 1.0)
    except ValueError:
        value = math.nan
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(f"expected a part of the time such as 10%, got {text!r}")
    return value
