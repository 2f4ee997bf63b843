# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of complex samples, by SigMF's names and by those of other programs."""

from __future__ import annotations

import difflib
import re

import numpy as np

from ..errors import InputError

# SigMF core:datatype -> one complex sample as (real, imaginary). NumPy has no integers of three
# bytes, and SigMF no name for them: WAV files hold them
_COMPONENTS = {
    "cf32": "f4",
    "cf64": "f8",
    "ci16": "i2",
    "ci32": "i4",
    "cu16": "u2",
    "cu32": "u4",
    "ci24": "V3",
}
DATATYPES: dict[str, np.dtype] = {
    **{
        f"{name}_{order}": np.dtype(((code if code == "V3" else sign + code), (2,)))
        for order, sign in (("le", "<"), ("be", ">"))
        for name, code in _COMPONENTS.items()
    },
    "ci8": np.dtype(("i1", (2,))),
    "cu8": np.dtype(("u1", (2,))),
}
# What SoapySDR, UHD, gr-osmosdr, inspectrum, rtl_433, Universal Radio Hacker and NumPy say,
# without a byte order
_OTHER_NAMES = {
    "cf32": "fc32 f32 float float32 complex complex64 gr_complex cfile cplxf32",
    "cf64": "fc64 f64 double float64 complex128",
    "ci32": "cs32 sc32 s32 int32 i32 int",
    "ci24": "cs24 sc24 s24 int24 i24",
    "ci16": "cs16 sc16 s16 c16 int16 i16 short complex32s",
    "ci8": "cs8 sc8 s8 c8 int8 i8 char complex16s",
    "cu32": "uc32 u32 uint32",
    "cu16": "uc16 u16 uint16 ushort complex32u",
    "cu8": "uc8 u8 uint8 uchar byte complex16u",
}
ALIASES = {alias: name for name, others in _OTHER_NAMES.items() for alias in others.split()}


def datatype_of(named: object) -> str:
    """The key of :data:`DATATYPES` that a format's name means: SigMF's own, or another program's.

    Raises:
        InputError: it is none.
    """
    text = named.strip().lower() if isinstance(named, str) else ""
    base, order = re.fullmatch(r"(.*?)(?:_(le|be))?", text, re.DOTALL).groups()
    base = ALIASES.get(base, base)
    # the byte order of single bytes says nothing
    name = base if base in ("ci8", "cu8") else f"{base}_{order or 'le'}"
    if name in DATATYPES:
        return name
    if re.match(r"r[fiu]\d", text):
        advice = ", which is of real samples"
    else:
        close = difflib.get_close_matches(text, [*DATATYPES, *ALIASES], 1, 0.6)
        advice = f"; did you mean {_own_name(close[0])}?" if close else ""
    raise InputError(f"datatype: expected one of {', '.join(DATATYPES)}, got {named!r}{advice}")


def _own_name(name: str) -> str:
    return name if name in DATATYPES else datatype_of(name)


def sigmf_name(datatype: str) -> str:
    """A key of :data:`DATATYPES` as SigMF has it: of 24 bits, the next larger one."""
    return datatype.replace("ci24", "ci32")


def to_complex(data: bytes | np.ndarray, datatype: str) -> np.ndarray:
    """Stored samples as complex64 (n,), full scale 1.0, as the recording source plays them:
    unsigned values lie about the middle of their range.

    Args:
        data: bytes of whole samples.
        datatype: a key of :data:`DATATYPES`.
    """
    base = DATATYPES[datatype].base
    if base.kind == "V":
        parts = np.frombuffer(data, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(parts), 4), np.uint8)
        is_big = datatype.endswith("_be")
        wide[:, 1:] = parts[:, ::-1] if is_big else parts
        return (wide.view("<i4")[:, 0] / 2.0**31).astype(np.float32).view(np.complex64)
    raw = np.frombuffer(data, base)
    if base.kind == "f":
        return raw.astype(np.float32).view(np.complex64)
    full_scale = 2.0 ** (8 * base.itemsize - 1)
    centre = full_scale - 0.5 if base.kind == "u" else 0.0
    return ((raw - centre) / full_scale).astype(np.float32).view(np.complex64)
