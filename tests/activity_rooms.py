# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model for CSI says of simulated rooms: stillness, and walks of several speeds.

``.venv/bin/python -m tests.activity_rooms [MODEL]`` prints, for each speed, carrier and
signal-to-noise ratio, the shares of the answers. The rooms (:mod:`csi_room`) are not those that
training simulates.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np

from radiofm_core.bundle import TASK_ACTIVITY
from radiofm_core.csi.windows import frame_packets
from radiofm_core.inference import load_bundle

sys.path.insert(0, str(Path(__file__).parent))

from csi_room import Receiver, Room

SPEEDS_M_S = (0.0, 0.5, 1.0, 1.5)
CARRIERS_HZ = (2.437e9, 5.2e9)
SNR_DB = (20.0, 30.0, 40.0)
ROOMS = 4
SECONDS = 10.0


def shares(model, speed: float, carrier_hz: float, snr_db: float) -> dict[str, float]:
    """Of the windows of some rooms, by the model's likeliest class."""
    found: Counter[str] = Counter()
    for seed in range(ROOMS):
        room = Room(seed=seed, speed=speed, carrier_hz=carrier_hz)
        packets = Receiver(snr_db=snr_db, seed=seed, amplitude_only=True).packets(room, SECONDS)
        windows = list(frame_packets(packets, model.info.spec))
        best = model.classify(np.stack([w.values for w in windows]), 1).argmax(1)
        found.update(model.info.class_names[k] for k in best)
    return {label: count / found.total() for label, count in found.most_common()}


def main() -> None:
    """Print a line for each kind of room."""
    name = sys.argv[1] if len(sys.argv) > 1 else "default"
    model = load_bundle(name, task=TASK_ACTIVITY)
    for speed in SPEEDS_M_S:
        for carrier_hz in CARRIERS_HZ:
            for snr_db in SNR_DB:
                found = shares(model, speed, carrier_hz, snr_db)
                told = ", ".join(f"{label} {share:.2f}" for label, share in found.items())
                print(f"{speed:g} m/s, {carrier_hz / 1e9:g} GHz, {snr_db:g} dB: {told}")


if __name__ == "__main__":
    main()
