# SPDX-License-Identifier: GPL-3.0-or-later
"""What the packets of one stream hold of their layout, and the columns that come of it."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .carriers import PACKETS, without_channel
from .channels import Channel, FilledChannel
from .columns import SubcarrierMap, usable
from .packet import CsiPacket
from .spec import CsiSpec

# Packets that wait are PACKETS, or fewer of so many bytes
_MOST_BYTES = 4_000_000
# Subcarriers that are named in a line
_NAMED = 8


class StreamLayout:
    """The columns of one stream: at first as its layout says, then as its packets do.

    ``to_columns``: the map. ``problem``: why there is none, in one line, or "". ``found``: lines
    on what the layout does not say.

    Args:
        packet: a packet of the stream.
        spec: the windows' definition.
        filled, channel: of a layout wider than 20 MHz: what finds the part of it that packets
            fill, and which one these do (None: all of it).

    Raises:
        InputError: the layout does not cover the spec's frequencies.
    """

    def __init__(
        self,
        packet: CsiPacket,
        spec: CsiSpec,
        filled: FilledChannel | None = None,
        channel: Channel | None = None,
    ):
        self._subcarriers, self._subcarrier_hz = packet.subcarriers, packet.subcarrier_hz
        self._spec = spec
        self._filled, self._channel = filled, channel
        self.to_columns = self._map(channel)
        self.problem = ""
        self.found: list[str] = []

    def is_enough(self, packets: list[CsiPacket]) -> bool:
        """Whether a stream's first packets tell what they hold."""
        return len(packets) >= PACKETS or len(packets) * packets[-1].csi.nbytes >= _MOST_BYTES

    def learn(self, packets: list[CsiPacket]) -> None:
        """Choose the columns by what a stream's first packets hold."""
        csi = np.stack([packet.csi for packet in packets])
        self.problem, self.found = "", []
        channels = [self._channel]
        for channel in channels:
            left_out = self._left_out(csi, channel)
            try:
                self.to_columns = self._map(channel, left_out)
            except InputError as error:
                self.problem = self.problem or f"{self._left_out_words(left_out, channel)}{error}"
                if len(channels) == 1 and self._filled is not None:
                    # such as 40 MHz of two equal halves, which leave the middle empty
                    channels += self._filled.inside(self._channel, csi)
                continue
            self.problem = ""
            self._tell(channel, left_out)
            return

    def _map(self, channel: Channel | None, left_out: np.ndarray | None = None) -> SubcarrierMap:
        place = _place(channel)
        return SubcarrierMap(
            self._subcarriers, self._subcarrier_hz, self._spec, *place, left_out=left_out
        )

    def _left_out(self, csi: np.ndarray, channel: Channel | None) -> np.ndarray:
        used = usable(self._subcarriers, self._subcarrier_hz, *_place(channel))
        left_out = np.zeros(csi.shape[-1], bool)
        left_out[used] = without_channel(
            csi[..., used], self._subcarriers[used], self._subcarrier_hz
        )
        return left_out

    def _tell(self, channel: Channel | None, left_out: np.ndarray) -> None:
        if channel is not None:
            self.found.append(
                f"packets fill {channel.words} of {self._filled.width_hz / 1e6:g} MHz: windows are "
                "of these"
                if channel == self._channel
                else f"packets leave the middle empty: windows are of the {channel.words}"
            )
        if words := self._left_out_words(left_out, channel):
            self.found.append(f"{words}they are interpolated")

    def _left_out_words(self, left_out: np.ndarray, channel: Channel | None) -> str:
        """Of those within the windows' span, counted from its middle."""
        centre_hz, _ = _place(channel)
        indices = self._subcarriers[left_out] - round(centre_hz / self._subcarrier_hz)
        indices = indices[np.abs(indices) * self._subcarrier_hz <= self._spec.span_hz / 2]
        if not indices.size:
            return ""
        named = ", ".join(map(str, indices[:_NAMED].tolist()))
        more = ", …" if indices.size > _NAMED else ""
        what = "1 subcarrier holds" if indices.size == 1 else f"{indices.size} subcarriers hold"
        return f"{what} no channel ({named}{more}): "


def _place(channel: Channel | None) -> tuple[float, float]:
    return (channel.centre_hz, channel.width_hz) if channel else (0.0, 0.0)
