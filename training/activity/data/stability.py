# SPDX-License-Identifier: GPL-3.0-or-later
"""The data set of M. Matey-Sanz et al., "Temporal Stability on Human Activity Recognition based on
Wi-Fi CSI", IPIN 2023 (10.1109/IPIN57070.2023.10332214): ``labelled/Dn`` holds for each sequence
the amplitudes of the 56 subcarriers of an HT packet, (56, packets), and a label a packet."""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path

import numpy as np

from radiofm_core.csi.subcarriers import HT_20
from radiofm_core.errors import InputError, reason_of

from .clips import Clip, amplitude_packets, spans_of

RATE_HZ = 100.0


class _ArraysOnly(pickle.Unpickler):
    """Reads pickled arrays of texts; whatever else a pickle asks for is refused unseen."""

    ALLOWED = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
        }
    )

    def find_class(self, module: str, name: str):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def read_clips(folder: str | Path, part: str, merge_places: bool) -> list[Clip]:
    """The sequences of ``labelled/<part>``.

    Args:
        folder: the data set's.
        part: ``D1`` and so on.
        merge_places: leave the place out of the labels (``WALKING_RX`` is ``WALKING``).

    Raises:
        InputError: no such folder or sequence, or files of another shape.
    """
    files = sorted((Path(folder) / "labelled" / part).glob("*-x.npy"))
    if not files:
        raise InputError(f"{folder} holds no labelled/{part}/*-x.npy; check the recipe's folder")
    return [_clip(path, part, merge_places) for path in files]


def _clip(path: Path, part: str, merge_places: bool) -> Clip:
    labels_path = path.with_name(path.name.replace("-x.npy", "-y.npy"))
    try:
        amplitude = np.load(path, allow_pickle=False)
        labels = _labels(labels_path)
    # A damaged pickle can make the reader raise nearly every kind of exception
    except Exception as error:
        reason = reason_of(error)
        raise InputError(f"{path} and its labels cannot be read ({reason})") from error
    if amplitude.shape != (len(HT_20), len(labels)):
        raise InputError(
            f"{path}: {amplitude.shape} amplitudes and {len(labels)} labels; expected "
            f"({len(HT_20)}, packets) and one label per packet"
        )
    if merge_places:
        labels = [label.rpartition("_")[0] for label in labels]
    packets = amplitude_packets(amplitude.T, HT_20, RATE_HZ)
    times = [packet.time_ns for packet in packets]
    spans = spans_of(labels, times, times[-1] + round(1e9 / RATE_HZ))
    name = path.name.removesuffix("-x.npy")
    return Clip(f"{part}/{name}", f"{part}/{name.partition('_')[0]}", packets, spans)


def _unpickled(data: bytes) -> np.ndarray:
    """Of texts; raises nearly every kind of exception."""
    for opcode, argument, _ in pickletools.genops(data):
        # the place in a table that is made as long as that
        if "PUT" in opcode.name and int(argument) > len(data):
            raise pickle.UnpicklingError(f"it asks for {argument} entries")
    return _ArraysOnly(io.BytesIO(data)).load()


def _labels(path: Path) -> list[str]:
    """Of an object array, each entry a text or a list that begins with one."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        _, _, dtype = read_header(file)
        found = _unpickled(file.read()) if dtype.hasobject else np.load(path, allow_pickle=False)
    labels = [entry[0] if isinstance(entry, list) else entry for entry in found.tolist()]
    if not all(isinstance(label, str) and label.isprintable() for label in labels):
        raise ValueError("labels: expected text")
    return labels
