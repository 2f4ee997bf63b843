# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation of lines of fields: fields change, lines and columns come and go."""

from __future__ import annotations

import re
from random import Random

from .harness import Blind

_NASTY = (
    *(b"", b"0", b"-1", b"1", b"2", b"255", b"256", b"-129", b"1e5", b"1e308", b"nan", b"inf"),
    *(b"9" * 30, b"9" * 5000, b"1_0", b" 7 ", b"x", b'"', b"[", b"]", b"\x00", b"\xff", b"\xc2"),
    *(b"2147483648", b"4294967296", b"1.5", b"-inf", b"\r", b","),
)
_SEPARATOR = re.compile(rb"([, \n\[\]\"]+)")
_BLIND_SHARE = 0.2


def mutate(data: bytes, most: int, rng: Random, blind: Blind) -> bytes:
    """``data`` with some of its fields changed; now and then its bytes."""
    if rng.random() < _BLIND_SHARE:
        return blind(data, most)
    if rng.random() < 0.2:
        lines = data.split(b"\n")
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
        if rng.random() < 0.5:
            del lines[rng.randrange(len(lines))]
        changed = b"\n".join(lines)
    else:
        # fields at even places, what separates them between
        parts = _SEPARATOR.split(data)
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(parts))
            kind = rng.randrange(4)
            if kind == 0:
                parts[place] = b""
            elif kind == 1:
                parts[place] = rng.choice(parts)
            else:
                parts[place] = rng.choice(_NASTY)
        changed = b"".join(parts)
    return changed if len(changed) <= most else data
