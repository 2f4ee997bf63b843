# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged CSI files: whatever the bytes, packets come out or one InputError of one line."""

import io

import numpy as np
import pytest
from csi_samples import check, samples

from radiofm_core.csi.capture import Tally
from radiofm_core.csi.reader import FORMATS, read_csi
from radiofm_core.errors import InputError

RNG_SEED = 7


def check_message(error: InputError) -> None:
    """One line that is not endless."""
    assert str(error) and "\n" not in str(error) and len(str(error)) < 1000


def read(path, content: bytes) -> int:
    """How many packets come out; 0 for an InputError, which must be one line with the name."""
    path.write_bytes(content)
    try:
        capture = read_csi(path)
    except InputError as error:
        check_message(error)
        assert path.name in str(error)
        return 0
    check(capture.packets)
    return len(capture.packets)


def parse(content: bytes) -> None:
    """The same without a file, which takes longer to make than to read."""
    for module in FORMATS:
        if module.sniff(content):
            tally = Tally()
            try:
                check(filter(tally.accept, module.read(io.BytesIO(content), tally)))
            except InputError as error:
                check_message(error)
            return


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
    for name, content in samples().items():
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
def test_headers_with_every_value_in_every_byte():
    for content in samples().values():
        # A packet or two, so that it is quick
        content = content[:900]
        for place in range(min(len(content), 100)):
            for value in (0, 1, 0x7F, 0x80, 0xFF):
                parse(content[:place] + bytes([value]) + content[place + 1 :])


@pytest.mark.filterwarnings("error")
def test_random_bytes_behind_each_beginning():
    rng = np.random.default_rng(RNG_SEED)
    beginnings = [content[:n] for content in samples().values() for n in (4, 12, 30)]
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
    files = sorted((shared_data / "csi/formats").iterdir())
    assert files
    for real in files:
        content = real.read_bytes()[:20_000]
        for _ in range(15):
            read(path, content[: rng.integers(1, len(content))])
            read(path, changed(content, rng, 0.003))
