# SPDX-License-Identifier: GPL-3.0-or-later
"""A room with a walking person, as Wi-Fi receivers measure it: the truth that windows are held to.

The channel is a sum of paths, exp(-2 pi i (f_c + f) length / c) each: some fixed ones and the
body's, whose length changes at up to twice the walking speed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from radiofm_core.csi import subcarriers as tables
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.subcarriers import SPACING_HZ

LIGHT_M_S = 299_792_458.0

LAYOUTS = {
    "legacy": tables.NON_HT_20,
    "ht20": tables.HT_20,
    "bins64": tables.usual_indices(64),
    "ht40": tables.HT_40,
    "vht80": tables.VHT_80,
    "intel20": tables.INTEL_5300_20,
    "intel40": tables.INTEL_5300_40,
}
# Of which windows hold another part than the middle
HALVES = {"vht160": tables.VHT_160}


@dataclass(frozen=True)
class Room:
    """Fixed paths of up to 80 ns, and a body that walks back and forth (``speed`` m/s)."""

    seed: int = 0
    speed: float = 1.0
    body: float = 0.16
    carrier_hz: float = 2.437e9
    antennas: int = 1

    def channel(self, time_s: np.ndarray, subcarriers: np.ndarray) -> np.ndarray:
        """complex128 (time, antennas, subcarriers), without noise."""
        rng = np.random.default_rng(self.seed)
        lengths = np.r_[4.0, 5.0 + rng.uniform(0.0, 20.0, 8)]
        strengths = np.r_[1.0, 0.5 * np.exp(-(lengths[1:] - 4.0) / 6.0) * rng.uniform(0.5, 1.0, 8)]
        frequencies = self.carrier_hz + subcarriers * SPACING_HZ
        wave = 2 * np.pi * frequencies / LIGHT_M_S
        total = np.zeros((len(time_s), self.antennas, len(subcarriers)), complex)
        # half a wavelength between antennas; each path has its angle of arrival
        element = np.arange(self.antennas) * LIGHT_M_S / self.carrier_hz / 2
        for length, strength in zip(lengths, strengths, strict=True):
            path = length + element * np.sin(rng.uniform(-1.2, 1.2))
            total += strength * np.exp(-1j * path[:, None] * wave)
        # torso and limbs: the walk turns round every two seconds, the limbs swing at 2 Hz
        walked = self.speed * 2 / np.pi * np.sin(np.pi * time_s / 2)
        for part in range(3):
            swing = 0.05 * part * self.speed * np.sin(4 * np.pi * time_s + part)
            path = 9.0 + part + 2 * walked + swing
            path = path[:, None] + element * np.sin(rng.uniform(-1.2, 1.2))
            strength = self.body / (1 + part)
            total += strength * np.exp(-1j * path[..., None] * wave)
        return total


@dataclass(frozen=True)
class Receiver:
    """How the packets come: rhythm, losses, noise, gain. dB are of amplitude (20 log10)."""

    rate_hz: float = 100.0
    jitter_s: float = 2e-3
    loss: float = 0.1
    snr_db: float = 30.0
    layout: str = "ht20"
    gain_steps_db: tuple[float, ...] = ()
    seed: int = 1
    amplitude_only: bool = False

    def times(self, duration_s: float) -> np.ndarray:
        """float64 s, ascending, from 0 on."""
        rng = np.random.default_rng(self.seed)
        times = np.arange(0.0, duration_s, 1 / self.rate_hz)
        times[1:] += rng.uniform(-self.jitter_s, self.jitter_s, len(times) - 1)
        kept = rng.random(len(times)) >= self.loss
        kept[[0, -1]] = True
        return np.sort(times[kept])

    def packets(self, room: Room, duration_s: float) -> list[CsiPacket]:
        """What it hears of ``room``."""
        times = self.times(duration_s)
        rng = np.random.default_rng(self.seed + 1000)
        subcarriers = (LAYOUTS | HALVES)[self.layout]
        csi = room.channel(times, subcarriers)
        noise = rng.standard_normal((2, *csi.shape)) / np.sqrt(2)
        level = np.sqrt(np.mean(np.abs(csi) ** 2))
        csi = csi + (noise[0] + 1j * noise[1]) * level * 10 ** (-self.snr_db / 20)
        # each packet has a phase and a delay of its own
        phase = rng.uniform(0, 2 * np.pi, len(times))
        delay = rng.uniform(-100e-9, 100e-9, len(times))
        slope = np.exp(-2j * np.pi * delay[:, None] * subcarriers * SPACING_HZ)
        csi = csi * (np.exp(1j * phase)[:, None] * slope)[:, None]
        csi = csi * 10 ** (self.gain_db(times, duration_s) / 20)[:, None, None]
        values = np.abs(csi).astype(np.float32) if self.amplitude_only else csi.astype(np.complex64)
        return [
            CsiPacket(value, subcarriers.astype(np.int16), round(time_s * 1e9))
            for value, time_s in zip(values, times, strict=True)
        ]

    def gain_db(self, times: np.ndarray, duration_s: float) -> np.ndarray:
        """The steps, at random times in even parts of the duration."""
        rng = np.random.default_rng(self.seed + 2000)
        when = np.arange(len(self.gain_steps_db)) + rng.uniform(0.1, 0.9, len(self.gain_steps_db))
        when *= duration_s / max(len(self.gain_steps_db), 1)
        total = np.zeros(len(times))
        for db, at in zip(self.gain_steps_db, when, strict=True):
            total += db * (times >= at)
        return total


def truth(room: Room, spec, start_s: float) -> np.ndarray:
    """float64 (rows, columns, antennas): a window's amplitudes, sampled exactly, median 1."""
    times = start_s + np.arange(spec.rows) / spec.rate_hz
    indices = spec.frequencies_hz / SPACING_HZ
    amplitude = np.abs(room.channel(times, indices)).transpose(0, 2, 1)
    return amplitude / np.median(amplitude.mean(axis=(1, 2)))


def without(packets: list[CsiPacket], start_s: float, end_s: float) -> list[CsiPacket]:
    """The packets outside a span of time."""
    return [p for p in packets if not start_s <= p.time_ns * 1e-9 < end_s]


def changed(packet: CsiPacket, **fields) -> CsiPacket:
    """A packet with other fields."""
    return replace(packet, **fields)


# What receivers do to the estimates: of all packets of one stream, alike for their antennas


def in_part(
    packets: list[CsiPacket], indices: np.ndarray, empty_db: float = -30.0, seed: int = 3
) -> list[CsiPacket]:
    """Packets that fill some of a capture's subcarriers; in the others is noise, so much weaker."""
    rng = np.random.default_rng(seed)
    is_empty = ~np.isin(packets[0].subcarriers, indices)
    return [_with(packet, is_empty, _noise(packet, rng, empty_db)) for packet in packets]


def with_empty(
    packets: list[CsiPacket], indices, level_db: float = -np.inf, seed: int = 3
) -> list[CsiPacket]:
    """Subcarriers that carry nothing: zero, or noise of a level relative to the others."""
    rng = np.random.default_rng(seed)
    where = np.isin(packets[0].subcarriers, indices)
    return [_with(packet, where, _noise(packet, rng, level_db)) for packet in packets]


def with_leakage(packets: list[CsiPacket], indices, level_db: float = -20.0) -> list[CsiPacket]:
    """Subcarriers that hold one small value throughout."""
    where = np.isin(packets[0].subcarriers, indices)
    value = _rms(packets[0]) * 10 ** (level_db / 20)
    return [_with(packet, where, np.full_like(packet.csi, value)) for packet in packets]


def with_nonsense(
    packets: list[CsiPacket], indices, times: float = 70.0, seed: int = 4
) -> list[CsiPacket]:
    """Subcarriers that hold any values up to so many times the others' level."""
    rng = np.random.default_rng(seed)
    where = np.isin(packets[0].subcarriers, indices)
    found = []
    for packet in packets:
        value = rng.uniform(0, times * _rms(packet), packet.csi.shape)
        found.append(_with(packet, where, value.astype(packet.csi.dtype)))
    return found


def with_agc(
    packets: list[CsiPacket], levels_db, share: float = 0.3, seed: int = 5
) -> list[CsiPacket]:
    """A gain that goes to another of some levels with this share of the packets."""
    rng = np.random.default_rng(seed)
    gain, found = levels_db[0], []
    for packet in packets:
        if rng.random() < share:
            gain = rng.choice(levels_db)
        found.append(replace(packet, csi=packet.csi * np.float32(10 ** (gain / 20))))
    return found


def quantised(
    packets: list[CsiPacket], bits: int, full_scale: float, clip: bool = True
) -> list[CsiPacket]:
    """Whole numbers of so many bits, a sign among them; ``full_scale``: the largest of them is so
    many times the rms of the first packet's real and imaginary parts."""
    largest = 2 ** (bits - 1) - 1
    scale = largest / (full_scale * _rms(packets[0]) / np.sqrt(2))
    found = []
    for packet in packets:
        parts = np.round(np.stack([packet.csi.real, packet.csi.imag]) * scale)
        if clip:
            parts = np.clip(parts, -largest - 1, largest)
        csi = (parts[0] + 1j * parts[1]).astype(np.complex64)
        found.append(replace(packet, csi=csi if np.iscomplexobj(packet.csi) else np.abs(csi)))
    return found


def _rms(packet: CsiPacket) -> float:
    return float(np.sqrt(np.mean(np.abs(packet.csi) ** 2)))


def _noise(packet: CsiPacket, rng: np.random.Generator, level_db: float) -> np.ndarray:
    """In the packet's type; relative to its level."""
    parts = rng.standard_normal((2, *packet.csi.shape)) / np.sqrt(2)
    noise = (parts[0] + 1j * parts[1]) * _rms(packet) * 10 ** (level_db / 20)
    noise = noise if np.iscomplexobj(packet.csi) else np.abs(noise)
    return noise.astype(packet.csi.dtype)


def _with(packet: CsiPacket, where: np.ndarray, values: np.ndarray) -> CsiPacket:
    return replace(packet, csi=np.where(where, values, packet.csi))
