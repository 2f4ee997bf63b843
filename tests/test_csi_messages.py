# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with CSI: what gr-ieee802-11 really sends, the own dict, and what is refused."""

import numpy as np
import pmt
import pytest
from gnuradio.radiofm.pmts.csi_messages import csi_packet
from gnuradio.radiofm.pmts.messages import make_pdu, to_pmt

from radiofm_core.csi import subcarriers
from radiofm_core.csi.formats.gr_ieee80211 import packet_from_gr_ieee80211
from radiofm_core.errors import InputError, UsageError

CSI = (np.arange(1, 53) + 1j).astype(np.complex64)
DATA_FRAME = bytes.fromhex("08010000 aabbccddeeff 020304050607 111213141516 3012 00")


def test_metadata_of_gr_ieee802_11():
    packet = packet_from_gr_ieee80211({"csi": CSI, "snr": 3.0}, 17, DATA_FRAME)
    assert packet.csi.shape == (1, 52) and np.array_equal(packet.csi[0], CSI)
    assert packet.subcarriers.tolist() == [*range(-26, 0), *range(1, 27)]
    assert packet.time_ns == 17 and packet.time_is_absolute
    assert (packet.mac, packet.sequence) == ("02:03:04:05:06:07", 0x123)
    # An ACK has no sender
    assert packet_from_gr_ieee80211({"csi": CSI}, 17, b"\xd4" + bytes(9)).mac is None


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "without 'csi'"),
        ({"snr": 1.0}, "it has 'snr'"),
        ({"csi": CSI[:48]}, r"expected 52 complex numbers, got .* shape \(48,\)"),
        ({"csi": "x"}, "52 complex"),
        ({"csi": CSI * 0}, "all-zero"),
        ({"csi": CSI * np.nan}, "not finite"),
    ],
)
def test_metadata_that_cannot_be_used(metadata, words):
    with pytest.raises(InputError, match=words):
        packet_from_gr_ieee80211(metadata, 0)


def test_real_messages_of_gr_ieee802_11(gr_ieee80211_messages):
    packets = []
    for message in gr_ieee80211_messages:
        packets.append(csi_packet(message, len(packets)))
        wanted = pmt.dict_ref(pmt.car(message), pmt.intern("csi"), pmt.PMT_NIL)
        assert np.array_equal(packets[-1].csi[0], np.array(pmt.c32vector_elements(wanted)))
    assert len(packets) == 7 and [packet.time_ns for packet in packets] == list(range(7))
    for packet in packets:
        assert packet.csi.dtype == np.complex64 and packet.csi.flags.writeable
        # The channel of a cable: neighbours differ little, DC is not among them
        assert np.abs(np.diff(packet.csi[0])).max() < 0.2 * np.abs(packet.csi).max()
    # ACKs do not name their sender, longer frames do
    assert packets[0].mac is None
    assert "e8:de:27:90:6e:42" in {packet.mac for packet in packets}


def test_pdu_names_the_sender_and_other_entries_do_not_matter():
    meta = pmt.dict_add(to_pmt({"csi": CSI}), pmt.intern("odd"), pmt.from_complex(1j))
    frame = pmt.init_u8vector(len(DATA_FRAME), list(DATA_FRAME))
    packet = csi_packet(pmt.cons(meta, frame), 5)
    assert packet.sequence == 0x123 and packet.time_ns == 5


def test_own_dict_with_antennas_and_time():
    csi = (np.arange(1, 113) * 1j).astype(np.complex64)
    message = {"csi": csi, "rows": 2, "cols": 56, "rx_time": (1_700_000_000, 0.25)}
    for sent in (to_pmt(message), make_pdu(message, np.zeros(1, np.float32))):
        packet = csi_packet(sent, 5)
        assert np.array_equal(packet.csi, csi.reshape(2, 56))
        assert np.array_equal(packet.subcarriers, subcarriers.HT_20)
        assert packet.time_ns == 1_700_000_000_250_000_000 and packet.time_is_absolute
    del message["rx_time"]
    assert csi_packet(to_pmt(message), 5).time_ns == 5


def test_own_pdu_can_have_the_values_as_its_vector():
    values = np.arange(1, 113, dtype=np.float32)
    packet = csi_packet(make_pdu({"rows": 2, "cols": 56}, values), 5)
    assert packet.csi.dtype == np.float32 and packet.csi.flags.writeable
    assert np.array_equal(packet.csi, values.reshape(2, 56))


def test_everything_that_a_message_can_tell():
    told = {
        "csi": CSI[:4],
        "subcarriers": [-3, -1, 1, 3],
        "subcarrier_spacing": 78125.0,
        "rx_time": (5, 0.25),
        "mac": "02-AB-00-00-00-01",
        "rssi": -50,
        "sequence": 4095,
    }
    packet = csi_packet(to_pmt(told), 17)
    assert packet.subcarriers.dtype == np.int16 and packet.subcarriers.tolist() == [-3, -1, 1, 3]
    assert packet.subcarrier_hz == 78125.0
    # So small a time is not since 1970
    assert (packet.time_ns, packet.time_is_absolute) == (5_250_000_000, False)
    assert (packet.mac, packet.rssi_dbm, packet.sequence) == ("02:ab:00:00:00:01", -50.0, 4095)
    bare = csi_packet(to_pmt({"csi": CSI, "cols": 52}), 17)
    assert bare.subcarrier_hz == subcarriers.SPACING_HZ
    assert (bare.mac, bare.rssi_dbm, bare.sequence) == (None, None, None)


def test_a_message_of_gr_ieee802_11_can_tell_more():
    frame = pmt.init_u8vector(len(DATA_FRAME), list(DATA_FRAME))
    packet = csi_packet(pmt.cons(to_pmt({"csi": CSI, "rssi": -60.5, "rx_time": (7, 0)}), frame), 5)
    assert (packet.time_ns, packet.rssi_dbm, packet.sequence) == (7 * 10**9, -60.5, 0x123)


def test_a_number_of_subcarriers_that_nobody_knows_lies_about_dc():
    packet = csi_packet(to_pmt({"csi": CSI[:51], "cols": 51}), 0)
    assert packet.subcarriers.tolist() == list(range(-25, 26))


OWN = {"csi": CSI, "rows": 1, "cols": 52}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (pmt.from_double(1.0), "expected a dict or a PDU with CSI, got 1"),
        (pmt.PMT_T, "expected a dict or a PDU with CSI"),
        (pmt.make_vector(2, pmt.PMT_NIL), "expected a dict or a PDU with CSI"),
        (to_pmt(OWN | {"rows": 2, "cols": 56}), "rows 2, cols 56 and 52 values"),
        (to_pmt(OWN | {"rows": -1, "cols": -52}), "rows -1, cols -52"),
        (to_pmt(OWN | {"rows": "a"}), "rows 'a'"),
        (to_pmt(OWN | {"csi": 1.0}), "csi: expected .* got 1.0"),
        (to_pmt({"csi": [[1], [2, 3]]}), "complex64 or float32"),
        (to_pmt(OWN | {"csi": np.ones(52, np.uint8)}), "complex64 or float32"),
        (pmt.cons(to_pmt({"cols": 2}), pmt.init_s16vector(2, [1, 2])), "complex64 or float32"),
        (to_pmt(OWN | {"subcarriers": "x"}), "subcarriers: expected .* got 'x'"),
        (to_pmt(OWN | {"subcarriers": [1, 2]}), "52 indices"),
        (to_pmt(OWN | {"subcarriers": [[1]] * 52}), "52 indices"),
        (
            to_pmt(OWN | {"subcarrier_spacing": 78125.0}),
            "expected 312500 Hz .* without subcarriers",
        ),
        (to_pmt(OWN | {"subcarrier_spacing": "x"}), "spacing: expected .* got 'x'"),
        (to_pmt({"csi": CSI, "subcarriers": [*range(52)], "subcarrier_spacing": -1.0}), "above"),
        (to_pmt(OWN | {"rx_time": 1.0}), "rx_time: expected .* got 1.0"),
        (to_pmt(OWN | {"rx_time": (1, float("nan"))}), "rx_time"),
        (to_pmt({"csi": CSI, "rx_time": (1, "a")}), "rx_time"),
        (to_pmt(OWN | {"mac": "here"}), "here"),
        (to_pmt(OWN | {"mac": CSI}), "mac: expected text"),
        (to_pmt(OWN | {"rssi": CSI}), "expected a finite number"),
        (to_pmt(OWN | {"subcarrier_spacing": CSI}), "expected a finite number"),
        (to_pmt(OWN | {"rssi": "x"}), "rssi: expected .* got 'x'"),
        (to_pmt(OWN | {"sequence": 4096}), "sequence: expected .* got 4096"),
        (to_pmt(OWN | {"sequence": 1.5}), "sequence: expected .* got 1.5"),
    ],
)
def test_messages_of_another_kind_are_refused(message, words):
    with pytest.raises(UsageError, match=words) as caught:
        csi_packet(message, 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"x": 1}, "without 'csi'"),
        ({"csi": CSI[:5]}, "52 complex"),
        (OWN | {"csi": CSI * 0}, "all-zero"),
        (OWN | {"csi": np.abs(CSI) * np.float32(np.nan)}, "not finite"),
        (OWN | {"rx_time": (2**40, 0.0)}, "time out of range"),
        (OWN | {"subcarriers": [0] * 52}, "ascend"),
        (OWN | {"subcarriers": [*range(51), 70_000]}, "ascend"),
    ],
)
def test_messages_without_usable_csi_are_refused(message, words):
    with pytest.raises(InputError, match=words):
        csi_packet(to_pmt(message), 0)
