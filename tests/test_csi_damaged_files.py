# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged CSI files: whatever the bytes, packets come out or one InputError of one line."""

import contextlib
import io

import csi_files as files
import numpy as np
import pytest

from radiofm_core.csi.capture import Tally
from radiofm_core.csi.reader import FORMATS, read_csi
from radiofm_core.errors import InputError

RNG_SEED = 7


def _numpy_archive(tmp_path) -> bytes:
    csi = files.estimate(1, 8 * 30, 9).reshape(8, 30)
    np.savez(tmp_path / "x.npz", csi=csi, time_s=np.arange(8.0), subcarriers=np.arange(30))
    return (tmp_path / "x.npz").read_bytes()


def samples(tmp_path) -> dict[str, bytes]:
    """A small file of each format, some of several devices."""
    intel = files.estimate(6, 30, 99).reshape(30, 3, 2)
    atheros = files.estimate(6, 56, 99).reshape(56, 2, 3)
    csi = files.estimate(1, 64, 99)[:, 0]
    usrp = np.arange(-26, 26, dtype="<i2").tobytes() + files.signal_matrix(csi[:52, None, None])
    ax = np.arange(4 * 56, dtype="<i2").tobytes()
    frames = [
        files.picoscenes_frame(
            0x5300, files.pack_intel(intel), 1, tones=30, receivers=3, streams=2
        ),
        files.picoscenes_frame(
            0x9300, files.pack_atheros(atheros), 2, tones=56, receivers=3, streams=2, version=1
        ),
        files.picoscenes_frame(0x1234, usrp, 3, tones=52, receivers=1, streams=1, version=3),
        files.picoscenes_frame(0x2000, ax, 4, tones=56, receivers=1, streams=2, version=4),
    ]
    words = np.arange(64, dtype="<u4") << 5
    buffer = files.buffer_of(np.concatenate([csi, csi]))
    return {
        "intel": b"".join(files.intel_record(intel, tick) for tick in range(4)),
        "atheros": b"".join(files.atheros_record(atheros, tick) for tick in range(4)),
        "nexmon": files.pcap([files.nexmon_datagram(files.int16_words(csi))] * 4),
        "nexmon float": files.pcap([files.nexmon_datagram(words, core, chip=3) for core in (0, 1)]),
        "picoscenes": b"".join(frames),
        "esp-csi": "\n".join(files.esp_csi_line(buffer, tick) for tick in range(4)).encode(),
        "esp32-csi-tool": "\n".join(
            [files.TOOL_HEADER, *(files.tool_line(buffer, tick, sig_mode=1) for tick in range(4))]
        ).encode(),
        "archive": _numpy_archive(tmp_path),
    }


def read(path, content: bytes) -> int:
    """How many packets come out; 0 for an InputError, which must be one line with the name."""
    path.write_bytes(content)
    try:
        capture = read_csi(path)
    except InputError as error:
        assert "\n" not in str(error) and path.name in str(error) and len(str(error)) < 1000
        return 0
    check(capture.packets)
    return len(capture.packets)


def parse(content: bytes) -> None:
    """The same without a file, which takes longer to make than to read."""
    for module in FORMATS:
        if module.sniff(content):
            tally = Tally()
            with contextlib.suppress(InputError):
                check(filter(tally.accept, module.read(io.BytesIO(content), tally)))
            return


def check(packets) -> None:
    for packet in packets:
        assert packet.csi.ndim == 2 and packet.csi.shape[1] == len(packet.subcarriers)
        assert packet.csi.dtype in (np.complex64, np.float32) and np.isfinite(packet.csi).all()
        assert packet.subcarriers.dtype == np.int16 and (np.diff(packet.subcarriers) > 0).all()
        assert isinstance(packet.time_ns, int)


def changed(content: bytes, rng: np.random.Generator, share: float) -> bytes:
    """Some bytes replaced, or a stretch of them taken out or put in."""
    data = np.frombuffer(content, np.uint8).copy()
    places = rng.integers(0, len(data), max(1, int(share * len(data))))
    data[places] = rng.integers(0, 256, len(places))
    start, stop = sorted(rng.integers(0, len(data), 2))
    kind = rng.integers(3)
    if kind == 1:
        data = np.delete(data, slice(start, min(stop, start + 50)))
    elif kind == 2:
        data = np.insert(data, start, rng.integers(0, 256, rng.integers(1, 50)))
    return data.tobytes()


@pytest.mark.filterwarnings("error")
def test_whole_truncated_and_corrupted_files(tmp_path):
    path = tmp_path / "any.bin"
    rng = np.random.default_rng(RNG_SEED)
    for name, content in samples(tmp_path).items():
        whole = read(path, content)
        assert whole >= 1, name
        for length in rng.integers(0, len(content), 25):
            assert read(path, content[:length]) <= whole, name
        for share in (0.0005, 0.005, 0.05):
            for _ in range(100):
                parse(changed(content, rng, share))
            for _ in range(5):
                read(path, changed(content, rng, share))


@pytest.mark.filterwarnings("error")
def test_headers_with_every_value_in_every_byte(tmp_path):
    for content in samples(tmp_path).values():
        # A packet or two, so that it is quick
        content = content[:900]
        for place in range(min(len(content), 100)):
            for value in (0, 1, 0x7F, 0x80, 0xFF):
                parse(content[:place] + bytes([value]) + content[place + 1 :])


@pytest.mark.filterwarnings("error")
def test_random_bytes_behind_each_beginning(tmp_path):
    rng = np.random.default_rng(RNG_SEED)
    beginnings = [content[:n] for content in samples(tmp_path).values() for n in (4, 12, 30)]
    for beginning in [b"", b"CSI_DATA,", b"PK\x03\x04", *beginnings]:
        for _ in range(30):
            parse(beginning + rng.bytes(int(rng.integers(1, 3000))))


def test_hardly_any_random_file_passes_for_csi(tmp_path):
    rng = np.random.default_rng(RNG_SEED)
    heads = [rng.bytes(4096) for _ in range(5000)]
    assert sum(any(module.sniff(head) for module in FORMATS) for head in heads) == 0


def test_real_files_truncated_and_corrupted(tmp_path, shared_data):
    path = tmp_path / "any.bin"
    rng = np.random.default_rng(RNG_SEED)
    for real in sorted((shared_data / "csi/formats").iterdir()):
        content = real.read_bytes()[:20_000]
        for _ in range(15):
            read(path, content[: rng.integers(1, len(content))])
            read(path, changed(content, rng, 0.003))
