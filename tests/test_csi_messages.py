# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with CSI: what gr-ieee802-11 really sends, the own dict, and what is refused."""

import numpy as np
import pmt
import pytest
from gnuradio.radiofm.csi_messages import csi_packet
from gnuradio.radiofm.messages import make_pdu, to_pmt

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
        ({"csi": CSI[:48]}, r"shape \(48,\); 52 complex"),
        ({"csi": "x"}, "52 complex"),
        ({"csi": CSI * 0}, "all-zero"),
        ({"csi": CSI * np.nan}, "not finite"),
    ],
)
def test_metadata_that_cannot_be_used(metadata, words):
    with pytest.raises(InputError, match=words):
        packet_from_gr_ieee80211(metadata, 0)


def test_real_messages_of_gr_ieee802_11(shared_data):
    data = (shared_data / "csi/formats/gr-ieee802-11.pdus").read_bytes()
    packets = []
    while data:
        message = pmt.deserialize_str(data)
        data = data[len(pmt.serialize_str(message)) :]
        packets.append(csi_packet(message, len(packets)))
        wanted = pmt.dict_ref(pmt.car(message), pmt.intern("csi"), pmt.PMT_NIL)
        assert np.array_equal(packets[-1].csi[0], np.array(pmt.c32vector_elements(wanted)))
    assert len(packets) == 7 and [packet.time_ns for packet in packets] == list(range(7))
    for packet in packets:
        assert packet.csi.dtype == np.complex64 and packet.csi.flags.writeable
        # The channel of a cable: neighbours differ little, DC is not among them
        assert np.abs(np.diff(packet.csi[0])).max() < 0.2 * np.abs(packet.csi).max()


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


@pytest.mark.parametrize(
    "message",
    [
        pmt.from_double(1.0),
        pmt.PMT_T,
        pmt.make_vector(2, pmt.PMT_NIL),
        to_pmt({"csi": CSI, "rows": 2, "cols": 56}),
        to_pmt({"csi": 1.0, "rows": 2, "cols": 56}),
        to_pmt({"csi": CSI, "rows": 1, "cols": 52, "rx_time": 1.0}),
        to_pmt({"csi": CSI, "rows": "a", "cols": 52}),
    ],
)
def test_messages_of_another_kind_are_refused(message):
    with pytest.raises(UsageError):
        csi_packet(message, 0)


def test_messages_without_usable_csi_are_refused():
    for message in ({"x": 1}, {"csi": CSI[:5]}, {"csi": CSI * 0, "rows": 1, "cols": 52}):
        with pytest.raises(InputError):
            csi_packet(to_pmt(message), 0)
