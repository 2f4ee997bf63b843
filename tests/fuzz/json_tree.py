# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation of JSON: values and keys change, the text stays JSON."""

from __future__ import annotations

import json
from copy import deepcopy
from random import Random

from .harness import Blind

NASTY = (
    *(None, True, False, 0, -1, 1, 2, 3, 7, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64),
    *(-(2**63), 10**30, 10**400, 0.5, -0.0, 1e-320, 1e-9, 1e9, 1e18, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf")),
    *("", " ", "x", "0", "nan", "\x00", "a\nb", "ü\u2028", "\ud800", "x" * 5000, "../x", "/"),
    *([], {}, [[]], [None], [0] * 40, {"x": 1}, [[[[[[]]]]]]),
)
_BLIND_SHARE = 0.1
_MOST_CHANGES = 4


def mutate(data: bytes, most: int, rng: Random, blind: Blind) -> bytes:
    """``data`` with a few of its nodes changed; now and then its bytes."""
    if rng.random() < _BLIND_SHARE:
        return blind(data, most)
    try:
        tree = [json.loads(data)]
    except (ValueError, RecursionError):
        return blind(data, most)
    for _ in range(rng.randint(1, _MOST_CHANGES)):
        _change(tree, rng)
    try:
        text = json.dumps(tree[0]).encode()
    except (ValueError, RecursionError):
        return data
    return text if len(text) <= most else data


def _change(tree: list, rng: Random) -> None:
    nodes = list(_nodes(tree))
    holder, key = rng.choice(nodes)
    value = holder[key]
    kind = rng.randrange(8)
    if kind == 0 and holder is not tree:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[rng.choice([*holder, "x", key + "x"])] = holder.pop(key)
    elif kind == 2:
        other_holder, other = rng.choice(nodes)
        text = json.dumps(other_holder[other])
        if len(text) < 1000:
            holder[key] = json.loads(text)
    elif kind == 3 and isinstance(value, list) and value:
        value.insert(rng.randrange(len(value) + 1), json.loads(json.dumps(rng.choice(value))))
    elif kind in (4, 5) and type(value) in (int, float):
        holder[key] = _near(value, rng)
    else:
        # a copy: it may be changed in turn
        holder[key] = deepcopy(rng.choice(NASTY))


def _near(value: float, rng: Random) -> float:
    changes = (
        lambda: value + rng.choice((-1, 1)),
        lambda: -value,
        lambda: value * rng.choice((2, 10, 0.5, 1e3, 1e-3)),
        lambda: value // 2,
        lambda: float(value),
        lambda: round(value),
        lambda: rng.randrange(300),
    )
    try:
        return rng.choice(changes)()
    except (ValueError, OverflowError):
        return 0


def _nodes(holder):
    """(holder, key) of every node below."""
    keys = holder.keys() if isinstance(holder, dict) else range(len(holder))
    for key in list(keys):
        yield holder, key
        if isinstance(holder[key], (dict, list)):
            yield from _nodes(holder[key])
