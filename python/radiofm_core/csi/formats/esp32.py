# SPDX-License-Identifier: GPL-3.0-or-later
"""ESP32: lines of ``.csv`` as esp-csi and the ESP32-CSI-Tool print them, from a file or live.

Both begin a line with ``CSI_DATA`` and end it with the buffer's numbers in brackets. esp-csi
separates those by commas and names the buffer's first word invalid where it is; the
ESP32-CSI-Tool separates them by blanks and prints 128 of them at most. A line of column names may
come first: then it tells the columns, whatever their order, and lines need no ``CSI_DATA``. So do
columns that are written as ``name=value``. Without either, or where the names are another
program's, the number of columns tells which program wrote the line, and the buffer is the last.

Windows PowerShell redirects lines as UTF-16. Of such a file the zero bytes are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ..capture import Tally
from ..clocks import MicrosecondClock, seconds_to_ns
from ..mac_header import MAC_TEXT
from ..packet import CsiPacket
from ..subcarriers import SPACING_HZ
from .esp32_faults import REPEATED, Repeats, TwelveBits
from .esp32_layout import (
    ABOVE,
    BELOW,
    NONE,
    TWELVE_BIT_BYTES,
    Part,
    esp32_parts,
    esp32c5_parts,
    esp32c6_part,
    twelve_bit_estimate,
)

NAME = "ESP32"
ADVICE = "log complete lines that begin with CSI_DATA"
# Where packets are left out for this reason above all
ADVICE_OF = {
    REPEATED: "the firmware repeats one estimate; update ESP-IDF, on a C5 or C6 set "
    "lltf_bit_mode = 1 (8 bits) in wifi_csi_acquire_config_t and record again",
}

MARK = b"CSI_DATA"
# A buffer has 612 numbers at most, of four characters and a separator
MAX_LINE_BYTES = 8192

_SENDER = "type,role,mac,rssi,rate,"
_PHY = (
    "sig_mode,mcs,bandwidth,smoothing,not_sounding,aggregation,stbc,fec_coding,sgi,noise_floor,"
    "ampdu_cnt,channel,secondary_channel,local_timestamp,ant,sig_len,rx_state,"
)
# The ESP32-CSI-Tool; esp-csi; esp-csi on an ESP32-C5 or C6
_COLUMNS = (
    _SENDER + _PHY + "real_time_set,real_timestamp,len",
    _SENDER + _PHY + "len,first_word",
    _SENDER
    + "noise_floor,fft_gain,agc_gain,channel,local_timestamp,sig_len,rx_state,len,first_word",
)
_BY_COUNT = {text.count(",") + 1: text.split(",") for text in _COLUMNS}
# Other names of columns, by program
_NAMES = {
    "cwb": "bandwidth",
    "channel_secondary": "secondary_channel",
    "first_word_invalid": "first_word",
    "timestamp_us": "local_timestamp",
    "src_mac": "mac",
    "channel_number": "channel",
}
_BUFFER_NAMES = ("data", "csi_data", "csi", "buf", "csi_buf")
_BYTE_ORDER_MARKS = b"\xff\xfe\xef\xbb\xbf"
# Packets that a file's reader holds back until it has seen an estimate change
_MOST_HELD = 256
_DAMAGED = "damaged line"
# The names from ``type`` on; a log's own words can come before them
_HEADER = re.compile(r"(?<!\w)type,\w.*,.*")
# A line of names of any order has the buffer's, and two others of these at least
_TIME = "local_timestamp"
_TELLING = {"type", "mac", "rssi", "rate", "channel", "len", "noise_floor", _TIME}
_LEAST_TELLING = 2
_NAMED = re.compile(r"\s*(\w+)\s*=(.*)", re.DOTALL)


class LineParser:
    """Reads lines one by one; it remembers the column names and runs the chip's clock on."""

    def __init__(self, tally: Tally):
        self._tally = tally
        self._columns: _Columns | None = None
        self._clock = MicrosecondClock()
        # whether the last packet's line told a time
        self.has_clock = True
        self._is_twelve_bits = TwelveBits()
        self.repeats = Repeats()

    def parse(self, line: bytes) -> CsiPacket | None:
        """The packet of a line, or None: a line of something else, or one that is counted.

        Args:
            line: with or without its line end; what comes before ``CSI_DATA`` is left out.
        """
        line = line.replace(b"\0", b"").lstrip(_BYTE_ORDER_MARKS)
        text = line[:MAX_LINE_BYTES].decode("latin-1").strip()
        if "[" not in text and (columns := _header_columns(text)):
            self._columns = columns
            return None
        start, mark, rest = text.partition(MARK.decode())
        # by its header a line may have the mark behind the buffer, or none
        is_marked = bool(mark) and ("[" in rest or self._columns is None)
        if not is_marked and (self._columns is None or "[" not in text):
            if mark:
                self._tally.skip("line that is cut off")
            return None
        before, bracket, numbers = (rest if is_marked else text).partition("[")
        numbers, closing, after = numbers.partition("]")
        if not (bracket and closing):
            self._tally.skip("line that is cut off")
            return None
        if is_marked and self._columns is not None:
            before = self._columns.with_what_is_before(start, before)
        try:
            return self._packet(before, numbers, after)
        except KeyError as error:
            self._tally.skip(f"line without the column {error.args[0]}")
        except (ValueError, OverflowError):
            self._tally.skip(_DAMAGED)
        return None

    def _packet(self, before: str, numbers: str, after: str) -> CsiPacket | None:
        of = self._values(before, after)
        if of is None:
            return None
        buffer = _buffer(numbers)
        nbytes = int(of.get("len", len(buffer)))
        if "sig_mode" not in of and self._is_twelve_bits(buffer):
            if not len(buffer) == nbytes == TWELVE_BIT_BYTES:
                self._tally.skip(f"estimate of 12 bits in {nbytes} bytes, an unknown layout")
                return None
            csi, indices = twelve_bit_estimate(buffer)
            spacing = SPACING_HZ
        else:
            part = _choose(of, buffer, nbytes)
            if part is None:
                self._tally.skip(
                    f"line with a buffer of {nbytes} bytes, which no packet format has"
                )
                return None
            pairs = buffer[: len(buffer) // 2 * 2].reshape(-1, 2)[part.places]
            csi = np.ascontiguousarray(pairs[:, ::-1], np.float32).view(np.complex64)[:, 0]
            indices, spacing = part.subcarriers, part.subcarrier_hz
        self._tally.chip = _program(of)
        time_ns, absolute = self._time(of)
        mac = of.get("mac", "").strip().lower()
        # one that was not estimated, all zero, is told of as such
        if csi.any() and self.repeats(mac, csi):
            self._tally.skip(REPEATED)
            return None
        return CsiPacket(
            csi=csi[np.newaxis],
            subcarriers=indices,
            time_ns=time_ns,
            time_is_absolute=absolute,
            rssi_dbm=float(int(of["rssi"])) if "rssi" in of else None,
            mac=mac if MAC_TEXT.fullmatch(mac) else None,
            subcarrier_hz=spacing,
            channel=int(of["channel"]) if "channel" in of else None,
        )

    def _values(self, before: str, after: str) -> dict[str, str] | None:
        """A line's values by column; None if no columns are known for so many."""
        values = before.replace('"', "").split(",")
        if not values[-1].strip() and (len(values) > 1 or self._has_first_buffer()):
            del values[-1]
        if (named := _named(values)) is not None:
            return named | (_named(after.replace('"', "").split(",")) or {})
        columns = self._columns
        if columns is not None and len(columns.before) == len(values):
            rest = after.replace('"', "").split(",")[1:]
            return dict(zip(columns.before, values, strict=True)) | dict(
                zip(columns.after, rest, strict=False)
            )
        known = _BY_COUNT.get(len(values))
        if known is None:
            self._tally.skip(f"line of {len(values)} columns, an unknown format")
            return None
        return dict(zip(known, values, strict=True))

    def _has_first_buffer(self) -> bool:
        return self._columns is not None and not self._columns.before

    def _time(self, of: dict[str, str]) -> tuple[int, bool]:
        """(ns, since 1970?): the clock that was set if there is one, else the radio's, else 0."""
        self.has_clock = _TIME in of or of.get("real_time_set", "0").strip() == "1"
        if not self.has_clock:
            return 0, False
        if of.get("real_time_set", "0").strip() == "1":
            return seconds_to_ns(float(of["real_timestamp"])), True
        return self._clock.nanoseconds(int(of[_TIME])), False


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    head = head.replace(b"\0", b"").lstrip(_BYTE_ORDER_MARKS)
    if MARK in head:
        return True
    first = head[:MAX_LINE_BYTES].split(b"\n")[0].decode("latin-1")
    return "[" not in first and _header_columns(first.strip()) is not None


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a file; it may hold other lines of a log as well.

    ``time_ns`` is since 1970 where the ESP32's clock was set (ESP32-CSI-Tool), else the radio's
    microsecond clock since any start, or 0 where lines tell no time.

    Args:
        file: at its beginning.
        tally: where the program that wrote it and skipped lines are noted.
    """
    parser = LineParser(tally)
    # of a file in which the estimate never changes not even the first packets are of use
    held: list[CsiPacket] = []
    while line := file.readline(MAX_LINE_BYTES):
        packet = parser.parse(line)
        if packet is None:
            continue
        held.append(packet)
        if parser.repeats.has_changed or len(held) > _MOST_HELD:
            yield from held
            held.clear()
    if parser.repeats.has_repeated and not parser.repeats.has_changed:
        tally.skip(REPEATED, len(held))
        return
    yield from held


@dataclass(frozen=True)
class _Columns:
    """The names of a header line: those before the buffer's and after it."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    def with_what_is_before(self, start: str, before: str) -> str:
        """The values before the buffer of a line with the mark, which is its ``type``: ``start`` is
        what is before the mark, a log's own words or columns."""
        count = self.before.index("type") if "type" in self.before else 0
        return ",".join([*start.split(",")[-count - 1 : -1], before]) if count else before


def _header_columns(text: str) -> _Columns | None:
    """The columns of a header line; None if it is none."""
    text = text.replace('"', "")
    found = _HEADER.search(text)
    names = _names(text)
    if found is not None and "type" not in names:
        names = _names(found[0])
    is_buffer = [name.lower() in _BUFFER_NAMES for name in names]
    telling = _TELLING & set(names)
    if found is None and not (any(is_buffer) and len(telling) >= _LEAST_TELLING):
        return None
    # a log can have words that look like it
    if found is not None and found.start() and not (any(is_buffer) or _TIME in telling):
        return None
    # The last one, if none is called so
    place = is_buffer.index(True) if any(is_buffer) else len(names) - 1
    return _Columns(tuple(names[:place]), tuple(names[place + 1 :]))


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    return [_NAMES.get(name, name) for name in names]


def _named(values: list[str]) -> dict[str, str] | None:
    """Values by name, of ``name=value``; None where they are not written so."""
    found = [_NAMED.fullmatch(value) for value in values]
    pairs = {match[1]: match[2] for match in found if match is not None}
    # what the mark and the buffer leave is empty
    if not pairs or any(m is None and v.strip() for m, v in zip(found, values, strict=True)):
        return None
    return {_NAMES.get(name, name): value for name, value in pairs.items()}


def _program(of: dict[str, str]) -> str:
    if "real_time_set" in of:
        return "ESP32-CSI-Tool"
    return "esp-csi" if "sig_mode" in of else "esp-csi (C5, C6)"


def _buffer(numbers: str) -> np.ndarray:
    """int16 (n,): signed bytes; some programs print them as 0…255."""
    buffer = np.array(numbers.replace(",", " ").split(), dtype=np.int16)
    if not ((buffer >= -128) & (buffer <= 255)).all():
        raise ValueError("not bytes")
    return np.where(buffer > 127, buffer - 256, buffer)


def _choose(of: dict[str, str], buffer: np.ndarray, nbytes: int) -> Part | None:
    """The best part that is in the buffer whole, without a subcarrier in its invalid word."""
    if not 0 <= nbytes <= MAX_LINE_BYTES:
        raise ValueError("no length of a buffer")
    if "sig_mode" in of:
        secondary = int(of["secondary_channel"])
        if secondary not in (NONE, ABOVE, BELOW):
            return None
        ht, wide, stbc = (int(of[key]) > 0 for key in ("sig_mode", "bandwidth", "stbc"))
        parts = esp32_parts(secondary, ht, wide, stbc, nbytes)
    else:
        # No column tells of a secondary channel; where the zero at DC is shows the order
        middle = nbytes // 4
        parts = esp32c5_parts(nbytes, bool(buffer[2 * middle : 2 * middle + 2].any()))
        if not parts and len(buffer) == nbytes and (part := esp32c6_part(buffer)):
            parts = (part,)
    whole = [part for part in parts if part.places.max() < len(buffer) // 2]
    if not whole:
        return None
    part = whole[0]
    # The ESP32-CSI-Tool is for the ESP32, whose first word is always invalid, and does not say so
    if int(of.get("first_word", "1")) == 0:
        return part
    valid = part.places >= 2
    return Part(part.places[valid], part.subcarriers[valid], part.subcarrier_hz)
