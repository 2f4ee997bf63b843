# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI of ESP32 that is none, logs that other systems wrote, and columns in any order."""

import codecs

import csi_files as files
import numpy as np
import pytest
from csi_room import Receiver, Room

from radiofm_core.csi import subcarriers
from radiofm_core.csi.capture import Tally
from radiofm_core.csi.formats.esp32 import LineParser
from radiofm_core.csi.formats.esp32_faults import REPEATED, REPEATS
from radiofm_core.csi.live.esp32_serial import Esp32SerialSource
from radiofm_core.csi.reader import open_csi, read_csi
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import frame_packets
from radiofm_core.errors import InputError

C5_HEADER = (
    "type,id,mac,rssi,rate,noise_floor,fft_gain,agc_gain,channel,local_timestamp,sig_len,rx_state,"
    "len,first_word,data"
)


def c5_line(buffer, ticks, mac=files.SENDER) -> str:
    numbers = ",".join(map(str, buffer))
    return f'CSI_DATA,3,{mac},-40,11,-96,9,20,11,{ticks},47,0,{len(buffer)},0,"[{numbers}]"'


def room(count, speed=0.0, peak=60.0):
    """complex (count, 53) around DC, a packet each 10 ms, with noise."""
    packets = Receiver(loss=0.0, snr_db=35.0).packets(Room(speed=speed), count / 100 + 0.02)
    csi = np.array([packet.csi[0] for packet in packets[:count]])
    wanted = np.zeros((count, 53), complex)
    wanted[:, packets[0].subcarriers[np.abs(packets[0].subcarriers) <= 26] + 26] = csi[
        :, np.abs(packets[0].subcarriers) <= 26
    ]
    return wanted * peak / np.abs(wanted).max()


def eight_bits(csi):
    """Buffers (packets, 106) of signed bytes."""
    return [files.buffer_of(np.round(row)) for row in csi]


def twelve_bits(csi, scale=8):
    """Buffers (packets, 106) of 53 numbers of 12 bits, lower byte first: real and imaginary part of
    every second subcarrier from -26 up, of the last one the real part alone."""
    some = csi[:, ::2] * scale
    numbers = np.stack([some.real, some.imag], -1).round().astype(np.int16)
    numbers = numbers.reshape(len(csi), -1)[:, :53]
    halves = np.stack([numbers & 0xFF, numbers >> 8 & 0x0F], -1).reshape(len(csi), -1)
    return np.where(halves > 127, halves - 256, halves).tolist()


def c5_lines(buffers):
    return [c5_line(buffer, 10_000 * k) for k, buffer in enumerate(buffers)]


def refused(path) -> str:
    with pytest.raises(InputError) as caught:
        read_csi(path)
    told = str(caught.value)
    assert "\n" not in told
    return told


def through_serial(lines):
    """(packets, tally) of lines that come over a serial port."""

    class Port:
        in_waiting = 4096
        rest = "".join(f"{line}\r\n" for line in lines).encode()

        def read(self, size):
            piece, self.rest = self.rest[:size], self.rest[size:]
            return piece

    source = Esp32SerialSource("/dev/null")
    source._serial = Port()
    packets = []
    while source._serial.rest:
        packets += [packet for packet in source._read() if source.tally.accept(packet)]
    return packets, source.tally


# ---- 12 bits


@pytest.mark.parametrize("scale", [8, 16])
def test_12_bit_estimates_are_read(write_file, scale):
    csi = room(40, 1.0)
    lines = c5_lines(twelve_bits(csi, scale))
    capture = read_csi(write_file(lines))
    assert len(capture.packets) == 40 and capture.skipped == {}
    indices = np.array([*range(-26, 0, 2), *range(2, 27, 2)])
    for packet, row in zip(capture.packets, csi, strict=True):
        assert packet.subcarriers.tolist() == indices.tolist() and packet.csi.shape == (1, 26)
        wanted = np.round(row[indices[:-1] + 26] * scale)
        assert np.array_equal(packet.csi[0, :-1], wanted.astype(np.complex64))
        # half of the last one is not told: it is as its neighbour
        assert packet.csi[0, -1] == packet.csi[0, -2]
    packets, tally = through_serial(lines)
    assert len(packets) == 40 and not tally.skipped


def test_windows_of_12_bits_are_those_of_8(write_file):
    csi = room(420, 1.0)
    spec = CsiSpec()
    windows = [
        list(frame_packets(open_csi(write_file(c5_lines(buffers), name)), spec))
        for name, buffers in (("8.csv", eight_bits(csi)), ("12.csv", twelve_bits(csi)))
    ]
    assert len(windows[0]) == len(windows[1]) > 3
    for one, other in zip(*windows, strict=True):
        # between every second subcarrier the room's channel is interpolated; the last one is held
        assert np.abs(one.values - other.values)[:, :-2].max() < 0.1


def test_12_bits_of_another_length_are_named(write_file):
    buffers = twelve_bits(room(40, 1.0))
    told = refused(write_file(c5_lines([[*buffer, 0, 0, 0, 0] for buffer in buffers])))
    assert "40 × estimate of 12 bits in 110 bytes, an unknown layout" in told


def test_packets_of_8_and_12_bits_do_not_mix(write_file):
    csi = room(40, 1.0)
    mixed = [*eight_bits(csi[:20]), *twelve_bits(csi[20:])]
    capture = read_csi(write_file(c5_lines(mixed)))
    assert [packet.csi.shape[1] for packet in capture.packets] == [52] * 20 + [26] * 20


@pytest.mark.parametrize("real", [0, 1, 3, 8, 12, 14, 15])
def test_a_flat_channel_is_no_12_bit_estimate(write_file, real):
    rng = np.random.default_rng(real)
    csi = real + 1j * rng.integers(20, 30, (40, 53))
    csi[:, 26] = 0
    assert len(read_csi(write_file(c5_lines(eight_bits(csi)))).packets) == 40


# ---- the same again and again


@pytest.mark.parametrize("different", [1, 2])
def test_an_estimate_that_is_repeated_is_refused(write_file, different):
    buffers = eight_bits(room(different, 1.0)) * (60 // different)
    lines = c5_lines(buffers)
    told = refused(write_file(lines))
    assert f"60 × {REPEATED}" in told and "the firmware repeats one estimate" in told
    # live, what came before it could be told was given on
    packets, tally = through_serial(lines)
    assert len(packets) == REPEATS - 1 and tally.skipped == {REPEATED: 60 - len(packets)}


def test_an_estimate_that_stops_changing_is_counted(write_file):
    moving = eight_bits(room(50, 1.0))
    capture = read_csi(write_file(c5_lines([*moving, *[moving[-1]] * 40, *moving])))
    # one before them and one after them could be of two that take turns
    refused_ones = 1 + 41 + 1 - (REPEATS - 1)
    assert capture.skipped == {REPEATED: refused_ones}
    assert len(capture.packets) == 140 - refused_ones


def test_one_sender_that_repeats_takes_no_other_with_it(write_file):
    moving = eight_bits(room(50, 1.0))
    lines = []
    for k, buffer in enumerate(moving):
        lines += [
            c5_line(buffer, 10_000 * k),
            c5_line(moving[0], 10_000 * k + 5000, "02" + ":00" * 5),
        ]
    capture = read_csi(write_file(lines))
    assert sum(packet.mac == files.SENDER for packet in capture.packets) == 50
    assert capture.skipped == {REPEATED: 50 - (REPEATS - 1)}
    assert capture.steps_back == 0


@pytest.mark.parametrize("peak", [8.0, 60.0])
def test_a_still_room_is_not_refused(write_file, peak):
    capture = read_csi(write_file(c5_lines(eight_bits(room(300, 0.0, peak)))))
    assert len(capture.packets) == 300 and capture.skipped == {}


def test_few_packets_may_be_alike(write_file):
    lines = c5_lines(eight_bits(room(1)) * (REPEATS - 1))
    assert len(read_csi(write_file(lines)).packets) == REPEATS - 1


def test_csi_that_is_zero_is_told_as_such(write_file):
    assert "is zero" in refused(write_file(c5_lines([[0] * 106] * 400)))


def test_real_recordings_are_not_refused(shared_data):
    for path in sorted((shared_data / "csi/esp32_motion").glob("*.npz")):
        parser = LineParser(Tally())
        csi = [packet.csi[0] for packet in open_csi(path)]
        buffers = [files.buffer_of(row[2:55]) for row in csi]
        packets = [parser.parse(line.encode()) for line in c5_lines(buffers)]
        assert len(packets) > 1000 and None not in packets, path.name


# ---- texts of other systems


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF8, "utf-8"),
    ],
)
def test_what_windows_powershell_writes_is_read(tmp_path, mark, encoding):
    buffers = eight_bits(room(30, 1.0))
    # an order of columns that only the first line tells, and the longest buffer there is
    names = C5_HEADER.replace("type,id", "type,note,id")
    lines = [line.replace("CSI_DATA,", "CSI_DATA,ü,") for line in c5_lines(buffers)]
    path = tmp_path / "x.csv"
    path.write_bytes(mark + "\r\n".join([names, *lines, ""]).encode(encoding))
    capture = read_csi(path)
    assert (capture.format, len(capture.packets), capture.skipped) == ("ESP32", 30, {})
    plain = tmp_path / "plain.csv"
    plain.write_text("\n".join(c5_lines(buffers)))
    for one, other in zip(capture.packets, read_csi(plain).packets, strict=True):
        assert np.array_equal(one.csi, other.csi)
        assert (one.time_ns, one.mac, one.rssi_dbm) == (other.time_ns, other.mac, other.rssi_dbm)


def test_the_longest_line_is_whole_in_utf_16(tmp_path):
    buffer = [-128 + k % 2 for k in range(612)]
    line = files.esp_csi_line(buffer, 2**31, secondary=2, bandwidth=1, stbc=1)
    path = tmp_path / "x.csv"
    path.write_bytes((line + "\r\n").encode("utf-16"))
    (packet,) = read_csi(path).packets
    assert np.array_equal(packet.subcarriers, subcarriers.HT_40)


# ---- columns


def in_order(names, of, buffer):
    numbers = ",".join(map(str, buffer))
    return ",".join(f'"[{numbers}]"' if n in ("data", "CSI_DATA") else of[n] for n in names)


OF = {
    "type": "CSI_DATA",
    "seq": "9",
    "timestamp": "2026-01-02 03:04:05.678",
    "taget_seq": "1",
    "target": "a",
    "mac": files.SENDER,
    "src_mac": files.SENDER,
    "rssi": "-44",
    "sig_mode": "0",
    "bandwidth": "1",
    "cwb": "1",
    "stbc": "0",
    "channel": "6",
    "secondary_channel": "1",
    "channel_secondary": "1",
    "local_timestamp": "7000",
    "timestamp_us": "7000",
    "len": "128",
    "first_word": "0",
    "first_word_invalid": "0",
    "class": "walk",
    "pc_timestamp": "1.5",
}


@pytest.mark.parametrize(
    "names",
    [
        "type,seq,timestamp,taget_seq,target,mac,rssi,sig_mode,cwb,stbc,channel,channel_secondary,"
        "local_timestamp,len,first_word_invalid,data",
        "type,seq,timestamp_us,src_mac,rssi,sig_mode,cwb,stbc,secondary_channel,len,"
        "first_word_invalid,data",
        "type,data,len,stbc,bandwidth,sig_mode,secondary_channel,local_timestamp,first_word,rssi,mac",
        "type,mac,rssi,sig_mode,bandwidth,stbc,secondary_channel,local_timestamp,first_word,CSI_DATA,"
        "pc_timestamp,class",
    ],
)
@pytest.mark.parametrize("before", ["", "# CSV: ", "I (312) csi: "])
def test_lines_are_read_by_their_headers_names(write_file, names, before):
    values = files.estimate(1, 64, 127)[:, 0]
    buffer = files.buffer_of(values)
    line = in_order(names.split(","), OF, buffer)
    noise = "W (20) wifi: packet type,0,unknown"
    (packet,) = read_csi(write_file([before + names, noise, line])).packets
    assert packet.time_ns == 7_000_000 and packet.rssi_dbm == -44 and packet.mac == files.SENDER
    # the legacy field of a channel whose second half lies above
    assert np.array_equal(packet.subcarriers, subcarriers.NON_HT_20)
    assert packet.csi[0].tolist() == [values[index + 32] for index in packet.subcarriers.tolist()]


@pytest.mark.parametrize("mark", ["CSI_DATA", "x"])
@pytest.mark.parametrize("first", ["mac", "rssi", "data"])
def test_type_may_be_any_column_and_rows_need_no_mark(write_file, mark, first):
    rest = "rssi,channel,type,sig_mode,bandwidth,stbc,secondary_channel,local_timestamp,mac,data"
    names = [first, *(name for name in rest.split(",") if name != first)]
    values = files.estimate(1, 64, 127)[:, 0]
    line = in_order(names, OF | {"type": mark}, files.buffer_of(values))
    # a data frame's number is before all
    (packet,) = read_csi(write_file([",".join(names), line])).packets
    assert (packet.time_ns, packet.rssi_dbm, packet.mac) == (7_000_000, -44, files.SENDER)
    assert packet.csi.shape == (1, 52)


def test_columns_that_are_written_by_name(write_file):
    values = files.estimate(1, 64, 127)[:, 0]
    numbers = ",".join(map(str, files.buffer_of(values)))
    told = "local_timestamp=7000,mac={mac},rssi=-44,sig_mode=0,cwb=1,stbc=0,channel_secondary=1"
    line = f"CSI_DATA,{told.format(mac=files.SENDER)},data=[{numbers}],first_word_invalid=0"
    (packet,) = read_csi(write_file([line])).packets
    assert (packet.time_ns, packet.rssi_dbm, packet.mac) == (7_000_000, -44, files.SENDER)
    assert packet.csi[0].tolist() == [values[index + 32] for index in packet.subcarriers.tolist()]


def c6_buffer(table, size, order):
    """(buffer, {index: value}) of a whole FFT with nothing but a table's subcarriers."""
    values = dict(zip(table.tolist(), files.estimate(1, len(table), 120)[:, 0] + 1, strict=True))
    places = (
        range(-size // 2, size // 2)
        if order == "up"
        else [*range(size // 2), *range(-size // 2, 0)]
    )
    return files.buffer_of(np.array([values.get(index, 0) for index in places])), values


@pytest.mark.parametrize("order", ["up", "fft"])
@pytest.mark.parametrize(
    ("table", "size"),
    [(subcarriers.NON_HT_20, 64), (subcarriers.HT_20, 64), (subcarriers.HT_40, 128),
     (subcarriers.HE_20, 256)],
)  # fmt: skip
def test_a_whole_fft_of_an_esp32_c6(write_file, table, size, order):
    buffer, values = c6_buffer(table, size, order)
    (packet,) = read_csi(write_file([c5_line(buffer, 5)])).packets
    assert np.array_equal(packet.subcarriers, table)
    assert packet.csi[0].tolist() == [values[index] for index in table.tolist()]
    assert packet.subcarrier_hz == (78125 if size == 256 else 312500)


def test_a_whole_fft_without_empty_places_is_no_estimate(write_file):
    told = refused(write_file([c5_line([7] * 128, 5)]))
    assert "buffer of 128 bytes, which no packet format has" in told


def test_another_programs_header_does_not_matter(write_file):
    # a script of esp-csi writes the ESP32's columns above the lines of a C5
    lines = c5_lines(eight_bits(room(5, 1.0)))
    assert len(read_csi(write_file([files.ESP_CSI_HEADER, *lines])).packets) == 5


def test_a_column_that_is_missing_is_named(write_file):
    names = "type,mac,rssi,sig_mode,bandwidth,stbc,local_timestamp,len,data"
    line = in_order(names.split(","), OF, [1] * 128)
    assert "line without the column secondary_channel" in refused(write_file([names, line]))
