# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation of zip archives: members change and the archive fits them, or its own bytes change."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable
from random import Random

from .harness import Blind, Mutator

_BLIND_SHARE = 0.3
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def pack(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        # of members of one name
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def mutator(of_member: Mutator) -> Mutator:
    """A mutator of archives whose members ``of_member`` changes."""

    def mutate(data: bytes, most: int, rng: Random, blind: Blind) -> bytes:
        members = _members(data)
        if not members or rng.random() < _BLIND_SHARE:
            return blind(data, most)
        place = rng.randrange(len(members))
        name, content = members[place]
        kind = rng.randrange(8)
        if kind == 0:
            del members[place]
        elif kind == 1:
            members.append((rng.choice(members)[0], content))
        else:
            members[place] = (name, of_member(content, most, rng, blind))
        packed = pack(members, rng.choice(_METHODS) if kind == 2 else zipfile.ZIP_STORED)
        return packed if len(packed) <= most else data

    return mutate


def _members(data: bytes) -> list[tuple[str, bytes]]:
    # zipfile raises nearly everything; what it cannot read is changed blindly
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [(i.filename, archive.read(i)[:65536]) for i in archive.infolist()]
    except Exception:
        return []


def blindly(data: bytes, most: int, rng: Random, blind: Blind) -> bytes:
    """A member that has no structure of its own."""
    return blind(data, most)


def numbers_in_text(begin: bytes) -> Callable:
    """A mutator of members whose numbers in a text header (after ``begin``) change."""

    def mutate(data: bytes, most: int, rng: Random, blind: Blind) -> bytes:
        digits = [i for i, byte in enumerate(data[:256]) if 48 <= byte < 58]
        if not data.startswith(begin) or not digits or rng.random() < 0.5:
            return blind(data, most)
        place = rng.choice(digits)
        return data[:place] + bytes([rng.randrange(48, 58)]) + data[place + 1 :]

    return mutate
