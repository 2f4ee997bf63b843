# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI windows against a simulated room: what comes out is the channel, whatever the packets."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from csi_room import LAYOUTS, Receiver, Room, changed, truth, without

from radiofm_core.csi.columns import SubcarrierMap
from radiofm_core.csi.mac_header import parse_mac
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.subcarriers import HE_20, HE_SPACING_HZ, HT_40, SPACING_HZ, usual_indices
from radiofm_core.csi.windows import MAX_LINKS, CsiFramer, frame_packets
from radiofm_core.errors import BundleError, InputError, UsageError

SPEC = CsiSpec()
ROOM = Room()
# 30 dB of signal-to-noise: of each amplitude's noise, one of the two quadratures counts
NOISE = 10 ** (-30 / 20) / np.sqrt(2)


@cache
def heard(room: Room = ROOM, duration_s: float = 6.0, **receiver) -> tuple[CsiPacket, ...]:
    return tuple(Receiver(**receiver).packets(room, duration_s))


def framed(packets, mac: str | None = None, spec: CsiSpec = SPEC):
    framer = CsiFramer(spec, mac)
    windows = [window for packet in packets for window in framer.push(packet)]
    return windows + framer.finish(), framer.counts


def errors(windows, room: Room = ROOM, start_ns: int = 0) -> np.ndarray:
    """Of each window: rms of the difference to the truth; the mean amplitude is about 1."""
    return np.array(
        [
            np.sqrt(np.mean((w.amplitude - truth(room, SPEC, (w.time_ns - start_ns) * 1e-9)) ** 2))
            for w in windows
        ]
    )


def motion_of(window) -> float:
    """Rms of what changes over time."""
    return float(np.sqrt(np.mean((window.amplitude - window.amplitude.mean(axis=0)) ** 2)))


# The spec


def test_fingerprint_changes_with_every_field():
    values = {
        "duration_s": 1.0,
        "hop_s": 0.25,
        "rate_hz": 200.0,
        "subcarriers": 27,
        "span_hz": 10e6,
        "max_gap_s": 0.2,
        "min_packet_rate": 20.0,
        "max_missing_share": 0.5,
    }
    assert set(values) == {field.name for field in dataclasses.fields(CsiSpec)}
    prints = {dataclasses.replace(SPEC, **{k: v}).fingerprint for k, v in values.items()}
    assert len(prints | {SPEC.fingerprint}) == len(values) + 1


def test_dict_round_trip_keeps_the_fingerprint():
    assert CsiSpec.from_dict(SPEC.to_dict()) == SPEC
    with pytest.raises(BundleError, match="extra"):
        CsiSpec.from_dict({**SPEC.to_dict(), "extra": 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration_s", 0.0),
        ("hop_s", 0.0123),
        ("rate_hz", float("nan")),
        ("subcarriers", 1),
        ("max_missing_share", 1.5),
        ("min_packet_rate", -1.0),
    ],
)
def test_wrong_specs_are_refused_by_name(name, value):
    with pytest.raises(UsageError, match=name):
        CsiSpec(**{name: value})


def test_windows_without_an_end_are_refused():
    with pytest.raises(UsageError, match="rows"):
        CsiSpec(duration_s=1e6)


# Time: irregular packets, losses, gaps


def test_even_packets_without_noise_are_the_channel_itself():
    windows, counts = framed(heard(jitter_s=0.0, loss=0.0, snr_db=300.0))
    assert len(windows) == counts.windows == 9  # (6 - 2) / 0.5 + 1
    assert [w.time_ns for w in windows] == [round(i * 0.5e9) for i in range(9)]
    assert errors(windows).max() < 1e-5
    assert all(w.interpolated == 0 and w.lost_packets == 0 for w in windows)
    assert windows[0].amplitude.shape == (200, 53, 1)
    assert windows[0].amplitude.dtype == np.float32


def test_irregular_packets_with_losses_come_out_as_the_even_truth():
    # 100 packets/s +-2 ms, 10 % lost, a person walks at up to 1 m/s (16 Hz of Doppler and more)
    clean, _ = framed(heard(snr_db=300.0))
    assert errors(clean).max() < 0.012
    assert errors(clean).max() < 0.15 * min(map(motion_of, clean))
    noisy, _ = framed(heard())
    assert errors(noisy).max() < 1.15 * NOISE
    for window in noisy:
        assert window.packet_rate == pytest.approx(90, abs=8)
        assert window.lost_packets == pytest.approx(20, abs=14)
        assert 0.05 < window.interpolated < 0.3


def test_thirty_percent_loss_costs_little():
    windows, _ = framed(heard(loss=0.3))
    assert len(windows) == 9
    assert errors(windows).max() < 1.9 * NOISE


def test_of_more_packets_than_rows_those_beside_the_rows_instants_are_taken():
    windows, _ = framed(heard(rate_hz=1000.0, jitter_s=2e-4, loss=0.0, duration_s=4.0))
    assert errors(windows).max() < NOISE
    assert windows[0].packet_rate == pytest.approx(1000, rel=0.01)


def test_more_packets_do_not_hide_a_fast_walk():
    # path lengths change by up to 100 wavelengths a second: a mean over a row would see nothing
    room = Room(speed=2.5, carrier_hz=6e9)
    exact = {"jitter_s": 0.0, "loss": 0.0, "snr_db": 300.0, "duration_s": 4.0}
    even, _ = framed(heard(room, **exact))
    fast, _ = framed(heard(room, rate_hz=300.0, **exact))
    for few, many in zip(even, fast, strict=True):
        assert motion_of(many) == pytest.approx(motion_of(few), rel=0.1)


def test_jitter_is_that_of_the_intervals():
    even, _ = framed(heard(jitter_s=0.0, loss=0.0))
    assert max(w.jitter_s for w in even) < 1e-6
    uneven, _ = framed(heard(jitter_s=3e-3, loss=0.0))
    # the difference of two uniform deviations
    assert uneven[2].jitter_s == pytest.approx(3e-3 * np.sqrt(2 / 3), rel=0.15)


def test_gaps_up_to_the_limit_are_bridged_and_longer_ones_refused():
    short, counts = framed(without(heard(loss=0.0), 3.0, 3.45))
    assert len(short) == 9
    assert not counts.refused_windows
    long, counts = framed(without(heard(loss=0.0), 3.0, 3.7))
    assert counts.refused_windows == {"gap": 5}  # those of 1.5 to 3.5 s
    assert len(long) == 4
    assert "0.5 s" in counts.reason
    assert all(w.time_ns + 2e9 <= 3.02e9 or w.time_ns >= 3.68e9 for w in long)


def test_too_few_packets_are_refused():
    windows, counts = framed(heard(rate_hz=6.0, loss=0.0))
    assert not windows
    assert set(counts.refused_windows) == {"rate"}
    assert "the minimum is 8" in counts.reason
    assert framed(heard(rate_hz=20.0, loss=0.0))[0]


def test_bursts_that_leave_too_many_rows_empty_are_refused():
    # 20 packets a second, in 6 % of the rows at most
    bursts = [p for p in heard(rate_hz=1000.0, loss=0.0) if (p.time_ns // 1_000_000) % 480 < 10]
    windows, counts = framed(bursts, spec=dataclasses.replace(SPEC, max_missing_share=0.9))
    assert not windows
    assert set(counts.refused_windows) == {"missing"}


def test_sequence_numbers_tell_what_was_lost():
    packets = [
        changed(p, sequence=(4000 + i) % 4096)
        for i, p in enumerate(heard(loss=0.0))
        if i % 10 not in (3, 4)
    ]
    windows, _ = framed(packets)
    assert all(w.lost_packets == pytest.approx(40, abs=2) for w in windows)


# Clocks


def test_times_that_repeat_or_come_late_are_left_out():
    packets = list(heard())
    reference, _ = framed(packets[:100] + packets[101:])
    odd = [*packets[:50], packets[49], *packets[50:100], *packets[101:105]]
    windows, counts = framed([*odd, packets[100], *packets[105:]])
    assert counts.refused_packets == {"repeated": 1, "out_of_order": 1}
    assert not counts.cuts
    assert len(windows) == len(reference)
    for window, expected in zip(windows, reference, strict=True):
        assert np.array_equal(window.values, expected.values)


@pytest.mark.parametrize(("jump_s", "kind"), [(-1.5, "clock_back"), (100.0, "pause")])
def test_no_window_spans_a_jump_of_the_clock(jump_s, kind):
    packets = heard(duration_s=8.0)
    jump = next(i for i, p in enumerate(packets) if p.time_ns > 3.3e9)
    moved = [
        changed(p, time_ns=p.time_ns + round((jump_s if i >= jump else 0) * 1e9))
        for i, p in enumerate(packets)
    ]
    windows, counts = framed(moved)
    assert counts.cuts == {kind: 1}
    assert counts.refused_windows["cut"] == 1
    before = [w for w in windows if w.time_ns < 1.4e9]
    after = [w for w in windows if w.time_ns >= packets[jump].time_ns + round(jump_s * 1e9)]
    assert len(before) == 3
    assert len(after) == 6
    assert errors(before).max() < 1.2 * NOISE
    assert errors(after, start_ns=round(jump_s * 1e9)).max() < 1.2 * NOISE


# Values: gain, outliers, broken packets


@pytest.mark.parametrize("antennas", [1, 3])
def test_gain_steps_of_6_db_vanish_and_motion_stays(antennas):
    steps = 0
    plain_errors, stepped_errors = [], []
    for seed in range(4):
        room = Room(seed=seed, antennas=antennas)
        plain, counts = framed(heard(room, 10.0, seed=seed))
        assert counts.gain_steps == counts.outliers == 0
        stepped, counts = framed(heard(room, 10.0, seed=seed, gain_steps_db=(6, -6, -6, 6)))
        steps += counts.gain_steps
        plain_errors.append(errors(plain, room))
        stepped_errors.append(errors(stepped, room))
        for window, expected in zip(stepped, plain, strict=True):
            assert motion_of(window) == pytest.approx(motion_of(expected), rel=0.35)
    assert steps == 16
    # a step of 6 dB left in would be an error of 0.33 to 0.5
    assert np.median(stepped_errors) < 1.1 * np.median(plain_errors)
    assert np.max(stepped_errors) < 0.12


def test_slow_fading_of_the_whole_band_is_no_gain_step():
    # by 8 dB and back each second, all subcarriers alike: division by a median would take it away
    fading = [
        changed(p, csi=p.csi * np.float32(10 ** (0.2 * np.sin(2e-9 * np.pi * p.time_ns))))
        for p in heard(Room(speed=0.3))
    ]
    windows, counts = framed(fading)
    assert counts.gain_steps == 0
    # from the mean to the top, 4 dB
    assert np.ptp(windows[0].amplitude.mean(axis=(1, 2))) > 1.0


def test_single_packets_of_another_gain_or_shape_are_replaced():
    rng = np.random.default_rng(3)
    packets = list(heard(Room(speed=0.3)))
    odd = [100, 203, 310, 402]
    for index in odd[:2]:
        packets[index] = changed(packets[index], csi=packets[index].csi * np.float32(0.5))
    for index in odd[2:]:
        noise = rng.standard_normal((2, *packets[index].csi.shape)).astype(np.float32)
        packets[index] = changed(packets[index], csi=noise[0] + 1j * noise[1])
    windows, counts = framed(packets)
    assert counts.outliers == 4
    assert counts.gain_steps == 0
    assert errors(windows, Room(speed=0.3)).max() < 1.15 * NOISE


def test_broken_packets_are_counted_and_left_out():
    packets = list(heard())
    clean, _ = framed(packets[:60] + packets[61:])
    one = packets[60]
    broken = [
        one.csi * np.nan,
        one.csi * 0,
        one.csi[:, :-1],
        one.csi[0],
        one.csi * np.float32(1e30),
    ]
    windows, counts = framed(
        packets[:60] + [changed(one, csi=csi) for csi in broken] + packets[61:]
    )
    assert counts.refused_packets == {"broken": 5}
    assert np.array_equal(windows[0].values, clean[0].values)


def test_what_comes_out_depends_on_the_packets_only():
    first, _ = framed(heard())
    again = list(frame_packets(iter(heard()), SPEC))
    assert all(np.array_equal(a.values, b.values) for a, b in zip(first, again, strict=True))


def test_amplitudes_alone_give_the_same_amplitudes():
    room = Room(antennas=2)
    full, _ = framed(heard(room))
    bare, _ = framed(heard(room, amplitude_only=True))
    assert bare[0].phase_difference is None
    assert np.allclose(bare[0].amplitude, full[0].amplitude, atol=1e-5)


def test_phase_between_antennas_is_kept_though_each_packet_has_its_own():
    # packets carry a random phase and a random delay of up to 100 ns; both are common to antennas
    room = Room(antennas=3, speed=0.3)
    windows, _ = framed(heard(room, layout="intel20"))
    turned = windows[2].phase_difference
    assert turned.shape == (200, 53, 2)
    assert np.allclose(np.abs(turned), 1, atol=1e-5)
    times = windows[2].time_ns * 1e-9 + np.arange(200) / 100
    channel = room.channel(times, np.arange(-26, 27))
    expected = (channel[:, 1:] * np.conj(channel[:, :1])).transpose(0, 2, 1)
    off = np.angle(turned * np.conj(expected))
    assert np.sqrt(np.mean(off**2)) < 0.05


# Frequency


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_nearly_the_same_window(layout):
    exact = {"snr_db": 300.0, "loss": 0.0, "jitter_s": 0.0}
    reference, _ = framed(heard(layout="ht20", **exact))
    windows, _ = framed(heard(layout=layout, **exact))
    difference = np.sqrt(np.mean((windows[3].values - reference[3].values) ** 2))
    most = {"ht40": 1e-4, "vht80": 1e-4, "intel20": 5e-4, "intel40": 2e-3}
    assert difference < most.get(layout, 1e-6)


def test_layouts_that_do_not_cover_the_span_are_refused():
    half = [changed(p, csi=p.csi[:, 28:], subcarriers=p.subcarriers[28:]) for p in heard()]
    windows, counts = framed(half)
    assert not windows
    assert counts.refused_packets == {"band": len(half)}
    holed = np.r_[-58:-5, 6:59]  # two channels of 20 MHz side by side
    with pytest.raises(InputError, match="hole"):
        SubcarrierMap(holed, SPACING_HZ, SPEC)
    with pytest.raises(InputError, match="ascend"):
        SubcarrierMap([3, 2, 1], SPACING_HZ, SPEC)


@pytest.mark.parametrize(("count", "is_covered"), [(1, 0), (40, 0), (51, 0), (53, 1), (256, 1)])
def test_guessed_layouts_are_used_where_they_cover_the_span(count, is_covered):
    packet = CsiPacket(np.ones((1, count), np.complex64), usual_indices(count), 0)
    _, counts = framed([packet])
    assert counts.refused_packets == ({} if is_covered else {"band": 1})


def test_two_channels_side_by_side_have_a_hole():
    with pytest.raises(InputError, match="hole"):
        halves = np.concatenate([HT_40 - 64, HT_40 + 64])
        SubcarrierMap(halves, SPACING_HZ, SPEC)


def test_dc_is_never_used_though_receivers_report_it():
    layout = LAYOUTS["bins64"]
    values = np.ones(64, np.float32)
    values[layout == 0] = 1e6
    assert np.allclose(SubcarrierMap(layout, SPACING_HZ, SPEC)(values), 1)
    wide = np.arange(-64, 64)
    values = np.where(np.abs(wide) <= 1, 1e6, 1).astype(np.float32)
    assert np.allclose(SubcarrierMap(wide, SPACING_HZ, SPEC)(values), 1)


def test_narrow_subcarriers_of_802_11ax_lie_at_their_frequencies():
    mapped = SubcarrierMap(HE_20, HE_SPACING_HZ, SPEC)((HE_20 * HE_SPACING_HZ).astype(np.float32))
    assert np.allclose(mapped, SPEC.frequencies_hz, atol=1.0)


# Senders


def test_senders_layouts_and_antennas_never_mix():
    other = Room(seed=7, antennas=2)
    streams = [
        [changed(p, mac="00:00:00:00:00:01") for p in heard()],
        [changed(p, mac="00:00:00:00:00:02") for p in heard(Room(seed=5), seed=5)],
        [changed(p, mac="00:00:00:00:00:02") for p in heard(other, seed=6, layout="legacy")],
    ]
    mixed = sorted((p for stream in streams for p in stream), key=lambda p: p.time_ns)
    windows, counts = framed(mixed)
    assert counts.cuts == {"link": 2}
    assert len(windows) == 27
    first = [w for w in windows if w.source.endswith("1")]
    alone, _ = framed(streams[0])
    for window, expected in zip(first, alone, strict=True):
        assert np.array_equal(window.values, expected.values)
    both = [w for w in windows if w.source.endswith("2")]
    assert errors([w for w in both if w.antennas == 1], Room(seed=5)).max() < 1.5 * NOISE
    assert {w.antennas for w in both} == {1, 2}


def test_mac_filter_takes_one_sender():
    mine = [changed(p, mac="AA:00:00:00:00:01") for p in heard()]
    others = [changed(p, mac=None, time_ns=p.time_ns + 1) for p in heard(seed=9)]
    mixed = sorted([*mine, *others], key=lambda p: p.time_ns)
    windows, counts = framed(mixed, mac="aa-00-00-00-00-01")
    assert len(windows) == 9
    assert counts.refused_packets == {"other_sender": len(others)}
    assert counts.packets == len(mixed)


@pytest.mark.parametrize("wrong", ["aa:bb", "00:11:22:33:44:5g", "001122334455"])
def test_what_is_no_mac_is_refused(wrong):
    with pytest.raises(UsageError, match=wrong):
        parse_mac(wrong)


def test_memory_is_bounded():
    framer = CsiFramer(SPEC)
    packet = heard()[0]
    for i in range(3 * MAX_LINKS):
        framer.push(changed(packet, mac=f"00:00:00:00:00:{i:02x}"))
    assert len(framer._links) == MAX_LINKS
    framer = CsiFramer(SPEC)
    rng = np.random.default_rng(1)
    for i in range(12_000):  # 2000 packets/s for 6 s
        csi = packet.csi * rng.normal(1, 0.01, packet.csi.shape).astype(np.float32)
        framer.push(changed(packet, csi=csi, time_ns=i * 500_000))
    grid = next(iter(framer._links.values()))._grid
    # two a row, of a window, a hop and the rows beside them
    assert sum(len(cell.points) for cell in grid._cells) <= 2 * (SPEC.rows + SPEC.hop_rows + 4)
    assert len(framer.finish()) + framer.counts.windows > 0


# A real receiver


def test_real_recordings_hold_no_gain_steps_and_few_outliers(shared_data):
    # ESP32, 100 packets/s, a person moves; single packets there have another gain
    files = sorted((shared_data / "csi/stability-csi-har/labelled/D1").glob("*-x.npy"))[:4]
    assert len(files) == 4
    for file in files:
        values = np.load(file).T.astype(np.float32)
        packets = [
            CsiPacket(row[None], LAYOUTS["ht20"], i * 10_000_000) for i, row in enumerate(values)
        ]
        windows, counts = framed(packets)
        assert len(windows) >= 10
        assert counts.gain_steps == 0
        assert counts.outliers <= 2
