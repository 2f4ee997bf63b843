# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI of ESP32: what each training field, program and line of a log holds."""

import csi_files as files
import numpy as np
import pytest

from radiofm_core.csi import subcarriers
from radiofm_core.csi.reader import read_csi


def esp_buffer(*fields):
    """(buffer, {index: value}) of the last of these training fields, as index lists."""
    count = sum(map(len, fields))
    values = files.estimate(1, count, 127)[:, 0]
    last = values[count - len(fields[-1]) :]
    return files.buffer_of(values), dict(zip(fields[-1], last, strict=True))


FFT_20 = [*range(32), *range(-32, 0)]
FFT_40 = [*range(64), *range(-64, 0)]
ABOVE, BELOW = 1, 2


@pytest.mark.parametrize(
    ("fields", "settings", "centre", "table"),
    [
        ([FFT_20], {"sig_mode": 0}, 0, subcarriers.NON_HT_20),
        ([FFT_20, FFT_20], {}, 0, subcarriers.HT_20),
        ([range(-64, 0)], {"sig_mode": 0, "secondary": ABOVE}, -32, subcarriers.NON_HT_20),
        ([range(64), range(64)], {"secondary": BELOW}, 32, subcarriers.HT_20),
        ([range(64), FFT_40], {"secondary": BELOW, "bandwidth": 1}, 0, subcarriers.HT_40),
        ([range(-64, 0), FFT_40], {"secondary": ABOVE, "bandwidth": 1}, 0, subcarriers.HT_40),
        ([FFT_40], {"secondary": ABOVE, "bandwidth": 1}, 0, subcarriers.HT_40),
    ],
)
def test_esp_csi_training_fields(write_file, fields, settings, centre, table):
    buffer, wanted = esp_buffer(*fields)
    lines = [
        "I (312) wifi: started",
        files.ESP_CSI_HEADER,
        files.esp_csi_line(buffer, 2**31 - 1, **settings),
        "garbage" + files.esp_csi_line(buffer, -(2**31) + 99, **settings),
    ]
    capture = read_csi(write_file(lines))
    assert (capture.format, capture.chip, capture.skipped) == ("ESP32", "esp-csi", {})
    first, second = capture.packets
    assert np.array_equal(first.subcarriers, table)
    assert first.csi[0].tolist() == [wanted[index + centre] for index in table.tolist()]
    assert first.csi.shape == (1, len(table)) and first.subcarrier_hz == 312.5e3
    # The chip's clock is printed as a signed number
    assert second.time_ns - first.time_ns == 100_000
    assert (first.mac, first.rssi_dbm, first.sequence) == (files.SENDER, -61, None)


def test_esp_csi_stbc_gives_its_first_ht_field(write_file):
    stbc_40 = [*range(61), *range(-60, 0)]
    buffer, _ = esp_buffer(range(64), stbc_40, stbc_40)
    line = files.esp_csi_line(buffer, 5, secondary=BELOW, bandwidth=1, stbc=1)
    (packet,) = read_csi(write_file([line])).packets
    assert len(buffer) == 612 and np.array_equal(packet.subcarriers, subcarriers.HT_40)
    values = np.array(buffer).reshape(-1, 2)
    assert packet.csi[0, -1] == complex(*values[64 + 58][::-1])


def test_subcarrier_in_the_invalid_first_word_is_left_out(write_file):
    buffer, wanted = esp_buffer(FFT_20)
    line = files.esp_csi_line(buffer, 5, sig_mode=0, first_word=1)
    (packet,) = read_csi(write_file([line])).packets
    assert packet.subcarriers.tolist() == [i for i in subcarriers.NON_HT_20.tolist() if i != 1]
    assert packet.csi[0].tolist() == [wanted[index] for index in packet.subcarriers.tolist()]


def test_esp32_csi_tool_prints_only_the_legacy_field(write_file):
    buffer, _ = esp_buffer(range(-64, 0), FFT_40)
    settings = {"sig_mode": 1, "bandwidth": 1, "secondary": ABOVE}
    lines = [
        files.TOOL_HEADER,
        files.tool_line(buffer, 1000, **settings),
        files.tool_line([v % 256 for v in buffer], 2000, real_time=1.7e9, **settings),
    ]
    capture = read_csi(write_file(lines))
    assert capture.chip == "ESP32-CSI-Tool"
    first, second = capture.packets
    assert np.array_equal(first.subcarriers, subcarriers.NON_HT_20)
    values = np.array(buffer[:128]).reshape(64, 2)
    # The legacy field's own centre is 32 subcarriers into it
    wanted = values[first.subcarriers + 32]
    assert np.array_equal(first.csi[0], wanted[:, 1] + 1j * wanted[:, 0])
    assert np.array_equal(second.csi, first.csi)
    assert first.time_ns == 1_000_000 and not first.time_is_absolute
    assert second.time_ns == 1_700_000_000 * 10**9 and second.time_is_absolute


def test_esp_csi_of_newer_chips(write_file):
    order = [*range(59), *range(-58, 0)]
    values = files.estimate(1, len(order), 127)[:, 0]
    numbers = ",".join(map(str, files.buffer_of(values)))
    line = f'CSI_DATA,3,{files.SENDER},-40,11,-96,9,20,11,77,47,0,234,0,"[{numbers}]"'
    capture = read_csi(write_file([line]))
    (packet,) = capture.packets
    wanted = dict(zip(order, values, strict=True))
    assert np.array_equal(packet.subcarriers, subcarriers.HT_40)
    assert packet.csi[0].tolist() == [wanted[index] for index in packet.subcarriers.tolist()]


def test_damaged_lines_are_counted(write_file):
    buffer, _ = esp_buffer(FFT_20, FFT_20)
    good = files.esp_csi_line(buffer, 5)
    lines = [good, good[:300], good.replace("-61", "x"), good.replace("[", "[999,")]
    lines.append(files.esp_csi_line(buffer, 6))
    lines += [files.esp_csi_line(buffer[:100], 5), "CSI_DATA,1,2,[3]"]
    capture = read_csi(write_file(lines))
    assert len(capture.packets) == 2
    assert capture.skipped == {
        "line that is cut off": 1,
        "damaged line": 2,
        "line with a buffer of 100 bytes, which no packet format has": 1,
        "line of 3 columns, an unknown format": 1,
    }
