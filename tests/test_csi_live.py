# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sources of CSI over a real UDP socket and a pseudo-terminal: packets, drops, a clean end."""

import contextlib
import os
import pty
import socket
import threading
import time

import csi_files as files
import numpy as np
import pytest

from radiofm_core.csi.clocks import HostTime
from radiofm_core.csi.live.esp32_serial import Esp32SerialSource
from radiofm_core.csi.live.nexmon_udp import NexmonUdpSource
from radiofm_core.errors import InputError

CSI = files.estimate(1, 64, 99)[:, 0]
WAIT_S = 60


def nexmon(sequence=0, core=0, chip=101):
    words = np.full(64, 9 << 5, "<u4") if chip == 3 else files.int16_words(CSI)
    return files.nexmon_datagram(words, core, chip=chip, sequence=sequence)


@pytest.fixture
def send():
    """Send datagrams to a source."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        yield lambda source, *data: [udp.sendto(d, source.address) for d in data]


@pytest.fixture
def terminal():
    """(write end, name) of a pseudo-terminal."""
    controller, device = pty.openpty()
    yield controller, os.ttyname(device)
    for end in (controller, device):
        with contextlib.suppress(OSError):
            os.close(end)


def wait_for(condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.01)


def threads_of(source) -> int:
    return sum(thread.name == type(source).__name__ for thread in threading.enumerate())


# ---- nexmon over UDP


def test_datagrams_become_packets_with_the_time_of_their_arrival(send):
    with NexmonUdpSource(0, "127.0.0.1") as source:
        before = time.time_ns()
        send(source, nexmon(1), b"something else", nexmon(2))
        packets = [source.get(WAIT_S) for _ in range(2)]
        assert source.get(0.01) is None and not source.ended
    assert [packet.sequence for packet in packets] == [1, 2]
    assert before <= packets[0].time_ns <= packets[1].time_ns <= time.time_ns()
    assert packets[0].time_is_absolute and packets[0].csi.shape == (1, 56)
    assert source.tally.skipped == {"datagram not from nexmon_csi": 1}
    assert source.tally.packets == 2 and source.tally.chip == "43455c0" and source.dropped == 0


def test_antennas_are_joined_also_if_nothing_follows(send):
    with NexmonUdpSource(0, "127.0.0.1") as source:
        send(source, nexmon(5, 1, 3), nexmon(5, 0, 3), nexmon(6, 0, 3))
        assert [len(source.get(WAIT_S).csi) for _ in range(2)] == [2, 1]


def test_full_queue_drops_the_oldest_and_counts_them(send):
    with NexmonUdpSource(0, "127.0.0.1", queue_packets=3) as source:
        for number in range(8):
            send(source, nexmon(number))
            wait_for(lambda n=number: source.tally.packets == n + 1)
        assert source.dropped == 5
    # What is queued can still be taken after the stop
    assert [packet.sequence for packet in source] == [5, 6, 7]
    assert source.ended and source.get() is None


def test_stop_ends_the_thread_the_wait_and_the_socket():
    source = NexmonUdpSource(0, "127.0.0.1").start()
    address = source.address
    found = []
    waiting = threading.Thread(target=lambda: found.append(source.get()))
    waiting.start()
    start = time.monotonic()
    source.stop()
    waiting.join(WAIT_S)
    assert found == [None] and time.monotonic() - start < WAIT_S / 2 and threads_of(source) == 0
    source.stop()
    never_started = NexmonUdpSource(0)
    never_started.stop()
    assert never_started.get() is None
    with NexmonUdpSource(address[1], "127.0.0.1") as again:
        assert again.address == address


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", None), ("127.0.0.1", 99999), ("é!", 0), ("\0", 0)]
)
def test_sockets_that_cannot_be_opened(host, port):
    with NexmonUdpSource(0, "127.0.0.1") as other:
        source = NexmonUdpSource(other.address[1] if port is None else port, host)
        with pytest.raises(InputError, match="cannot be opened") as caught:
            source.start()
    assert "\n" not in str(caught.value)


# ---- ESP32 on a serial port


def esp_lines(ticks) -> bytes:
    buffer = files.buffer_of(np.concatenate([CSI, CSI]))
    return b"".join(f"{files.esp_csi_line(buffer, tick)}\r\n".encode() for tick in ticks)


def test_lines_become_packets_spaced_by_the_chips_clock(terminal):
    controller, name = terminal
    before = time.time_ns()
    with Esp32SerialSource(name) as source:
        data = esp_lines([10_000, 20_000, 30_000])
        # It begins in the middle of a line, and lines come in pieces
        data = data[700:] + b"I (5) wifi: hello\r\n" + esp_lines([40_000])[:99] + b"\n"
        for start in range(0, len(data), 333):
            os.write(controller, data[start : start + 333])
            time.sleep(0.002)
        packets = [source.get(WAIT_S) for _ in range(2)]
        wait_for(lambda: source.tally.skipped)
    assert packets[1].time_ns - packets[0].time_ns == 10_000_000
    assert before <= packets[0].time_ns <= time.time_ns() and packets[0].time_is_absolute
    assert packets[0].csi.shape == (1, 56) and packets[0].mac == files.SENDER
    assert source.tally.skipped == {"line that is cut off": 1}
    assert threads_of(source) == 0


def test_noise_without_line_ends_is_let_go_and_counted(terminal):
    controller, name = terminal
    with Esp32SerialSource(name) as source:
        for _ in range(10):
            os.write(controller, b"\x01" * 2000)
            time.sleep(0.01)
        wait_for(lambda: source.tally.skipped)
        os.write(controller, b"\n" + esp_lines([5]))
        assert source.get(WAIT_S).csi.shape == (1, 56)
    assert "baud rate" in source.tally.summary()


def test_pulled_cable_is_an_error_after_the_last_packet(terminal):
    controller, name = terminal
    with Esp32SerialSource(name) as source:
        os.write(controller, esp_lines([5]))
        wait_for(lambda: source.tally.packets)
        os.close(controller)
        assert source.get(WAIT_S) is not None
        # whoever looks for the end between two packets is still told why it ended
        source._thread.join(WAIT_S)
        assert not source.ended
        with pytest.raises(InputError, match="serial port was lost"):
            source.get(WAIT_S)
        assert source.ended


def test_missing_serial_port():
    with pytest.raises(InputError, match=r"/dev/none: the serial port cannot be opened"):
        Esp32SerialSource("/dev/none").start()


def test_restarted_chip_goes_on_at_the_hosts_time():
    clock = HostTime()
    hour = 3600 * 10**9
    assert clock.absolute(5, hour) == hour
    # Late by 0.1 s on the wire, not in the chip
    assert clock.absolute(5 + 10**7, hour + 10**8) == hour + 10**7
    assert clock.absolute(7, 2 * hour) == 2 * hour
