# SPDX-License-Identifier: GPL-3.0-or-later
"""Uplinks of LTE (36.211 clause 5) and NR (38.211 clause 6): what phones near the receiver send.

Both are labelled as their technology: LTE by resource block and slot, NR by resource block and
symbol, as in the downlink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .lte import TDD_SUBFRAMES
from .nr import truth_of_values
from .nr.sequences import slot_reference
from .ofdm import RB_SUBCARRIERS, Grid, sent_blocks, symbol_starts
from .rng import Rng
from .sequences import base_sequence, zadoff_chu
from .smooth import most_blocks
from .uplink_references import (
    CYCLIC_SHIFTS,
    GRANTED_SHIFTS,
    GROUPS,
    Phone,
    control_block,
    draw_phones,
    group_of,
    lte_dmrs,
    shifted_base,
)

SLOT_SYMBOLS = 14
# Symbols with PUSCH DMRS in an NR slot: one additional position (38.211 table 6.4.1.1.3-3)
NR_DMRS_SYMBOLS = (2, 11)
# Random access format 0: 839 subcarriers of 1.25 kHz in six blocks of 15 kHz (36.211 clause 5.7)
PRACH_HZ = 1.25e3
PRACH_LENGTH = 839
PRACH_COLUMNS = 864
PRACH_PREFIX_S = 3168 / 30.72e6
PRACH_BODY_S = 24576 / 30.72e6


@dataclass(frozen=True)
class Uplink:
    """One carrier's uplink. ``lte``: else NR; ``slots``: a pattern as "DDDSU" of the slots (of
    subframes in LTE) that it may use, or None for all; ``spread``: DFT-spread OFDM;
    ``period_slots``: the slots in which periodic channels (PUCCH, SRS) come; ``access``: random
    access preambles; ``hopping``: of DMRS sequences' groups."""

    lte: bool
    resource_blocks: int
    subcarrier_hz: float
    slots: str | None
    cell_id: int
    load: float
    spread: bool
    period_slots: int
    access: bool
    hopping: bool = False

    @property
    def frame_slots(self) -> int:
        """Slots (LTE: subframes) of a radio frame."""
        return 10 * round(self.subcarrier_hz / 15e3)


def draw_uplink(rng: Rng, lte: bool, blocks: int, subcarrier_hz: float, slots) -> Uplink:
    """An uplink for a carrier of ``blocks`` resource blocks."""
    return Uplink(
        lte=lte,
        resource_blocks=blocks,
        subcarrier_hz=subcarrier_hz,
        slots=slots,
        cell_id=rng.integer(0, 503 if lte else 1007),
        load=rng.choice((rng.uniform(0.02, 0.3), rng.uniform(0.3, 1.0))),
        spread=lte or rng.chance(0.4),
        period_slots=rng.choice((5, 10, 20)),
        access=blocks >= 8 and rng.chance(0.5),
        hopping=rng.chance(0.3),
    )


def lte_pattern(tdd: int | None) -> str | None:
    """The slots of an LTE uplink-downlink configuration."""
    return None if tdd is None else TDD_SUBFRAMES[tdd]


def build_uplink(up: Uplink, milliseconds: int, offset: int, time: float, rng: Rng) -> list[Grid]:
    """Fill ``milliseconds`` of grid; arguments as in :func:`.lte.build_grid`. The second grid, if
    any, holds random access preambles."""
    slots = milliseconds * round(up.subcarrier_hz / 15e3)
    count = up.resource_blocks * RB_SUBCARRIERS
    values = torch.zeros(slots, SLOT_SYMBOLS, count, dtype=torch.complex64)
    busy = rng.walk(slots, 0.0, 1.0, rng.uniform(0.1, 0.7)) < up.load
    phones = draw_phones(6, up.cell_id, 509 if up.lte else 65535, rng)
    references = None
    if not (up.lte or up.spread) and bool(busy.any()):
        references = _cp_ofdm_references(up, phones)
    sounded = 0
    for i in range(slots):
        if up.slots is not None and up.slots[i % len(up.slots)] != "U":
            continue
        if bool(busy[i]):
            _put_shared(values[i], up, i, phones, references, rng)
        if i % up.period_slots == up.cell_id % up.period_slots:
            _put_control(values[i], up, i, rng.choice(phones).gain, rng)
        if (i + 3) % up.period_slots == 0:
            _put_sounding(values[i], up, sounded, phones[sounded % len(phones)].gain)
            sounded += 1
    flat = values.flatten(0, 1)
    if up.lte:
        per_slot = sent_blocks(flat).unflatten(0, (-1, SLOT_SYMBOLS // 2)).any(1)
        truth = per_slot.repeat_interleave(SLOT_SYMBOLS // 2, 0)
    else:
        truth = truth_of_values(flat)
    # LTE shifts its uplink by half a subcarrier instead of leaving out the centre (5.6).
    shift = 0.5 * up.subcarrier_hz if up.lte else 0.0
    main = Grid(
        values=flat,
        truth=truth,
        subcarrier_hz=up.subcarrier_hz,
        starts=symbol_starts(2 * slots, up.subcarrier_hz),
        offset=offset,
        time=time,
        dc_null=False,
        shift_hz=shift,
    )
    access = _random_access(up, milliseconds, offset, time, shift, rng) if up.access else None
    return [main] if access is None else [main, access]


def _width(rng: Rng, most: int) -> int:
    """Blocks of an allocation: a product of 2, 3 and 5 (5.3.3)."""
    width = rng.integer(1, most) if rng.chance(0.5) else rng.integer(1, max(1, most // 4))
    return most_blocks(width)


def _cp_ofdm_references(up: Uplink, phones: Sequence[Phone]) -> dict[int, Tensor]:
    """PUSCH DMRS of all phones (38.211 clause 6.4.1.1.1.1) by symbol: complex64 (phones, slots of
    a frame, 6 by blocks)."""
    frame = up.frame_slots
    identity = torch.tensor([p.identity for p in phones]).repeat_interleave(frame)
    n_scid = torch.tensor([p.n_scid for p in phones]).repeat_interleave(frame)
    slots = torch.arange(frame).repeat(len(phones))
    count = up.resource_blocks * RB_SUBCARRIERS // 2
    return {
        symbol: slot_reference(identity, slots, symbol, count, n_scid).unflatten(0, (-1, frame))
        for symbol in NR_DMRS_SYMBOLS
    }


def _put_shared(slot: Tensor, up: Uplink, i: int, phones, references, rng: Rng) -> None:
    """PUSCH of one to three users: data, DFT-spread or not, and their DMRS: whole symbols in the
    middle of each LTE slot, every second element in NR. ``i``: the slot's number."""
    edge = 1 if up.resource_blocks > 6 else 0
    free = up.resource_blocks - 2 * edge
    low = edge + rng.integer(0, max(0, free // 3))
    for _ in range(rng.integer(1, 3)):
        room = up.resource_blocks - edge - low
        if room < 1:
            break
        width = _width(rng, room)
        number = rng.integer(0, len(phones) - 1)
        phone = phones[number]
        own = references and {s: r[number, i % up.frame_slots] for s, r in references.items()}
        end = SLOT_SYMBOLS if up.lte or rng.chance(0.8) else rng.integer(6, SLOT_SYMBOLS)
        hop = up.lte and rng.chance(0.15)
        _allocate(slot, up, i, low, width, end, phone, own, rng)
        if hop:
            # The second half of the subframe mirrored to the band's other side (5.3.4)
            other = up.resource_blocks - low - width
            a = slot[7:, low * RB_SUBCARRIERS : (low + width) * RB_SUBCARRIERS].clone()
            slot[7:, low * RB_SUBCARRIERS : (low + width) * RB_SUBCARRIERS] = 0
            slot[7:, other * RB_SUBCARRIERS : (other + width) * RB_SUBCARRIERS] = a
        low += width + rng.integer(0, 6)


def _allocate(slot, up: Uplink, i: int, low, width, end, phone: Phone, references, rng: Rng):
    count = width * RB_SUBCARRIERS
    band = slice(low * RB_SUBCARRIERS, low * RB_SUBCARRIERS + count)
    data = rng.data((end, count), rng.choice((4, 4, 16, 64)))
    if up.spread:
        data = torch.fft.fft(data) / count**0.5
    slot[:end, band] = data * phone.gain
    if up.lte:
        granted = rng.choice(GRANTED_SHIFTS)
        for half in (0, 1):
            at = (2 * i + half) % 20
            row = lte_dmrs(up.cell_id, at, count, granted, up.hopping)
            slot[7 * half + 3, band] = row * phone.gain
        return
    for symbol in NR_DMRS_SYMBOLS if end > NR_DMRS_SYMBOLS[1] else NR_DMRS_SYMBOLS[:1]:
        if references is not None:
            row = references[symbol][band.start // 2 : band.stop // 2]
        else:
            at = i % up.frame_slots * SLOT_SYMBOLS + symbol
            group = group_of(phone.identity, at, up.frame_slots * SLOT_SYMBOLS, up.hopping)
            row = base_sequence(group, count // 2)
        slot[symbol, band] = 0
        # Nothing between them: both groups' power in one (38.214 clause 6.2.2)
        slot[symbol, band.start : band.stop : 2] = row * (phone.gain * 2**0.5)


def _put_control(slot: Tensor, up: Uplink, i: int, gain: complex, rng: Rng) -> None:
    """PUCCH: a block at one edge, in the slot's second half at the other (36.211 clause 5.4,
    38.211 clause 6.3.2); NR also has short ones of one or two symbols at the end."""
    half = SLOT_SYMBOLS // 2
    edges = slice(0, RB_SUBCARRIERS), slice(-RB_SUBCARRIERS, None)
    frame = up.frame_slots * SLOT_SYMBOLS
    first = i % up.frame_slots * SLOT_SYMBOLS
    spread = rng.chance(0.5)
    if up.lte:
        references = (2, 3, 4) if spread else (1, 5)
    else:
        references = (0, 2, 4, 6)
    blocks = [
        control_block(up.cell_id, at, frame, references, spread, rng) * gain
        for at in (first, first + half)
    ]
    if not up.lte and rng.chance(0.5):
        count = rng.integer(1, 2)
        slot[-count:, edges[0]] = blocks[1][-count:]
        return
    slot[:half, edges[0]], slot[half:, edges[1]] = blocks


def _put_sounding(slot: Tensor, up: Uplink, turn: int, gain: complex) -> None:
    """SRS: every second subcarrier of a wide band in the last symbol (5.5.3), phones in turn on
    either comb and with another cyclic shift."""
    blocks = up.resource_blocks // 4 * 4
    if blocks < 4:
        return
    low = (up.resource_blocks - blocks) // 2 * RB_SUBCARRIERS
    count = blocks * RB_SUBCARRIERS
    slot[-1, low : low + count] = 0
    row = shifted_base(up.cell_id % GROUPS, count // 2, 3 * (turn // 2) % CYCLIC_SHIFTS)
    slot[-1, low + turn % 2 : low + count : 2] = row * gain


def _random_access(up: Uplink, milliseconds: int, offset: int, time, shift, rng: Rng):
    """Preambles of format 0 in some of the subframes for uplink, in six blocks of 15 kHz."""
    per_ms = round(up.subcarrier_hz / 15e3)
    subframes = []
    for ms in range(milliseconds):
        kinds = up.slots and [up.slots[(ms * per_ms + i) % len(up.slots)] for i in range(per_ms)]
        if (not kinds or set(kinds) == {"U"}) and rng.chance(0.12):
            subframes.append(ms)
    if not subframes:
        return None
    starts, values = [0.0], []
    empty = torch.zeros(PRACH_COLUMNS, dtype=torch.complex64)
    for ms in subframes:
        preamble = zadoff_chu(rng.integer(1, PRACH_LENGTH - 1), PRACH_LENGTH)
        # The transform spreads the sequence over the subcarriers (5.7.2); it is one in them too.
        row = empty.clone()
        row[13 : 13 + PRACH_LENGTH] = torch.fft.fft(preamble) / PRACH_LENGTH**0.5
        late = rng.uniform(0, 60e-6)
        begin = ms * 1e-3 + late
        starts += [begin, begin + PRACH_PREFIX_S + PRACH_BODY_S]
        values += [empty, row * 10 ** (rng.uniform(-6, 6) / 20)]
    values = torch.stack(values)
    ratio = round(up.subcarrier_hz / PRACH_HZ)
    span = up.resource_blocks * RB_SUBCARRIERS * ratio - PRACH_COLUMNS
    low = rng.integer(0, max(0, span // (12 * RB_SUBCARRIERS))) * 12 * RB_SUBCARRIERS
    centre = offset * ratio - (span + PRACH_COLUMNS) // 2 + low + PRACH_COLUMNS // 2
    return Grid(
        values=values,
        truth=sent_blocks(values),
        subcarrier_hz=PRACH_HZ,
        starts=torch.tensor(starts, dtype=torch.float64),
        offset=centre,
        time=time,
        dc_null=False,
        shift_hz=shift,
    )
