# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples read from a data file, and a first look at them before anything runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from .datatypes import DATATYPES, to_complex

FIRST_LOOK_SAMPLES = 1 << 16
CHUNK_SAMPLES = 1 << 20
# A file whose samples do not change is looked at up to here
LOOK_BYTES = 64 << 20
# Full scale is 1; receivers that do not scale write up to 2^31. Bytes read as the wrong
# floating-point type reach far beyond
MAX_PLAUSIBLE = 1e12


def check_samples(
    data_path: Path, datatype: str, start_byte: int, num_samples: int, shown: Path | None = None
) -> str:
    """Look at the first samples of a data file, and further while they do not change, up to
    :data:`LOOK_BYTES`.

    Args:
        data_path: the data file.
        datatype: a key of :data:`DATATYPES`.
        start_byte: where its samples begin.
        num_samples: how many follow each other there.
        shown: what to call the file; ``data_path`` if None.

    Returns what is to be told of them, or nothing.

    Raises:
        InputError: NaN or Inf, values no receiver writes, or one same value throughout.
    """
    dtype, shown = DATATYPES[datatype], shown or data_path
    most = min(num_samples, LOOK_BYTES // dtype.itemsize)
    with open(data_path, "rb", buffering=0) as file:
        file.seek(start_byte)
        first = _read(file, dtype, min(FIRST_LOOK_SAMPLES, num_samples))
        if dtype.base.kind == "f":
            _check_floats(first, shown, datatype)
        still = bool(len(first)) and bool((first == first[0]).all())
        left = most - len(first)
        while still and left > 0:
            chunk = _read(file, dtype, min(CHUNK_SAMPLES, left))
            if not len(chunk):
                break
            still = bool((chunk == first[0]).all())
            left -= len(chunk)
    if not still or num_samples == 1:
        return ""
    what = "zero"
    if any(first[0].tobytes()):
        value = to_complex(first[0].tobytes(), datatype)[0]
        real, imaginary = first[0] if dtype.base.kind != "V" else (value.real, value.imag)
        what = f"the same ({real:g}, {imaginary:g})"
    if most < num_samples:
        return f"its first {most} samples are {what}"
    raise InputError(
        f"{shown}: all {num_samples} samples are {what}; there is no signal in it, "
        "check the receiver and record again"
    )


def read_iq(data_path: Path, datatype: str, start_byte: int, first: int, count: int) -> np.ndarray:
    """Samples of a data file as complex64 (count,), full scale 1.0, as the recording source
    plays them.

    Args:
        data_path: the data file.
        datatype: a key of :data:`DATATYPES`.
        start_byte: where its samples begin.
        first: the first sample wanted.
        count: how many.

    Raises:
        InputError: the file ends before.
    """
    width = DATATYPES[datatype].itemsize
    raw = np.fromfile(data_path, np.uint8, width * count, offset=start_byte + first * width)
    if len(raw) < width * count:
        raise InputError(
            f"{data_path}: expected {first + count} samples, got {first + len(raw) // width}: it "
            "is truncated"
        )
    return to_complex(raw, datatype)


def _read(file, dtype: np.dtype, count: int) -> np.ndarray:
    """Up to ``count`` samples: (n, 2)."""
    data = file.read(count * dtype.itemsize)
    whole = len(data) // dtype.itemsize * dtype.itemsize
    return np.frombuffer(data[:whole], dtype=dtype.base).reshape(-1, 2)


def _check_floats(samples: np.ndarray, shown: Path, datatype: str) -> None:
    finite = np.isfinite(samples).all(axis=1)
    if not finite.all():
        index = int(np.argmin(finite))
        real, imaginary = samples[index]
        raise InputError(
            f"{shown}: sample {index} is not finite ({real:g}, {imaginary:g}); its "
            f"datatype is not {datatype}, or it is damaged"
        )
    largest = float(np.abs(samples).max(initial=0.0))
    if largest > MAX_PLAUSIBLE:
        raise InputError(
            f"{shown}: samples reach {largest:.3g}, far above full scale (1.0); its datatype "
            f"is not {datatype}"
        )
