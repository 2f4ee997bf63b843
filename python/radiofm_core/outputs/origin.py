# SPDX-License-Identifier: GPL-3.0-or-later
"""Which input the results in a folder are of: their picture says so, and is asked before they are
replaced."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from ..errors import InputError
from .paths import result_paths
from .sigmf_annotations import data_link

NOTE = "radiofm:input"
_PNG = b"\x89PNG\r\n\x1a\n"
# Longer than any path; a longer text is no note of ours
_MOST_BYTES = 1 << 16


def origin_note(folder: Path, source: Path) -> str:
    """What a picture in ``folder`` says of its input: ASCII, whatever the name.

    The path is told as seen from the folder, so that both can be moved together.
    """
    return json.dumps(os.path.relpath(source.resolve(), folder.resolve()))


def origin_of(picture: Path) -> Path | None:
    """The input that a picture's results are of, resolved; None where it does not say."""
    try:
        note = json.loads(_text_of(picture, NOTE) or "null")
        return Path(picture.parent.resolve(), note).resolve() if isinstance(note, str) else None
    except (OSError, ValueError, RecursionError):
        return None


def _text_of(picture: Path, key: str) -> str | None:
    """A PNG's text called ``key`` that stands before its pixels."""
    wanted = key.encode() + b"\0"
    with picture.open("rb") as file:
        if file.read(len(_PNG)) != _PNG:
            return None
        while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
            length = int.from_bytes(head[:4], "big")
            if head[4:] == b"tEXt" and length <= _MOST_BYTES:
                text = file.read(length)
                if text.startswith(wanted):
                    return text[len(wanted) :].decode("ascii")
                length = 0
            file.seek(length + 4, os.SEEK_CUR)
    return None


def refuse_other_results(
    paths: Mapping[str, Path],
    source: Path,
    data_link: Path | None = None,
    picture: Path | None = None,
) -> None:
    """Raise InputError where results of another input, or files that do not say what they are of,
    would be replaced.

    Args:
        paths: the results' places by kind.
        source: the input.
        data_link: where a link to the input is to lie beside them.
        picture: the one that says what they are of; the one among ``paths`` if not given.
    """
    source = source.resolve()
    picture = picture or paths["picture"]
    advice = "choose another --out, or --overwrite to replace it"
    known = origin_of(picture)
    if known is not None:
        if known != source:
            raise InputError(f"{picture} is of {known}, not of {source}; {advice}")
        return
    there = [path for path in paths.values() if os.path.lexists(path)]
    if data_link is not None and os.path.lexists(data_link):
        # results without a note that stand beside their input, or a link to it
        if data_link.resolve() == source:
            return
        there.append(data_link)
    if there:
        raise InputError(f"{there[0]} is there and does not say that it is of {source}; {advice}")


def refuse_results_of_others(
    folder: Path, stem: str, source: Path, outputs: Collection[str]
) -> None:
    """The same for the results called ``stem`` in a folder, of which ``outputs`` are to be
    replaced; see :data:`.paths.RESULT_KINDS`."""
    every = result_paths(folder, stem)
    replaced = {kind: path for kind, path in every.items() if kind in outputs}
    refuse_other_results(replaced, source, data_link(every["sigmf"]), every["picture"])
