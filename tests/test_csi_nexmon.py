# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI of nexmon: bandwidths, chips, antennas that come one by one, cut captures."""

import csi_files as files
import numpy as np
import pytest

from radiofm_core.csi.reader import read_csi
from radiofm_core.errors import InputError


@pytest.mark.parametrize(
    ("bits", "size", "last", "first"),
    [(0x1000, 64, 28, 1), (0x1800, 128, 58, 2), (0x2000, 256, 122, 2)],
)
@pytest.mark.parametrize(
    ("order", "nano", "link"), [("<", False, 1), (">", True, 101), ("<", True, 113)]
)
def test_nexmon_bandwidths_and_kinds_of_capture(
    write_file, bits, size, last, first, order, nano, link
):
    csi = files.estimate(1, size, 8000)[:, 0]
    words = files.int16_words(csi)
    data = [files.nexmon_datagram(words, chanspec=bits | 1, sequence=n) for n in (5, 6)]
    capture = read_csi(write_file(files.pcap(data, order=order, nano=nano, link=link)))
    assert (capture.format, capture.chip) == ("nexmon", "43455c0")
    one, two = capture.packets
    assert one.subcarriers.tolist() == [*range(-last, 1 - first), *range(first, last + 1)]
    # FFT order: index 0 first, -1 last
    assert np.array_equal(one.csi[0], csi[one.subcarriers])
    assert two.time_ns - one.time_ns == 100_000 and one.time_is_absolute
    assert one.time_ns == 1_700_000_000 * 10**9
    assert (one.mac, one.sequence, one.rssi_dbm) == (files.SENDER, 5, -50)


@pytest.mark.parametrize(
    ("chip", "number", "mantissa", "exponent"), [("4358", 3, 9, 5), ("4366c0", 106, 12, 6)]
)
@pytest.mark.parametrize("says_chip", [True, False])
def test_nexmon_floating_point_chips_and_their_antennas(
    write_file, chip, number, mantissa, exponent, says_chip
):
    rng = np.random.default_rng(2)
    limit = 1 << (mantissa - 1)
    parts = rng.integers(1 - limit, limit, (2, 4, 64))
    powers = rng.integers(-(1 << exponent - 1), 1 << exponent - 1, (4, 64))
    places = [(1, 0), (0, 0), (0, 1), (1, 1)]
    data = [
        files.nexmon_datagram(
            files.float_words(*parts[:, i], powers[i], mantissa, exponent),
            *place,
            chip=number if says_chip else 0xDEAD,
            rssi=None,
        )
        for i, place in enumerate(places)
    ]
    capture = read_csi(write_file(files.pcap(data)))
    assert capture.chip == chip
    (packet,) = capture.packets
    # Streams slowly, receiving cores fast: (0, 0), (1, 0), (0, 1), (1, 1)
    wanted = ((parts[0] + 1j * parts[1]) * 2.0**powers)[[1, 0, 2, 3]]
    assert np.array_equal(packet.csi, wanted[:, packet.subcarriers].astype(np.complex64))
    assert packet.rssi_dbm is None


def test_datagrams_of_other_packets_are_not_joined(write_file):
    words = files.float_words(*np.full((2, 64), 9), np.zeros(64, int), 9, 5)

    def datagram(core, sequence):
        return files.nexmon_datagram(words, core, chip=3, sequence=sequence)

    # The second core of packet 7 was lost; 9 is sent twice by the same core
    data = [datagram(0, 7), datagram(0, 8), datagram(1, 8), datagram(0, 9), datagram(0, 9)]
    capture = read_csi(write_file(files.pcap(data)))
    assert [(p.sequence, len(p.csi)) for p in capture.packets] == [(7, 1), (8, 2), (9, 1), (9, 1)]
    late = read_csi(write_file(files.pcap(data[1:3], step_us=50_000)))
    assert [len(p.csi) for p in late.packets] == [1, 1]


def test_zero_csi_of_nexmon_is_an_error_that_says_so(write_file):
    path = write_file(files.pcap([files.nexmon_datagram(np.zeros(64, "<u4"))] * 3))
    with pytest.raises(InputError, match=r"CSI of all 3 packets is zero.*makecsiparams"):
        read_csi(path)


def test_unknown_chips_and_bandwidths_are_named(write_file):
    words = files.int16_words(files.estimate(1, 64, 99)[:, 0])
    with pytest.raises(InputError, match=r"unknown chip \(number 105; known: 4339, 4358"):
        read_csi(write_file(files.pcap([files.nexmon_datagram(words, chip=105)])))
    with pytest.raises(InputError, match="chanspec 0x2801"):
        # of another length than any width has
        longer = np.append(words, words[:2])
        read_csi(write_file(files.pcap([files.nexmon_datagram(longer, chanspec=0x2801)])))


def test_a_cut_capture_gives_what_is_whole(write_file):
    words = files.int16_words(files.estimate(1, 64, 99)[:, 0])
    whole = files.pcap([files.nexmon_datagram(words, sequence=n) for n in range(3)])
    capture = read_csi(write_file(whole[:-5]))
    assert len(capture.packets) == 2
    assert capture.skipped == {"cut off at the end of the file": 1}
    with pytest.raises(InputError, match=r"no packet can be used \(1 × cut off"):
        read_csi(write_file(whole[:100]))
    with pytest.raises(InputError, match="no packet found; capture with"):
        read_csi(write_file(whole[:24]))
