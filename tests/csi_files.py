# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files of CSI in the layouts of the tools that write them."""

from __future__ import annotations

import struct

import numpy as np

FRAME = bytes.fromhex("88012c00 aabbccddeeff 020304050607 111213141516 50a3")
SENDER, SEQUENCE = "02:03:04:05:06:07", 0xA35


def estimate(antennas: int, tones: int, limit: int, seed: int = 0) -> np.ndarray:
    """Whole complex numbers within ±limit: (tones, antennas)."""
    rng = np.random.default_rng(seed)
    real, imaginary = rng.integers(-limit, limit, (2, tones, antennas))
    return real + 1j * imaginary


def _bits(value: int, width: int) -> list[int]:
    return [value >> bit & 1 for bit in range(width)]


def pack_intel(csi: np.ndarray) -> bytes:
    """csi (30, receivers, streams), bytes; three bits before each subcarrier."""
    bits: list[int] = []
    for tone in csi:
        bits += [0, 0, 0]
        for value in tone.ravel():
            bits += _bits(int(value.real), 8) + _bits(int(value.imag), 8)
    return np.packbits(bits, bitorder="little").tobytes()


def intel_record(
    csi: np.ndarray, ticks: int, rssi=(30, 0, 0), gain=10, selection=0x24, rate=0x100
) -> bytes:
    """csi (30, receivers, streams)."""
    data = pack_intel(csi)
    body = b"\xbb" + struct.pack(
        "<IHHBBBBBbBBHH", ticks, 0, 0, *csi.shape[1:], *rssi, -90, gain, selection, len(data), rate
    )
    return struct.pack(">H", len(body) + len(data)) + body + data


def pack_atheros(csi: np.ndarray) -> bytes:
    """csi (tones, streams, receivers), ten bits."""
    bits: list[int] = []
    for value in csi.ravel():
        bits += _bits(int(value.imag), 10) + _bits(int(value.real), 10)
    return np.packbits(np.array(bits, bool), bitorder="little").tobytes()


def atheros_record(csi: np.ndarray, ticks: int, order: str = "<", frame: bytes = FRAME) -> bytes:
    """csi (tones, streams, receivers); empty for a record without CSI."""
    data = pack_atheros(csi)
    tones, streams, receivers = csi.shape
    wide = tones == 114
    shape = (wide, tones, receivers, streams)
    numbers = (ticks, len(data), 2437, 0, 0, 0x80, *shape, 40, 38, 36, 0x80, len(frame))
    body = struct.pack(order + "QHHBBBBBBBBBBBH", *numbers) + data + frame
    return struct.pack(order + "H", len(body)) + body


def nexmon_datagram(
    words: np.ndarray,
    core: int = 0,
    stream: int = 0,
    chip: int = 101,
    chanspec: int = 0x1001,
    rssi: int | None = -50,
    sequence: int = SEQUENCE,
) -> bytes:
    """words uint32 (FFT size,); rssi None: the header of older firmware."""
    top = b"\x11\x11" + (b"\x11\x11" if rssi is None else struct.pack("<bB", rssi, 0x88))
    sender = bytes.fromhex(SENDER.replace(":", ""))
    place = core | stream << 3
    return (
        top + sender + struct.pack("<HHHH", sequence << 4, place, chanspec, chip) + words.tobytes()
    )


def int16_words(csi: np.ndarray) -> np.ndarray:
    """uint32 words of complex numbers: real in the lower half."""
    halves = np.stack([csi.real, csi.imag], -1).astype("<i2")
    return halves.view("<u4")[..., 0]


def float_words(real, imaginary, exponent, mantissa_bits: int, exponent_bits: int) -> np.ndarray:
    """uint32 words of sign-magnitude mantissas and an exponent in two's complement."""

    def signed(values):
        return np.where(values < 0, -values | 1 << (mantissa_bits - 1), values)

    words = signed(real) << (mantissa_bits + exponent_bits) | signed(imaginary) << exponent_bits
    return (words | exponent & ((1 << exponent_bits) - 1)).astype("<u4")


# What stands before the IP header, by link type: Ethernet, nothing, Linux cooked
_LINKS = {1: b"\xff" * 6 + b"NEXMON\x08\x00", 101: b"", 113: bytes(14) + b"\x08\x00"}


def pcap(payloads, start_us=17 * 10**14, step_us=100, order="<", nano=False, link=1) -> bytes:
    """A capture of UDP datagrams to port 5500."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for number, payload in enumerate(payloads):
        udp = struct.pack(">HHHH", 5500, 5500, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 1, 17, 0)
        packet = _LINKS[link] + ip + bytes([10] * 4 + [255] * 4) + udp
        seconds, part = divmod(start_us + number * step_us, 10**6)
        part *= 1000 if nano else 1
        out += struct.pack(order + "IIII", seconds, part, len(packet), len(packet)) + packet
    return out


def ax_header(
    receivers: int,
    streams: int,
    tones: int,
    clock_us: int,
    *,
    packet_format: int = 2,
    width: int = 0,
    rssi=(40, 50),
    host_us: int = 0,
    csi_bytes: int | None = None,
) -> bytes:
    """The 272 bytes that an AX210's firmware gives with an estimate; width: 0 is 20 MHz."""
    out = bytearray(272)
    size = 4 * receivers * streams * tones if csi_bytes is None else csi_bytes
    struct.pack_into("<IIIQ", out, 0, size, 4, clock_us * 320 % 2**32, host_us)
    struct.pack_into("<BB4xI4xII", out, 46, receivers, streams, tones, *rssi)
    out[68:74] = bytes.fromhex(SENDER.replace(":", ""))
    rate = packet_format << 8 | width << 11 | 3 << 14 | 5
    struct.pack_into("<II", out, 88, clock_us % 2**32, rate)
    return bytes(out)


def ax_estimate(csi: np.ndarray) -> bytes:
    """csi (receivers, streams, tones), 16 bits."""
    return np.stack([csi.real, csi.imag], -1).astype("<i2").tobytes()


def feitcsi_record(csi: np.ndarray, clock_us: int, **more) -> bytes:
    """csi (receivers, streams, tones)."""
    return ax_header(*csi.shape, clock_us, **more) + ax_estimate(csi)


def picoscenes_frame(
    device: int,
    csi_bytes: bytes,
    ticks: int,
    *,
    tones: int,
    receivers: int,
    streams: int,
    version: int = 2,
    packet_format: int = 1,
    bandwidth: int = 20,
    spacing: int = 312500,
    offset: int = 0,
    selection: int = 0x24,
    mvm: bytes | None = None,
    name_end: str = "",
) -> bytes:
    """A frame of PicoScenes with an RxSBasic and a CSI segment, and with the header of an AX card
    if one is given; some versions end names with a zero."""
    kind = struct.pack("<HBb", device, 7, packet_format) if version == 4 else None
    kind = kind or struct.pack("<Hb", device, packet_format)
    data = kind + struct.pack("<HQQI", bandwidth, 2437 * 10**6, 20 * 10**6, spacing)
    data += struct.pack("<HBBB", tones, streams, receivers, 0)
    data += (struct.pack("<H", 1) if version >= 3 else b"") + struct.pack("<B", selection)
    data += struct.pack("<h", offset) if version >= 2 else b""
    data += struct.pack("<I", len(csi_bytes)) + csi_bytes
    basic = struct.pack(
        "<HQhBHHBBBBbb", device, ticks, 2437, 1, 20, 800, 0, 1, 0, 1, -95, 40
    ) + bytes(3)
    extra = struct.pack("<H", len(mvm)) + mvm if mvm else b""
    segments = [("RxSBasic", 1, basic), ("MVMExtra", 1, extra), ("CSI", version, data)]
    body = b"".join(_segment(name + name_end, *rest) for name, *rest in segments)
    body = struct.pack("<IHB", 0x20150315, 1, 3) + body + FRAME
    return struct.pack("<I", len(body)) + body


def _segment(name: str, version: int, data: bytes) -> bytes:
    inner = bytes([len(name)]) + name.encode() + struct.pack("<H", version) + data
    return struct.pack("<I", len(inner)) + inner


def signal_matrix(csi: np.ndarray, majority: str = "C", version: int = 2) -> bytes:
    """PicoScenes' matrix of doubles; majority C: the first dimension runs fastest."""
    shape = struct.pack(f"<{csi.ndim}{'IQ'[version - 1]}", *csi.shape)
    head = b"BBv" + str(version).encode() + bytes([csi.ndim]) + shape + b"CD@" + majority.encode()
    return head + csi.astype("<c16").tobytes(order="F" if majority == "C" else "C")


TOOL_HEADER = (
    "type,role,mac,rssi,rate,sig_mode,mcs,bandwidth,smoothing,not_sounding,aggregation,stbc,"
    "fec_coding,sgi,noise_floor,ampdu_cnt,channel,secondary_channel,local_timestamp,ant,sig_len,"
    "rx_state,real_time_set,real_timestamp,len,CSI_DATA"
)
ESP_CSI_HEADER = (
    "type,id,mac,rssi,rate,sig_mode,mcs,bandwidth,smoothing,not_sounding,aggregation,stbc,"
    "fec_coding,sgi,noise_floor,ampdu_cnt,channel,secondary_channel,local_timestamp,ant,sig_len,"
    "rx_state,len,first_word,data"
)


def buffer_of(csi_by_place: np.ndarray) -> list[int]:
    """An ESP32's buffer: imaginary and real part of complex numbers (places,)."""
    return np.stack([csi_by_place.imag, csi_by_place.real], -1).astype(int).ravel().tolist()


def esp_csi_line(
    buffer, ticks, *, sig_mode=1, bandwidth=0, stbc=0, secondary=0, first_word=0, nbytes=None
) -> str:
    """A line of esp-csi."""
    numbers = ",".join(map(str, buffer))
    return (
        f"CSI_DATA,7,{SENDER.upper()},-61,11,{sig_mode},7,{bandwidth},1,1,0,{stbc},0,0,-95,0,6,"
        f'{secondary},{ticks},0,101,0,{nbytes or len(buffer)},{first_word},"[{numbers}]"'
    )


def tool_line(
    buffer, ticks, *, sig_mode=0, bandwidth=0, stbc=0, secondary=0, nbytes=None, real_time=None
) -> str:
    """A line of the ESP32-CSI-Tool, which prints 128 numbers at most, with a blank after each."""
    numbers = "".join(f"{value} " for value in buffer[:128])
    clock = f"1,{real_time:.6f}" if real_time else f"0,{ticks / 1e6:.6f}"
    return (
        f"CSI_DATA,AP,{SENDER.upper()},-61,11,{sig_mode},7,{bandwidth},1,1,0,{stbc},0,0,-95,0,6,"
        f"{secondary},{ticks},0,101,0,{clock},{nbytes or len(buffer)},[{numbers}]"
    )
