# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample formats of recordings, and a first look at the samples before anything runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError

# SigMF core:datatype -> one complex sample as (real, imaginary)
_COMPONENTS = {"cf32": "f4", "cf64": "f8", "ci16": "i2", "ci32": "i4", "cu16": "u2", "cu32": "u4"}
DATATYPES: dict[str, np.dtype] = {
    **{
        f"{name}_{order}": np.dtype((sign + code, (2,)))
        for order, sign in (("le", "<"), ("be", ">"))
        for name, code in _COMPONENTS.items()
    },
    "ci8": np.dtype(("i1", (2,))),
    "cu8": np.dtype(("u1", (2,))),
}
FIRST_LOOK_SAMPLES = 1 << 16
CHUNK_SAMPLES = 1 << 20
# Full scale is 1; receivers that do not scale write up to 2^31. Bytes read as the wrong
# floating-point type reach far beyond
MAX_PLAUSIBLE = 1e12


def check_samples(data_path: Path, datatype: str, start_byte: int, num_samples: int) -> None:
    """Look at the first samples of a data file, at all of it while they do not change.

    Raises InputError: NaN or Inf, values no receiver writes, or one same value throughout.
    """
    dtype = DATATYPES[datatype]
    with open(data_path, "rb", buffering=0) as file:
        file.seek(start_byte)
        first = _read(file, dtype, min(FIRST_LOOK_SAMPLES, num_samples))
        if dtype.base.kind == "f":
            _check_floats(first, data_path, datatype)
        still = bool(len(first)) and bool((first == first[0]).all())
        left = num_samples - len(first)
        while still and left > 0:
            chunk = _read(file, dtype, min(CHUNK_SAMPLES, left))
            if not len(chunk):
                break
            still = bool((chunk == first[0]).all())
            left -= len(chunk)
    if still and num_samples > 1:
        what = "zero" if not first[0].any() else f"the same ({first[0][0]:g}, {first[0][1]:g})"
        raise InputError(
            f"{data_path}: all {num_samples} samples are {what}; there is no signal in it, "
            "check the receiver and record again"
        )


def read_iq(data_path: Path, datatype: str, start_byte: int, first: int, count: int) -> np.ndarray:
    """Samples of a data file as complex64 (count,), full scale 1.0, as the recording source
    plays them: unsigned values lie about the middle of their range.

    Args:
        data_path: the data file.
        datatype: a key of :data:`DATATYPES`.
        start_byte: where its samples begin.
        first: the first sample wanted.
        count: how many.

    Raises:
        InputError: the file ends before.
    """
    dtype = DATATYPES[datatype]
    raw = np.fromfile(data_path, dtype.base, 2 * count, offset=start_byte + first * dtype.itemsize)
    if len(raw) < 2 * count:
        raise InputError(
            f"{data_path}: expected {first + count} samples, got {first + len(raw) // 2}: it is "
            "truncated"
        )
    if dtype.base.kind == "f":
        return raw.astype(np.float32).view(np.complex64)
    full_scale = 2.0 ** (8 * dtype.base.itemsize - 1)
    centre = full_scale - 0.5 if dtype.base.kind == "u" else 0.0
    return ((raw - centre) / full_scale).astype(np.float32).view(np.complex64)


def _read(file, dtype: np.dtype, count: int) -> np.ndarray:
    """Up to ``count`` samples: (n, 2)."""
    data = file.read(count * dtype.itemsize)
    whole = len(data) // dtype.itemsize * dtype.itemsize
    return np.frombuffer(data[:whole], dtype=dtype.base).reshape(-1, 2)


def _check_floats(samples: np.ndarray, data_path: Path, datatype: str) -> None:
    finite = np.isfinite(samples).all(axis=1)
    if not finite.all():
        index = int(np.argmin(finite))
        real, imaginary = samples[index]
        raise InputError(
            f"{data_path}: sample {index} is not finite ({real:g}, {imaginary:g}); its "
            f"datatype is not {datatype}, or it is damaged"
        )
    largest = float(np.abs(samples).max(initial=0.0))
    if largest > MAX_PLAUSIBLE:
        raise InputError(
            f"{data_path}: samples reach {largest:.3g}, far above full scale (1.0); its datatype "
            f"is not {datatype}"
        )
