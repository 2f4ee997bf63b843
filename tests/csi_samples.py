# SPDX-License-Identifier: GPL-3.0-or-later
"""A small file of CSI of each format, and what every packet that is read must be like."""

from __future__ import annotations

import io
from collections.abc import Iterable

import csi_files as files
import numpy as np
import scipy.io

from radiofm_core.csi.packet import CsiPacket


def samples() -> dict[str, bytes]:
    """A small file of each format, some of several devices."""
    intel = files.estimate(6, 30, 99).reshape(30, 3, 2)
    atheros = files.estimate(6, 56, 99).reshape(56, 2, 3)
    csi = files.estimate(1, 64, 99)[:, 0]
    usrp = np.arange(-26, 26, dtype="<i2").tobytes() + files.signal_matrix(csi[:52, None, None])
    ax = np.arange(4 * 56, dtype="<i2").tobytes()
    frames = [
        files.picoscenes_frame(
            0x5300, files.pack_intel(intel), 1, tones=30, receivers=3, streams=2
        ),
        files.picoscenes_frame(
            0x9300, files.pack_atheros(atheros), 2, tones=56, receivers=3, streams=2, version=1
        ),
        files.picoscenes_frame(0x1234, usrp, 3, tones=52, receivers=1, streams=1, version=3),
        files.picoscenes_frame(0x2000, ax, 4, tones=56, receivers=1, streams=2, version=4),
    ]
    words = np.arange(64, dtype="<u4") << 5
    buffer = files.buffer_of(np.concatenate([csi, csi]))
    return {
        "intel": b"".join(files.intel_record(intel, tick) for tick in range(4)),
        "atheros": b"".join(files.atheros_record(atheros, tick) for tick in range(4)),
        "nexmon": files.pcap([files.nexmon_datagram(files.int16_words(csi))] * 4),
        "nexmon float": files.pcap([files.nexmon_datagram(words, core, chip=3) for core in (0, 1)]),
        "picoscenes": b"".join(frames),
        "feitcsi": b"".join(
            files.feitcsi_record(csi[:56].reshape(1, 1, 56), tick) for tick in range(4)
        ),
        "esp-csi": "\n".join(files.esp_csi_line(buffer, tick) for tick in range(4)).encode(),
        "esp32-csi-tool": "\n".join(
            [files.TOOL_HEADER, *(files.tool_line(buffer, tick, sig_mode=1) for tick in range(4))]
        ).encode(),
        "archive": numpy_archive(),
        "matlab": mat_file(csi=files.estimate(1, 9 * 30, 9).reshape(9, 30), time_s=np.arange(9.0)),
        "table": table_lines(
            np.c_[np.arange(9.0), np.abs(intel[:9].reshape(9, -1)), np.ones((9, 50))]
        ),
    }


def numpy_archive(save=np.savez) -> bytes:
    """An ``.npz`` of eight packets; ``save``: numpy's function to write it with."""
    csi = files.estimate(1, 8 * 30, 9).reshape(8, 30)
    out = io.BytesIO()
    save(out, csi=csi, time_s=np.arange(8.0), subcarriers=np.arange(30))
    return out.getvalue()


def mat_file(compressed: bool = True, **arrays) -> bytes:
    """A ``.mat`` of MATLAB's version 5 or 7."""
    out = io.BytesIO()
    scipy.io.savemat(out, arrays, do_compression=compressed)
    return out.getvalue()


def table_lines(rows: np.ndarray, names: list[str] | None = None, separator: str = ",") -> bytes:
    """A ``.csv``; rows (packets, columns)."""
    lines = [] if names is None else [separator.join(names)]
    lines += [separator.join(f"{value:.9g}" for value in row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def check(packets: Iterable[CsiPacket]) -> None:
    """Assert what :class:`CsiPacket` promises."""
    for packet in packets:
        assert packet.csi.ndim == 2 and packet.csi.shape[1] == len(packet.subcarriers)
        assert packet.csi.dtype in (np.complex64, np.float32) and np.isfinite(packet.csi).all()
        assert packet.subcarriers.dtype == np.int16 and (np.diff(packet.subcarriers) > 0).all()
        assert isinstance(packet.time_ns, int)
