# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of the temporal stability data set, which are pickled."""

import io

import numpy as np

from fuzz.harness import may_refuse, scratch
from radiofm_core.errors import InputError
from training.activity.data.stability import read_clips

_LABELS = ["SEATED", "SEATED", "WALKING_RX", "WALKING_RX"]


def seeds() -> dict[str, bytes]:
    """Pickled lists and texts, and plain texts."""
    lists = np.empty(4, object)
    lists[:] = [[label] for label in _LABELS]
    return {
        "lists": _saved(lists),
        "objects": _saved(np.array(_LABELS, object)),
        "texts": _saved(np.array(_LABELS)),
    }


def _saved(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def run(data: bytes) -> None:
    """Read the sequence that they are the labels of."""
    folder = scratch() / "labelled" / "D1"
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "a-x.npy", np.ones((56, 4), np.float32))
    (folder / "a-y.npy").write_bytes(data)
    with may_refuse(InputError):
        for clip in read_clips(scratch(), "D1", merge_places=True):
            assert len(clip.packets) == 4 and clip.spans
