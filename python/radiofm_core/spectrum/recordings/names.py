# SPDX-License-Identifier: GPL-3.0-or-later
"""What the names that programs give to recordings tell of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from fractions import Fraction

from ..datatypes import datatype_of
from .facts import Facts, utc_seconds
from .suffixes import RAW_SUFFIXES, suffix_of, without_compression

_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEARS = range(1971, 2200)
_NUMBER = r"(?<![\d.])(\d+(?:\.\d+)?) ?([kMG]?)"

# gqrx: gqrx_20160101_231914_97700000_1920000_fc.raw
_GQRX = re.compile(r"gqrx_\d{8}_\d{6}_(\d+)_(\d+)_fc")
# rtl_433: g001_433.92M_250k.cu8
_RTL_433 = re.compile(r"(?:^|_)(\d+(?:\.\d+)?)([kMG])_(\d+(?:\.\d+)?)([kMG])(?=[_.]|$)")
# Universal Radio Hacker: RTL-SDR-20190101_120000-433_92MHz-1MSps-1MHz.complex16u
_URH_CENTER = re.compile(r"(?<=-)(\d+)_(\d+)([kMG])Hz(?=-)")
_URH_RATE = re.compile(r"(?<=-)(\d+)_(\d+)([kMG])Sps(?=-)", re.IGNORECASE)
# SDR#, HDSDR, SDRuno, SDR++, SDR Console, SatDump, and whoever writes units
_CENTER = re.compile(_NUMBER + r"Hz(?![a-z])", re.IGNORECASE)
_RATE = re.compile(_NUMBER + r"S/?ps(?![a-z])", re.IGNORECASE)
_DATATYPE = re.compile(r"(?:^|[_.\-])((?:c[fisu]|fc|sc)(?:8|16|32|64)(?:_[lb]e)?)(?=[_.\-]|$)")
# SatDump, where the name tells samples a second
_SATDUMP_SUFFIXES = {".s8": "ci8", ".s16": "ci16_le", ".f32": "cf32_le"}

# SDR#, HDSDR, SDRuno, AIRSPY, HackRF: 20160101_231914Z; gqrx (UTC) and URH (local) without the Z
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)[_T\-](\d\d)(\d\d)(\d\d)(?!\d)(Z?)")
# SDRangel: 2020-04-19T10_30_15_123, SatDump: 2022-05-22_19-13-39 (-123), both UTC
_DASHED = re.compile(
    r"(?<!\d)(\d{4})-(\d\d)-(\d\d)[T_](\d\d)[:_\-](\d\d)[:_\-](\d\d)(?:[._\-](\d{3})(?!\d))?"
)
# SDR++: 12-34-56_01-02-2023, local
_SDRPP = re.compile(r"(?<!\d)(\d\d?)-(\d\d)-(\d\d)_(\d\d?)-(\d\d?)-(\d{4})(?!\d)")
# SDR Console: 19-Jan-2020 175024.012, local
_CONSOLE = re.compile(r"(?<!\d)(\d\d)-([A-Za-z]{3})-(\d{4}) (\d\d)(\d\d)(\d\d)(?:\.(\d{3}))?(?!\d)")


def facts_of_name(name: str) -> Facts:
    """What a file's name tells: nothing is opened. A name that tells no time zone is read as of
    this host's."""
    name = without_compression(name)
    center, step = _center(name)
    time, is_local = _time(name)
    rate = _rate(name)
    return Facts(_datatype(name, rate), rate, center, time, step, is_local)


def _datatype(name: str, rate: float | None) -> str | None:
    suffix = suffix_of(name)
    if suffix in RAW_SUFFIXES:
        return RAW_SUFFIXES[suffix]
    if _GQRX.search(name):
        return "cf32_le"
    if rate is not None and suffix in _SATDUMP_SUFFIXES:
        return _SATDUMP_SUFFIXES[suffix]
    token = _DATATYPE.search(name)
    return datatype_of(token[1]) if token else None


def _rate(name: str) -> float | None:
    if found := _GQRX.search(name):
        return float(found[2])
    if found := _RTL_433.search(name):
        return float(found[3]) * _SCALES[found[4].lower()]
    if found := _URH_RATE.search(name):
        return float(f"{found[1]}.{found[2]}") * _SCALES[found[3].lower()]
    found = _RATE.search(name)
    return float(found[1]) * _SCALES[found[2].lower()] if found else None


def _center(name: str) -> tuple[float | None, float]:
    """Hz, and the smallest step that the name can tell."""
    if found := _GQRX.search(name):
        return float(found[1]), 1.0
    if found := _URH_CENTER.search(name):
        number, scale = f"{found[1]}.{found[2]}", _SCALES[found[3].lower()]
    elif found := _RTL_433.search(name) or _CENTER.search(name):
        number, scale = found[1], _SCALES[found[2].lower()]
    else:
        return None, 1.0
    decimals = len(number.partition(".")[2])
    return float(number) * scale, max(scale * 10.0**-decimals, 1.0)


def _time(name: str) -> tuple[Fraction | None, bool]:
    """Seconds since 1970, and whether the name tells them in a local time."""
    if found := _COMPACT.search(name):
        is_utc = bool(found[7]) or bool(_GQRX.search(name))
        return _seconds(found.groups()[:6], is_utc), not is_utc
    if found := _DASHED.search(name):
        return _seconds(found.groups(), True), False
    if found := _SDRPP.search(name):
        hour, minute, second, day, month, year = found.groups()
        return _seconds((year, month, day, hour, minute, second), False), True
    found = _CONSOLE.search(name)
    if found and found[2].lower() in _MONTHS:
        month = str(_MONTHS.index(found[2].lower()) + 1)
        return _seconds((found[3], month, found[1], *found.groups()[3:]), False), True
    return None, False


def _seconds(parts: tuple[str | None, ...], is_utc: bool) -> Fraction | None:
    """Of (year, month, day, hour, minute, second) and, if told, milliseconds."""
    year, month, day, hour, minute, second = (int(part or 0) for part in parts[:6])
    milliseconds = int(parts[6] or 0) if len(parts) > 6 else 0
    if year not in _YEARS:
        return None
    try:
        date = datetime(year, month, day, hour, minute, second, 1000 * milliseconds)
    except ValueError:
        return None
    return utc_seconds(date.replace(tzinfo=UTC) if is_utc else date)
