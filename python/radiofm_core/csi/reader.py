# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening files of CSI: the format is found from the content, the packets are read one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from ..errors import InputError
from ..input_path import input_path
from .capture import ZERO_CSI, CsiCapture, Tally
from .formats import (
    arrays,
    atheros,
    esp32,
    feitcsi,
    intel5300,
    matlab,
    nexmon,
    pcap,
    picoscenes,
    table,
)
from .packet import CsiPacket
from .placing import Placing, checked_rate

# Those with a magic number first; an Atheros header is the weakest sign of all
FORMATS = (arrays, matlab, nexmon, picoscenes, esp32, table, feitcsi, intel5300, atheros)
_WHAT = "a file of CSI"
_HEAD_BYTES = 1 << 16


class CsiReader:
    """A file of CSI, to be read once: iterate over it.

    ``path`` and ``format`` are known from the start; ``tally`` keeps the account while packets
    are read (:class:`Tally`), and ``placing`` tells how packets without times got them
    (:class:`.placing.Placing`).
    """

    def __init__(self, path: Path, module: ModuleType, packet_rate: float | None = None):
        self.path = path
        self.format: str = module.NAME
        self.tally = Tally()
        self.placing = Placing(packet_rate)
        self._module = module

    def __iter__(self) -> Iterator[CsiPacket]:
        """The packets, in the order in which they were received.

        Raises:
            InputError: at the end, if there was none that can be used; at the first packet, if they
                have no times and no rate is known; anywhere, if the file cannot be read on.
        """
        self.tally = Tally()
        self.placing = Placing(self.placing.packet_rate)
        try:
            with self.path.open("rb") as file:
                found = filter(self.tally.accept, self._module.read(file, self.tally))
                yield from self.placing.place(found)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from error
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if not self.tally.packets:
            raise InputError(self._nothing())

    def _nothing(self) -> str:
        skipped = self.tally.skipped
        what = f"{self.path} ({self.format}): "
        if set(skipped) == {ZERO_CSI}:
            return (
                f"{what}the CSI of all {skipped[ZERO_CSI]} packets is zero, so the receiver did "
                f"not estimate the channel; {self._module.ADVICE}"
            )
        found = f"no packet can be used ({self.tally.summary()})" if skipped else "no packet found"
        # what most packets have in common decides on the advice, where a format has one for it
        most = max(skipped, key=skipped.__getitem__, default="")
        advice = getattr(self._module, "ADVICE_OF", {}).get(most, self._module.ADVICE)
        return f"{what}{found}; {advice}"


def open_csi(path: str | os.PathLike, packet_rate: float | None = None) -> CsiReader:
    """Open a file of CSI to read its packets one by one, whatever its size.

    Args:
        path: Intel 5300 or Atheros ``.dat``, nexmon ``.pcap``, PicoScenes or FeitCSI ``.csi``,
            ESP32 ``.csv``, ``.npz``, or a table of amplitudes, ``.mat`` or ``.csv``; its content
            counts, not its name.
        packet_rate: packets per second, for packets without times.

    Raises:
        InputError: it cannot be read, is empty, or is none of these; in one line.
        UsageError: the rate is no number above 0.
    """
    packet_rate = checked_rate(packet_rate)
    path = input_path(path, _WHAT, "File")
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; give {_WHAT}")
        if not path.exists():
            raise InputError(f"{path} does not exist; check the path")
        if not path.is_file():
            raise InputError(f"{path} is not a plain file; record to a file first")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise InputError(f"{str(path)!r} is not a valid path ({error})") from error
    if not head:
        raise InputError(f"{path} is empty (0 bytes); record it again")
    for module in FORMATS:
        if module.sniff(head):
            return CsiReader(path, module, packet_rate)
    raise InputError(f"{path}: {_unknown(head)}")


def read_csi(path: str | os.PathLike, packet_rate: float | None = None) -> CsiCapture:
    """Read a file of CSI whole.

    Args:
        path, packet_rate: as for :func:`open_csi`.

    Raises:
        InputError: as :func:`open_csi`, or no packet in it can be used.
        UsageError: as :func:`open_csi`.
    """
    reader = open_csi(path, packet_rate)
    packets = tuple(reader)
    tally = reader.tally
    return CsiCapture(
        path=reader.path,
        format=reader.format,
        chip=tally.chip,
        packets=packets,
        skipped=dict(tally.skipped),
        steps_back=tally.steps_back,
    )


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path}: cannot be read ({error.strerror or error}); check the path and its rights"
    )


def _unknown(head: bytes) -> str:
    if head.startswith(arrays.NPY_MAGIC):
        return arrays.NPY_ADVICE
    if head.startswith(pcap.PCAPNG_MAGIC):
        return "it is a pcapng capture; convert it: tcpdump -r FILE -w FILE.pcap"
    names = ", ".join(module.NAME for module in FORMATS)
    return (
        f"unknown format (it begins with {head[:8].hex(' ')}); expected a complete file of {names}"
    )
