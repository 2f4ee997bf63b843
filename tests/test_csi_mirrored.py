# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirror images of packets at a file's two ends: windows that reach beyond them."""

from itertools import pairwise

import numpy as np
import pytest
from csi_room import Receiver, Room, changed

from radiofm_core.csi.mirrored import MOST_HELD, StreamMirror
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiFramer

SPEC = CsiSpec()
SECOND = 10**9
# Half of what a window is longer than its hop
REACH = 750_000_000


def mirrored(packets):
    mirror = StreamMirror(SPEC)
    return [out for packet in packets for out in mirror.push(packet)] + mirror.finish()


def walk(duration_s, **receiver):
    return Receiver(**{"seed": 3, **receiver}).packets(Room(), duration_s)


def framed(packets):
    framer = CsiFramer(SPEC, mirror_ends=True)
    windows = [window for packet in packets for window in framer.push(packet)]
    return windows + framer.finish(), framer.counts


@pytest.mark.parametrize("duration_s", [0.3, 0.5, 0.74, 0.76, 1.0, 2.0, 7.3])
def test_times_ascend_and_reach_to_the_nanosecond(duration_s):
    packets = walk(duration_s)
    out = mirrored(packets)
    first, last = packets[0].time_ns, packets[-1].time_ns
    assert [p for p in out if not p.is_mirrored] == packets
    assert all(a.time_ns < b.time_ns for a, b in pairwise(out))
    assert out[0].time_ns == first - REACH
    assert out[-1].time_ns == last + REACH + SECOND // 2 - 2 * SECOND // 100
    assert all(p.is_mirrored == (not first <= p.time_ns <= last) for p in out)


def test_an_image_is_the_packet_as_far_on_the_other_side():
    packets = walk(5.0)
    by_time = {p.time_ns: p for p in packets}
    first, last = packets[0].time_ns, packets[-1].time_ns
    images = [p for p in mirrored(packets) if p.is_mirrored]
    assert len(images) > 100
    # the outermost ones are moved to where the reach ends
    for image in images[1:-1]:
        end = first if image.time_ns < first else last
        assert by_time[2 * end - image.time_ns].csi is image.csi


def test_a_short_stream_is_mirrored_again_and_again():
    packets = [changed(p, time_ns=k * SECOND // 100) for k, p in enumerate(walk(0.4)[:31])]
    before = [p for p in mirrored(packets) if p.time_ns < 0]
    # 0.3 s there, 0.3 s back, and on
    for image in before:
        place = -image.time_ns * 100 // SECOND % 60
        assert image.csi is packets[min(place, 60 - place)].csi
    assert len(before) == 75


@pytest.mark.parametrize("count", [0, 1, 2, 20])
def test_too_short_a_stream_stays_as_it_is(count):
    packets = walk(0.24)[:count]
    assert mirrored(packets) == packets


def test_equal_times_and_a_packet_from_the_past_have_no_image():
    packets = walk(3.0)
    odd = [*packets[:20], packets[19], changed(packets[10], sequence=77), *packets[20:]]
    out = mirrored(odd)
    assert [p for p in out if not p.is_mirrored] == odd
    before = [p.time_ns for p in out if p.time_ns < packets[0].time_ns]
    assert len(before) > 50
    assert all(a < b for a, b in pairwise(before))


def test_what_lies_beyond_a_pause_has_no_image():
    early, late = walk(0.5), walk(0.5, seed=4)
    packets = early + [changed(p, time_ns=p.time_ns + 9 * SECOND) for p in late]
    ends = {id(p.csi) for p in early}
    out = mirrored(packets)
    before = {id(p.csi) for p in out if p.time_ns < 0}
    after = {id(p.csi) for p in out if p.time_ns > packets[-1].time_ns}
    assert before and before <= ends
    assert after and not after & ends


@pytest.mark.parametrize("step_ns", [0, 1, 100_000, -1_000_000])
def test_no_more_than_a_few_packets_are_held(step_ns):
    packet = walk(0.1)[0]
    mirror = StreamMirror(SPEC)
    given = 0
    for k in range(3 * MOST_HELD):
        given += sum(not p.is_mirrored for p in mirror.push(changed(packet, time_ns=k * step_ns)))
        assert k + 1 - given <= MOST_HELD
    assert given + sum(not p.is_mirrored for p in mirror.finish()) == 3 * MOST_HELD


@pytest.mark.parametrize("duration_s", [0.3, 0.5, 1.2, 2.0, 2.6, 6.0])
def test_windows_speak_for_all_of_a_file(duration_s):
    packets = walk(duration_s)
    windows, counts = framed(packets)
    starts = [w.time_ns + REACH for w in windows]
    assert starts[0] == packets[0].time_ns
    assert all(b - a == SECOND // 2 for a, b in pairwise(starts))
    # the last one begins before the last packet, and its time ends behind it
    assert starts[-1] + SECOND // 2 >= packets[-1].time_ns
    assert starts[-1] <= packets[-1].time_ns
    assert counts.packets == len(packets) and not counts.refused_packets


def test_the_middle_of_a_file_is_as_without_images():
    packets = walk(8.0)
    plain = CsiFramer(SPEC)
    without = [w for p in packets for w in plain.push(p)] + plain.finish()
    within = {w.time_ns: w for w in framed([changed(p) for p in packets])[0]}
    # grids a quarter of a second apart: 0.75 s before the file and its beginning
    shifted = [w for t, w in within.items() if 0 <= t <= 6 * SECOND]
    assert len(shifted) >= 11 and len(without) == 13
    motion = [np.std(w.amplitude, axis=0).mean() for w in (*without, *shifted)]
    assert np.std(motion) < 0.2 * np.mean(motion)


def test_losses_are_counted_once():
    numbered = [changed(p, sequence=k) for k, p in enumerate(walk(4.0, loss=0.0))]
    missing = numbered[:30] + numbered[35:]
    windows, _ = framed(missing)
    assert windows[0].lost_packets == 5
    # without sequence numbers they are told by the rhythm
    windows, _ = framed([changed(p, sequence=None) for p in missing])
    assert windows[0].lost_packets == 5


def test_each_sender_is_mirrored_for_itself():
    one = [changed(p, mac="02:00:00:00:00:01") for p in walk(1.0)]
    two = [changed(p, mac="02:00:00:00:00:02", time_ns=p.time_ns + 3 * SECOND) for p in walk(1.5)]
    windows, counts = framed(sorted(one + two, key=lambda p: p.time_ns))
    starts = {w.source: [] for w in windows}
    for w in windows:
        starts[w.source].append(w.time_ns + REACH)
    assert starts["02:00:00:00:00:01"] == [0, SECOND // 2]
    assert starts["02:00:00:00:00:02"][0] == 3 * SECOND and len(starts) == 2
    assert not counts.refused_windows
