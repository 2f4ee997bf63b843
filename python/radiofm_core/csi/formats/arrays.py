# SPDX-License-Identifier: GPL-3.0-or-later
"""``.npz`` files with the packets as arrays: ``amplitude`` or ``csi``, and ``time_s``.

====================  =========================================================================
array                 what
====================  =========================================================================
``csi``               complex (packets, subcarriers[, antennas])
``amplitude``         or this: real, the same shape
``time_s``            (packets,) seconds, since 1970 or since any start
``subcarriers``       (subcarriers,) indices of 802.11, ascending; may be left out
``subcarrier_hz``     their spacing; 312500 if left out
====================  =========================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from zipfile import ZipFile

import numpy as np

from ...errors import InputError, reason_of
from .. import subcarriers
from ..capture import BAD_TIME, Tally
from ..clocks import ABSOLUTE_S, seconds_to_ns
from ..packet import CsiPacket

NAME = "NumPy archive"
ADVICE = "write it with numpy.savez('x.npz', csi=…, time_s=…)"

ZIP_MAGIC = b"PK\x03\x04"
# An archive that holds nothing
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
NPY_MAGIC = b"\x93NUMPY"
NPY_ADVICE = (
    "a .npy file holds one array and no times; save both with numpy.savez('x.npz', "
    "csi=array, time_s=times)"
)
# Seconds that 64-bit nanoseconds can tell
_TIME_LIMIT_S = 2**63 / 1e9
_MAX_ANTENNAS = 64
# Zeros take a thousandth of their memory in an archive
MAX_UNPACKED_BYTES = 1 << 30


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    return head[:4] in (ZIP_MAGIC, EMPTY_ZIP_MAGIC)


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a file.

    Args:
        file: at its beginning; all of it is read at once.
        tally: where packets without a usable time are counted.

    Raises:
        InputError: no such arrays, wrong shapes or types, pickled objects. The message does not
            name the file.
    """
    found = _load(file)
    values = _values(found)
    times = _numbers(found, "time_s", (len(values),))
    indices = _subcarriers(found, values.shape[1])
    spacing = float(_numbers(found, "subcarrier_hz", ())) if "subcarrier_hz" in found else None
    if spacing is not None and not 0 < spacing < 1e9:
        raise InputError(f"subcarrier_hz: expected a number above 0 Hz, got {spacing:g}")
    usable = np.isfinite(times) & (np.abs(times) < _TIME_LIMIT_S)
    absolute = bool(usable.any()) and float(np.median(times[usable])) >= ABSOLUTE_S
    for time_s, csi in zip(times.tolist(), values, strict=True):
        if not abs(time_s) < _TIME_LIMIT_S:
            tally.skip(BAD_TIME)
            continue
        yield CsiPacket(
            csi=np.ascontiguousarray(csi.T),
            subcarriers=indices,
            time_ns=seconds_to_ns(time_s),
            time_is_absolute=absolute,
            subcarrier_hz=spacing or subcarriers.SPACING_HZ,
        )


def _load(file: BinaryIO) -> dict[str, np.ndarray]:
    wanted = ("csi", "amplitude", "time_s", "subcarriers", "subcarrier_hz")
    try:
        with np.load(file, allow_pickle=False) as archive:
            names = list(archive.files)
            _check_size(archive.zip)
            found = {name: archive[name] for name in wanted if name in names}
        # A member that is no array comes as bytes
        found = {name: array for name, array in found.items() if isinstance(array, np.ndarray)}
    except InputError:
        raise
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise InputError(
                "its arrays are pickled objects, which can run code when loaded; if you trust it, "
                "load it with allow_pickle=True, make one array of numbers with "
                "numpy.stack(list(array)) and save that with numpy.savez"
            ) from error
        raise InputError(f"it is damaged ({reason_of(error)}); {ADVICE}") from error
    # zipfile, zlib and NumPy raise nearly every kind of exception on damage
    except Exception as error:
        raise InputError(f"it is damaged ({reason_of(error)}); {ADVICE}") from error
    missing = [name for name in ("csi", "time_s") if name not in found]
    if "amplitude" in found and "csi" in missing:
        missing.remove("csi")
    if missing:
        shown = ", ".join(map(repr, names[:8])) or "nothing"
        raise InputError(
            f"it holds {shown}, but no {' and no '.join(map(repr, missing))}; {ADVICE}"
        )
    return found


def _check_size(archive: ZipFile) -> None:
    size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_UNPACKED_BYTES:
        raise InputError(
            f"its arrays have {size} bytes, {MAX_UNPACKED_BYTES} at most can be read; save fewer "
            "packets per file"
        )


def _values(found: dict[str, np.ndarray]) -> np.ndarray:
    """complex64 or float32 (packets, subcarriers, antennas)."""
    name = "csi" if "csi" in found else "amplitude"
    values = found[name]
    if values.dtype.kind not in ("fiuc" if name == "csi" else "fiu"):
        raise InputError(f"{name}: expected numbers, got type {values.dtype}; {ADVICE}")
    if values.ndim not in (2, 3) or 0 in values.shape:
        raise InputError(
            f"{name}: expected shape (packets, subcarriers) or (packets, subcarriers, antennas), "
            f"got shape {values.shape}"
        )
    if values.ndim == 2:
        values = values[..., np.newaxis]
    if values.shape[2] > _MAX_ANTENNAS:
        raise InputError(
            f"{name}: expected shape (packets, subcarriers, antennas) with at most "
            f"{_MAX_ANTENNAS} antennas, got {values.shape[2]} antennas"
        )
    # What does not fit into 32 bits becomes infinite, and the packet is skipped for it
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.complex64 if values.dtype.kind == "c" else np.float32)


def _numbers(found: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """float64 of this shape."""
    array = found[name]
    if array.dtype.kind not in "fiu" or array.shape != shape:
        raise InputError(
            f"{name}: expected numbers of shape {shape}, got {array.dtype} of shape {array.shape}"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(np.float64)


def _subcarriers(found: dict[str, np.ndarray], count: int) -> np.ndarray:
    if "subcarriers" not in found:
        return subcarriers.usual_indices(count)
    return subcarriers.told_indices(_numbers(found, "subcarriers", (count,)))
