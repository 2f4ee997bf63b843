# SPDX-License-Identifier: GPL-3.0-or-later
"""What the level of motion and the labels say of recordings and of simulated rooms.

``.venv/bin/python -m tests.motion_scores DATA [MODEL]`` prints, of the recordings of DATA/csi
(``esp32_motion``, ``stability-csi-har``; what is not there is left out): windows rightly still or
moving, area under the curve of the probability of motion, its calibration error, levels, the
labels' accuracy of D1 and D2, what is ``unknown``; as recorded, at lower packet rates, with half of
the packets lost in bursts, with a gain that flips; then of rooms (:mod:`csi_room`), by layout, rate
and noise: empty ones, walks, and rooms that are still for six seconds before somebody walks.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from radiofm_core.bundle import TASK_ACTIVITY
from radiofm_core.csi.activity import UNKNOWN, Activity
from radiofm_core.csi.classify import ActivityClassifier
from radiofm_core.csi.reader import open_csi
from radiofm_core.inference import load_bundle
from training.activity.data.losses import burst_losses, slower
from training.activity.data.stability import read_clips

sys.path.insert(0, str(Path(__file__).parent))

from csi_room import LAYOUTS, Receiver, Room

SEATED = "SEATED"
FLIP_DB, FLIP_SHARE = 5.5, 0.3
WALKS_M_S, CARRIERS_HZ, SNR_DB = (0.3, 1.0, 2.5), (2.437e9, 6e9), (20.0, 30.0)
STILL_S, WALK_S = 6.0, 6.0
RATES_HZ = (50.0, 30.0, 20.0)
ROOM_RATES_HZ = (20.0, 50.0, 100.0, 300.0)


@dataclass(frozen=True)
class Scored:
    """An answer, and whether somebody moved."""

    activity: Activity
    moves: bool
    label: str = ""

    @property
    def share(self) -> float:
        """The probability of motion; of a version without one, by the level of 10 dB."""
        found = getattr(self.activity, "motion_probability", None)
        return 1 / (1 + np.exp(10 - self.activity.motion_db)) if found is None else found


def answers(model, packets) -> list[Activity]:
    """Of windows that lie inside the recording."""
    classifier = ActivityClassifier(model, mirror_ends=False)
    return [answer.activity for answer in classifier.answers(packets)]


def area(scored: list[Scored]) -> float:
    """Under the curve of true over false alarms."""
    moving = np.array([one.share for one in scored if one.moves])[:, None]
    still = np.array([one.share for one in scored if not one.moves])
    return float((moving > still).mean() + (moving == still).mean() / 2)


def calibration_error(scored: list[Scored]) -> float:
    """Expected, over ten bins of the confidence that something moves, or nothing does."""
    shares = np.array([one.share for one in scored])
    right = (shares >= 0.5) == np.array([one.moves for one in scored])
    confidence = np.maximum(shares, 1 - shares)
    bins = np.minimum((confidence * 10).astype(int), 9)
    parts = [bins == number for number in np.unique(bins)]
    return float(sum(p.mean() * abs(confidence[p].mean() - right[p].mean()) for p in parts))


def line(name: str, scored: list[Scored]) -> str:
    """The scores of some answers, in words."""
    if not scored:
        return f"{name}: no answers"
    right = np.mean([(one.share >= 0.5) == one.moves for one in scored])
    levels = np.percentile([one.activity.motion_db for one in scored], (0, 50, 100))
    unknown = np.mean([one.activity.label == UNKNOWN for one in scored])
    moved = [one for one in scored if one.moves]
    rests = [one for one in scored if not one.moves]
    still_labels = sum(one.activity.label == SEATED for one in moved)
    move_labels = sum(one.activity.label not in (SEATED, UNKNOWN) for one in rests)
    told = f"{name}: {len(scored)} windows, right {right:.3f}"
    if 0 < len(moved) < len(scored):
        told += f", area {area(scored):.4f}, calibration error {calibration_error(scored):.3f}"
    told += ", level {:.1f} / {:.1f} / {:.1f} dB, unknown {:.3f}".format(*levels, unknown)
    if moved:
        told += f", moving called SEATED {still_labels / len(moved):.3f}"
    if rests:
        told += f", still called a movement {move_labels / len(rests):.3f}"
    if any(one.label for one in scored):
        accuracy = np.mean([one.activity.label == one.label for one in scored])
        wrong = np.mean([one.activity.label not in (one.label, UNKNOWN) for one in scored])
        told += f", labels right {accuracy:.3f}, wrong {wrong:.3f}"
    return told


def flipped(packets):
    """With a gain that goes back and forth."""
    rng = np.random.default_rng(1)
    for packet in packets:
        gain = 10 ** (FLIP_DB / 20 * (rng.random() < FLIP_SHARE))
        yield replace(packet, csi=packet.csi * np.float32(gain))


def changes():
    """(name, what it does to packets): lower rates, losses, a gain that flips."""
    yield "as recorded", iter
    for rate_hz in RATES_HZ:
        yield f"{rate_hz:g} packets/s", lambda packets, rate=rate_hz: slower([*packets], rate)
    rng = np.random.default_rng(1)
    yield "half lost in bursts", lambda packets: burst_losses([*packets], rng)
    yield f"{FLIP_SHARE:.0%} of the packets {FLIP_DB:g} dB up", flipped


def esp32_motion(model, folder: Path, change=iter) -> None:
    """Empty rooms and somebody who moves, by recording and together."""
    every = []
    for path in sorted(folder.glob("*.npz")):
        moves = path.name.startswith("movement")
        found = [Scored(one, moves) for one in answers(model, change(open_csi(path)))]
        print(line(path.stem, found))
        every += found
    if every:
        print(line("together", every))


def stability(model, folder: Path, part: str, change=iter) -> None:
    """Five activities, of which SEATED is none; windows whose middle has one label."""
    found = []
    for clip in read_clips(folder, part, True):
        for one in answers(model, change(clip.packets)):
            end_ns = one.start_ns + round(one.duration_s * 1e9)
            spans = [s for s in clip.spans if s.start_ns <= one.start_ns and end_ns <= s.end_ns]
            found += [Scored(one, span.label != SEATED, span.label) for span in spans]
    print(line(part, found))


def rooms(model, snr_db: float) -> None:
    """Simulated ones, still and then with a walk."""
    found = []
    for speed in WALKS_M_S:
        for carrier_hz in CARRIERS_HZ:
            for seed in range(2):
                receiver = Receiver(seed=seed, snr_db=snr_db, amplitude_only=True)
                room = Room(seed=seed, speed=0.0, carrier_hz=carrier_hz)
                packets = receiver.packets(room, STILL_S)
                then = packets[-1].time_ns + 10_000_000
                walk = receiver.packets(replace(room, speed=speed), WALK_S)
                packets += [replace(p, time_ns=p.time_ns + then) for p in walk]
                for one in answers(model, packets):
                    middle_s = one.start_ns * 1e-9 + one.duration_s / 2
                    # windows in which the walk begins are neither
                    if abs(middle_s - STILL_S) > 1:
                        found.append(Scored(one, middle_s > STILL_S))
    print(line(f"simulated rooms, {snr_db:g} dB", found))


def layouts(model, layout: str, rate_hz: float) -> None:
    """Rooms in which nobody is, or somebody walks all the time."""
    found = []
    for number, snr_db in enumerate(SNR_DB):
        for carrier_hz in CARRIERS_HZ:
            for speed in (0.0, *WALKS_M_S):
                seed = 10 * number + len(found) % 7
                receiver = Receiver(
                    seed=seed, rate_hz=rate_hz, jitter_s=0.2 / rate_hz, snr_db=snr_db,
                    layout=layout, amplitude_only=True,
                )  # fmt: skip
                packets = receiver.packets(
                    Room(seed=seed, speed=speed, carrier_hz=carrier_hz), WALK_S
                )
                found += [Scored(one, speed > 0) for one in answers(model, packets)]
    print(line(f"rooms, {layout}, {rate_hz:g} packets/s", found))


def main() -> None:
    """Print a line for each recording and kind of room."""
    data = Path(sys.argv[1])
    model = load_bundle(sys.argv[2] if len(sys.argv) > 2 else "default", task=TASK_ACTIVITY)
    for name, change in changes():
        print(f"\n{name}:")
        esp32_motion(model, data / "csi/esp32_motion", change)
        for part in ("D1", "D2"):
            if (data / "csi/stability-csi-har/labelled" / part).is_dir():
                stability(model, data / "csi/stability-csi-har", part, change)
    print()
    for layout in LAYOUTS:
        for rate_hz in ROOM_RATES_HZ:
            layouts(model, layout, rate_hz)
    for snr_db in SNR_DB:
        rooms(model, snr_db)


if __name__ == "__main__":
    main()
