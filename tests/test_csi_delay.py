# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows come soon after their last row, with the same content as if the framer waited longer."""

import numpy as np
import pytest
from csi_room import Receiver, Room, changed

from radiofm_core.csi.cleaning import LASTING, PacketCleaner
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiFramer

SPEC = CsiSpec()


def framed(packets):
    framer = CsiFramer(SPEC)
    windows = [window for packet in packets for window in framer.push(packet)]
    return windows + framer.finish(), framer.counts


@pytest.mark.parametrize("seed", range(6))
def test_decisions_come_early_and_are_those_of_a_cleaner_that_waits(monkeypatch, seed):
    receiver = Receiver(seed=seed, gain_steps_db=(6.0, -6.0, 3.0)[: seed % 4])
    packets = receiver.packets(Room(seed=seed, speed=seed % 2), 6.0)
    rng = np.random.default_rng(seed)
    for index in rng.integers(20, len(packets) - 20, 5):
        packets[index] = changed(
            packets[index], csi=packets[index].csi * np.float32(rng.choice([0.3, 3.0]))
        )
    early, counts = framed(packets)
    monkeypatch.setattr(PacketCleaner, "_must_wait", lambda its: len(its._ahead) < LASTING)
    late, late_counts = framed(packets)
    assert counts == late_counts and counts.outliers > 0
    assert len(early) == len(late) > 0
    for a, b in zip(early, late, strict=True):
        assert np.array_equal(a.values, b.values)
        assert (a.outliers, a.gain_steps) == (b.outliers, b.gain_steps)


def test_a_window_comes_soon_after_its_last_row():
    framer = CsiFramer(SPEC)
    late = []
    for packet in Receiver().packets(Room(), 6.0):
        late += [(packet.time_ns - w.time_ns) * 1e-9 - 2.0 for w in framer.push(packet)]
    assert len(late) == 8
    # three packets tell whether one is an outlier; the last row is drawn to those after it
    assert max(late) < 0.12
