# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets of any layout, time and value on their way to windows: seven bytes tell one."""

import numpy as np

from radiofm_core.csi import subcarriers
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiFramer

_SPEC = CsiSpec(duration_s=0.1, hop_s=0.05, subcarriers=8, min_packet_rate=20.0)
_LAYOUTS = (
    subcarriers.NON_HT_20,
    subcarriers.HT_40,
    subcarriers.INTEL_5300_20,
    np.arange(-26, 27, 26, dtype=np.int16),
    np.array([0], np.int16),
)
_STEPS_NS = (10**7, 0, 1, 10**8, 10**9, 3 * 10**18, -(10**7), -(10**9), 5 * 10**6, 2**62)
_VALUES = (1.0, 0.0, 1e-30, 1e-13, 3e38, 1e12, 1e-45, 30.0)
_SPACINGS = (312.5e3, 78.125e3, 1e-3, 1e9)
_BYTES = 7
# Most of the time goes into windows
MOST_BYTES = 60 * _BYTES


def seeds() -> dict[str, bytes]:
    """A steady stream, and one with a pause in it."""
    steady = b"".join(bytes([0, 0, 0, 0, 0, 0, i % 250]) for i in range(40))
    pause = bytes([0, 0, 4, 0, 0, 0, 1])
    return {"steady": steady, "pause": steady[: 10 * _BYTES] + pause + steady[: 20 * _BYTES]}


def run(data: bytes) -> None:
    """Push them, with and without mirrored ends."""
    for mirror_ends in (False, True):
        framer = CsiFramer(_SPEC, mirror_ends=mirror_ends)
        time_ns, windows = 0, []
        for at in range(0, len(data) - _BYTES + 1, _BYTES):
            packet, time_ns = _packet(data[at : at + _BYTES], time_ns)
            windows += framer.push(packet)
        windows += framer.finish()
        for window in windows:
            assert window.values.dtype == np.float32 and np.isfinite(window.values).all()
            assert window.values.shape[:2] == (_SPEC.rows, _SPEC.subcarriers)


def _packet(told: bytes, time_ns: int) -> tuple[CsiPacket, int]:
    layout, antennas, step, value, form, mac, sequence = told
    indices = _LAYOUTS[layout % len(_LAYOUTS)]
    time_ns += _STEPS_NS[step % len(_STEPS_NS)]
    rng = np.random.default_rng(value)
    shape = (antennas % 4, len(indices) - (form >> 6 & 1))
    csi = rng.standard_normal((*shape, 2), np.float32).view(np.complex64)[..., 0]
    with np.errstate(over="ignore", invalid="ignore"):
        csi = csi * np.float32(_VALUES[value % len(_VALUES)])
    if form & 1:
        csi = np.abs(csi)
    if form & 2 and csi.size:
        csi[0] = 0
    if form & 4 and csi.size:
        csi[..., -1] = np.nan
    packet = CsiPacket(
        csi=csi,
        subcarriers=indices,
        time_ns=time_ns,
        time_is_absolute=bool(form & 8),
        mac=f"00:00:00:00:00:{mac:02x}" if mac else None,
        sequence=sequence if form & 16 else None,
        subcarrier_hz=_SPACINGS[form >> 4 & 2 | form >> 7],
    )
    return packet, time_ns
