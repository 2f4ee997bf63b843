# SPDX-License-Identifier: GPL-3.0-or-later
"""ESP32: lines of ``.csv`` as esp-csi and the ESP32-CSI-Tool print them, from a file or live.

Both begin a line with ``CSI_DATA`` and end it with the buffer's numbers in brackets. esp-csi
separates those by commas and names the buffer's first word invalid where it is; the
ESP32-CSI-Tool separates them by blanks and prints 128 of them at most. A line of column names may
come first; without one the number of columns tells which program wrote the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ..capture import Tally
from ..clocks import MicrosecondClock, seconds_to_ns
from ..mac_header import MAC_TEXT
from ..packet import CsiPacket
from .esp32_layout import ABOVE, BELOW, NONE, Part, esp32_parts, esp32c5_parts

NAME = "ESP32"
ADVICE = "log the lines that begin with CSI_DATA, whole"

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
_NEEDED = {"mac", "rssi", "local_timestamp", "len"}
_DAMAGED = "damaged line"


class LineParser:
    """Reads lines one by one; it remembers the column names and runs the chip's clock on."""

    def __init__(self, tally: Tally):
        self._tally = tally
        self._columns: list[str] | None = None
        self._clock = MicrosecondClock()

    def parse(self, line: bytes) -> CsiPacket | None:
        """The packet of a line, or None: a line of something else, or one that is counted.

        Args:
            line: with or without its line end; what comes before ``CSI_DATA`` is left out.
        """
        text = line[:MAX_LINE_BYTES].decode("latin-1").strip()
        if text.startswith("type,"):
            self._columns = _header_columns(text)
            return None
        _, mark, rest = text.partition(MARK.decode())
        if not mark:
            return None
        before, bracket, numbers = rest.partition("[")
        numbers, closing, _ = numbers.partition("]")
        if not (bracket and closing):
            self._tally.skip("line that is cut off")
            return None
        try:
            return self._packet(before, numbers)
        except (KeyError, ValueError, OverflowError):
            self._tally.skip(_DAMAGED)
            return None

    def _packet(self, before: str, numbers: str) -> CsiPacket | None:
        values = [MARK.decode(), *before.strip('", ').split(",")]
        columns = self._columns
        if columns is None or len(columns) != len(values):
            columns = _BY_COUNT.get(len(values))
            if columns is None:
                self._tally.skip(f"line of {len(values)} columns, which no known program prints")
                return None
        of = dict(zip(columns, values, strict=True))
        buffer = _buffer(numbers)
        part = _choose(of, buffer)
        if part is None:
            self._tally.skip(f"line with a buffer of {int(of['len'])} bytes, which fits no packet")
            return None
        self._tally.chip = _program(columns)
        pairs = buffer[: len(buffer) // 2 * 2].reshape(-1, 2)[part.places]
        csi = np.ascontiguousarray(pairs[:, ::-1], np.float32).view(np.complex64)[:, 0]
        time_ns, absolute = self._time(of)
        mac = of["mac"].strip().lower()
        return CsiPacket(
            csi=csi[np.newaxis],
            subcarriers=part.subcarriers,
            time_ns=time_ns,
            time_is_absolute=absolute,
            rssi_dbm=float(int(of["rssi"])),
            mac=mac if MAC_TEXT.fullmatch(mac) else None,
            subcarrier_hz=part.subcarrier_hz,
        )

    def _time(self, of: dict[str, str]) -> tuple[int, bool]:
        """(ns, since 1970?): the clock that was set if there is one, else the radio's."""
        if of.get("real_time_set", "0").strip() == "1":
            return seconds_to_ns(float(of["real_timestamp"])), True
        return self._clock.nanoseconds(int(of["local_timestamp"])), False


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    return MARK in head or (head.startswith(b"type,") and b"local_timestamp" in head)


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a file; it may hold other lines of a log as well.

    ``time_ns`` is since 1970 where the ESP32's clock was set (ESP32-CSI-Tool), else the radio's
    microsecond clock since any start.

    Args:
        file: at its beginning.
        tally: where the program that wrote it and skipped lines are noted.
    """
    parser = LineParser(tally)
    while line := file.readline(MAX_LINE_BYTES):
        packet = parser.parse(line)
        if packet is not None:
            yield packet


def _header_columns(text: str) -> list[str] | None:
    """The names of a header line without the last one, the buffer's; None if some are missing."""
    columns = [name.strip() for name in text.split(",")][:-1]
    return columns if set(columns) >= _NEEDED else None


def _program(columns: list[str]) -> str:
    if "real_time_set" in columns:
        return "ESP32-CSI-Tool"
    return "esp-csi" if "sig_mode" in columns else "esp-csi (C5, C6)"


def _buffer(numbers: str) -> np.ndarray:
    """int16 (n,): signed bytes; some programs print them as 0…255."""
    buffer = np.array(numbers.replace(",", " ").split(), dtype=np.int16)
    if not ((buffer >= -128) & (buffer <= 255)).all():
        raise ValueError("not bytes")
    return np.where(buffer > 127, buffer - 256, buffer)


def _choose(of: dict[str, str], buffer: np.ndarray) -> Part | None:
    """The best part that is in the buffer whole, without a subcarrier in its invalid word."""
    nbytes = int(of["len"])
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
    whole = [part for part in parts if part.places.max() < len(buffer) // 2]
    if not whole:
        return None
    part = whole[0]
    # The ESP32-CSI-Tool is for the ESP32, whose first word is always invalid, and does not say so
    if int(of.get("first_word", "1")) == 0:
        return part
    valid = part.places >= 2
    return Part(part.places[valid], part.subcarriers[valid], part.subcarrier_hz)
