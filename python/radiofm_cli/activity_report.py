# SPDX-License-Identifier: GPL-3.0-or-later
"""What went on in a file of CSI, and what became of its packets, as people read it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from radiofm_core.bundle import ClassInfo
from radiofm_core.csi.classify import ActivityClassifier, PacketFacts
from radiofm_core.csi.counts import CsiCounts
from radiofm_core.csi.faults import CONSTANT, NOISE
from radiofm_core.csi.reader import CsiReader
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.outputs.activity_record import ActivityRecord, Run
from radiofm_core.outputs.terminal import colored, use_color
from radiofm_core.outputs.units import display_name, readable_time

from .console import table

TABLE_ROWS = 20
_PACKETS = {
    "other_sender": "of other senders",
    "broken": "not usable",
    "band": "without the required subcarriers",
    "repeated": "with a repeated time stamp",
    "antenna": "of the sender's other antenna",
    "out_of_order": "out of order",
}
_CUTS = {
    "pause": "after a long gap",
    "clock_back": "after the clock was set back",
    "channel": "on another channel",
    "bandwidth": "on another part of the channel",
    "mixed": "where two senders have one address",
}


def file_facts(reader: CsiReader, facts: PacketFacts) -> list[str]:
    """What the file is: its format, packets, senders, length, rate, shape."""
    chip = reader.tally.chip
    source = reader.format if chip in reader.format else f"{reader.format} ({chip})"
    senders = facts.senders - {""}
    who = f"{len(senders)} senders" if len(senders) > 1 else "".join(senders) or "one sender"
    shapes = sorted(facts.shapes)
    antennas, subcarriers = shapes[-1]
    shape = f"{_count(antennas, 'antenna')} × {subcarriers} subcarriers"
    return [
        source,
        f"{_count(facts.packets, 'packet')} of {who}",
        readable_time(facts.duration_s),
        f"{facts.rate_hz:.3g} packets/s",
        shape if len(shapes) == 1 else f"{len(shapes)} layouts",
    ]


def activity_table(record: ActivityRecord, classes: Sequence[ClassInfo]) -> list[str]:
    """Lines: the longest runs of one label, in order of time."""
    runs = record.longest_runs(TABLE_ROWS)
    with_sender = len(record.senders()) > 1
    header = ("label", "start", "end", "confidence", "motion", *(["sender"] if with_sender else []))
    lines = table(header, [_row(run, with_sender) for run in runs])
    if use_color(sys.stdout):
        colors = {display_name(info.name): info.color for info in classes}
        for index, run in enumerate(runs, start=1):
            name = display_name(run.label)
            if name in colors:
                lines[index] = lines[index].replace(name, colored(name, colors[name]), 1)
    hidden = record.num_runs - len(runs)
    if hidden:
        lines.append(f"  … and {hidden} shorter {'one' if hidden == 1 else 'ones'}, see the .jsonl")
    return lines


def _row(run: Run, with_sender: bool) -> tuple[str, ...]:
    cells = (
        display_name(run.label),
        f"{run.start_s:.1f} s",
        f"{run.end_s:.1f} s",
        f"{run.confidence:.2f}",
        f"{run.motion_db:.0f} dB",
    )
    return (*cells, run.source or "-") if with_sender else cells


def notes(reader: CsiReader, counts: CsiCounts, spec: CsiSpec) -> list[str]:
    """Lines on times that were made and what was left out; none where all was used as it was."""
    lines = []
    tally, placing = reader.tally, reader.placing
    if placing.how:
        lines.append(f"  times: {placing.how}")
    elif placing.packet_rate is not None:
        lines.append("  times: those in the file; --packet-rate was not needed")
    left_out = [*filter(None, [tally.summary(), _listed(counts.refused_packets, _PACKETS)])]
    if tally.steps_back:
        left_out.append(f"{_count(tally.steps_back, 'step')} back in time")
    if left_out:
        lines.append(f"  packets skipped: {', '.join(left_out)}")
    if refused := sum(counts.refused_windows.values()):
        why = _listed(counts.refused_windows, _window_words(spec))
        lines.append(f"  rejected {refused} of {refused + counts.windows} windows: {why}")
    lines += [f"  {line}" for line in counts.found]
    if cuts := _listed(counts.cuts, _CUTS):
        lines.append(f"  restarted: {cuts}")
    return lines


def no_answer(reader: CsiReader, run: ActivityClassifier, spec: CsiSpec, mac: str | None) -> str:
    """Why a file that has packets gave no answer: one line."""
    facts, counts = run.facts, run.counts
    what = (
        f"{reader.path}: no window to classify in {_count(facts.packets, 'packet')} of "
        f"{readable_time(facts.duration_s)}: "
    )
    if counts.refused_packets["other_sender"] == facts.packets:
        found = ", ".join(sorted(facts.senders - {""})[:5]) or "none with an address"
        return f"{what}no packet is from sender {mac}; senders in the file: {found}"
    if set(counts.refused_windows) == {"cut"} and counts.cuts["clock_back"]:
        back = _count(counts.cuts["clock_back"], "time")
        return f"{what}time stamps jump back {back}; sort the packets by time, or fix the clock"
    if counts.refused_windows:
        why = _listed(counts.refused_windows, _window_words(spec))
        advice = (
            "check the receiver: these are no measured channels"
            if set(counts.refused_windows) <= {CONSTANT, NOISE}
            else f"record at a steady {spec.rate_hz:g} packets/s (ping -i {1 / spec.rate_hz:g})"
        )
        return f"{what}windows of {spec.duration_s:g} s were rejected: {why}; {advice}"
    if sum(counts.refused_packets.values()) > facts.packets / 2:
        why = _listed(counts.refused_packets, _PACKETS)
        return f"{what}{why} ({counts.reason})"
    return f"{what}no sender has {spec.hop_s / 2:g} s without a gap, the minimum; record longer"


def _window_words(spec: CsiSpec) -> dict[str, str]:
    return {
        "rate": f"fewer than {spec.min_packet_rate:g} packets/s",
        "gap": f"more than {spec.max_gap_s:g} s without a packet",
        "missing": f"more than {100 * spec.max_missing_share:.0f} % of the rows without a packet",
        "mixed": "with packets of two senders that have one address",
        "constant": "constant (the receiver repeats its estimates, or clips them)",
        "noise": "of noise alone",
        "cut": "cut off by a long gap or a clock set back",
    }


def _listed(counts: Counter[str], words: Mapping[str, str]) -> str:
    """``3 × this, 2 × that``, the most common first; what has no words is left out."""
    found = [(kind, number) for kind, number in counts.most_common() if kind in words and number]
    return ", ".join(f"{number} × {words[kind]}" for kind, number in found)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
