# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings that lie, end in their middle or are none: one line says so, and what is there is
used."""

import bz2
import gzip
import io
import json
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pytest
from gnuradio import blocks, gr, radiofm
from recording_files import (
    RATE,
    auxi,
    chunk,
    stored,
    wav_format,
    write_file_meta,
    write_twin,
    zstd_compressed,
)

from radiofm_core.errors import InputError
from radiofm_core.installation import how_to_install
from radiofm_core.spectrum.datatypes import datatype_of
from radiofm_core.spectrum.recordings import (
    find_recordings,
    is_recording_name,
    open_recording,
    read_samples,
    recordings_in,
    unpacking,
)
from radiofm_core.spectrum.recordings.names import facts_of_name

SAMPLES = np.random.default_rng(1).integers(-100, 100, (1000, 2)) @ (1, 1j) / 128
DATA = stored(SAMPLES, "ci16_le")
HEAD = b"WAVE" + wav_format("ci16_le")


def refused(path, *words, **given):
    with pytest.raises(InputError) as caught:
        open_recording(path, **given)
    text = str(caught.value)
    assert "\n" not in text
    for word in (*words, path.name):
        assert word in text, text


def written(path, content):
    path.write_bytes(content)
    return path


def riff(path, *parts, length=None):
    body = b"".join(parts)
    return written(path, b"RIFF" + struct.pack("<I", length or len(body)) + body)


@pytest.mark.parametrize("channels", [0, 1, 3, 4])
def test_a_wav_file_of_other_than_two_channels_is_no_iq(tmp_path, channels):
    form = wav_format("ci16_le", channels=channels)
    path = riff(tmp_path / "x.wav", b"WAVE", form, chunk(b"data", DATA))
    refused(path, f"of {channels} channel", "expected 2 (I and Q)")


@pytest.mark.parametrize(
    ("form", "word"),
    [
        (wav_format("ci12_le"), "12 bits"),
        (chunk(b"fmt ", struct.pack("<HHIIHH", 7, 2, 8000, 16000, 2, 8)), "format 7"),
        (chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 8000, 16000, 3, 16)), "blocks of 3"),
        (chunk(b"fmt ", b"short"), "cut short"),
        (wav_format("ci16_le", rate=0), "sample rate"),
        (b"", "without a format"),
    ],
)
def test_wav_formats_that_are_none(tmp_path, form, word):
    path = riff(tmp_path / "x.wav", b"WAVE", form, chunk(b"data", DATA))
    refused(path, word)


def test_a_wav_file_that_ends_before_its_data(tmp_path):
    refused(riff(tmp_path / "x.wav", HEAD), "without a data chunk")
    refused(riff(tmp_path / "y.wav", HEAD, chunk(b"data", b"", 4000)), "no 4-byte ci16_le sample")


@pytest.mark.parametrize(
    ("told", "words"),
    [(0, "was not closed"), (0xFFFFFFFF, "was not closed"), (9000, "9000 bytes of samples")],
)
def test_a_wav_file_that_lies_about_its_length_is_used_as_far_as_it_goes(tmp_path, told, words):
    path = riff(tmp_path / "x.wav", HEAD, auxi(), chunk(b"data", DATA, told))
    recording = open_recording(path)
    assert recording.num_samples == 1000
    assert (read_samples(recording, 0, 1000) == SAMPLES).all()
    (warning,) = recording.warnings
    assert words in warning and "x.wav" in warning


def test_bytes_that_a_wav_header_does_not_tell_of_are_named(tmp_path):
    path = riff(tmp_path / "x.wav", HEAD, chunk(b"data", DATA, 2000))
    recording = open_recording(path)
    assert recording.num_samples == 500 and "2000 bytes follow the 2000" in recording.warnings[0]


def test_a_long_wav_file_whose_length_wrapped_is_used_whole(tmp_path):
    path = riff(tmp_path / "x.wav", HEAD, b"data", struct.pack("<I", 8), DATA)
    start = path.stat().st_size - len(DATA)
    os.truncate(path, start + 2**32 + 8)
    recording = open_recording(path)
    assert recording.num_samples == 2**30 + 2
    assert "more than a WAV header can tell" in recording.warnings[0]


def cut_short(folder):
    """Files that end in the middle of a sample, and how many whole samples they hold."""
    pair = write_twin(folder / "pair", SAMPLES, "ci16_le")
    with (folder / "pair.sigmf-data").open("ab") as file:
        file.write(b"abc")
    yield pair, 1000, 3
    yield written(folder / f"x_{RATE}sps.cs16", DATA[:-1]), 999, 3
    yield riff(folder / "x.wav", HEAD, chunk(b"data", DATA[:-3], len(DATA))), 999, 2


def test_whole_samples_are_used_and_the_rest_is_counted(tmp_path):
    for path, count, rest in cut_short(tmp_path):
        recording = open_recording(path)
        assert recording.num_samples == count, path
        assert f"its last {rest} of" in recording.warnings[-1], recording.warnings
        source = radiofm.recording_source(recording)
        top, sink = gr.top_block(), blocks.vector_sink_c()
        top.connect(source, sink)
        top.run()
        assert source.error() == ""
        assert np.array_equal(np.complex64(sink.data()[:-1]), SAMPLES[:count].astype(np.complex64))


def test_a_description_that_contradicts_its_data_is_refused(tmp_path):
    meta = write_twin(tmp_path / "x", SAMPLES, "ci16_le")
    content = json.loads(meta.read_text())
    content["global"]["core:sha512"] = "0" * 128
    meta.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"x\.sigmf-data does not match core:sha512"):
        open_recording(meta)


@pytest.mark.parametrize("detached", [False, True])
def test_file_meta_that_was_not_closed_or_is_cut_is_used_as_far_as_it_goes(tmp_path, detached):
    path = write_file_meta(tmp_path / "x.dat", SAMPLES, detached=detached, segment=400)
    size = path.stat().st_size
    os.truncate(path, size - 13)
    recording = open_recording(path)
    assert recording.num_samples == 998
    assert "13 bytes are missing" in recording.warnings[0]
    # the sink tells a segment's length when the next one begins
    headers = path if not detached else path.with_name("x.dat.hdr")
    content = headers.read_bytes()
    place = content.rindex(b"bytes") + 6
    headers.write_bytes(content[:place] + bytes(8) + content[place + 8 :])
    assert open_recording(path).num_samples == 998


def test_file_meta_that_changes_its_rate_is_refused(tmp_path):
    retunes = [(0, 1e9, None, None), (600, 1e9, None, 5e5)]
    path = write_file_meta(tmp_path / "x.dat", SAMPLES, retunes=retunes)
    refused(path, "1.92 MS/s", "0.5 MS/s", "at sample 600")


def test_file_meta_of_real_samples_is_refused(tmp_path):
    path = write_file_meta(tmp_path / "x.dat", SAMPLES, complex=False)
    refused(path, "real samples")


def test_file_meta_without_samples_is_refused(tmp_path):
    path = write_file_meta(tmp_path / "x.dat", SAMPLES)
    os.truncate(path, 171)
    refused(path, "no samples")


def tar(path, members):
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def sigmf_meta(**fields):
    top = {"core:datatype": "ci16_le", "core:sample_rate": RATE, "core:version": "1.2.5", **fields}
    return json.dumps({"global": top, "captures": [], "annotations": []}).encode()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "..\\x"])
def test_archives_with_paths_outside_are_refused(tmp_path, name):
    members = {f"{name}.sigmf-meta": sigmf_meta(), f"{name}.sigmf-data": DATA}
    path = tar(tmp_path / "a.sigmf", members)
    refused(path, "a path outside of it")
    with pytest.raises(InputError, match="a path outside of it"):
        recordings_in(path)
    inside = tar(
        tmp_path / "b.sigmf", {"x.sigmf-meta": sigmf_meta(**{"core:dataset": f"{name}.bin"})}
    )
    with pytest.raises(InputError, match="a path outside of it"):
        open_recording(inside)
    streams = {"collection": {"core:streams": [{"name": name}]}}
    collection = written(tmp_path / "c.sigmf-collection", json.dumps(streams).encode())
    refused(collection, "a path outside of it")


def test_archives_that_are_none_or_hold_none(tmp_path):
    refused(written(tmp_path / "a.sigmf", b"no tar"), "not a tar archive")
    refused(tar(tmp_path / "b.sigmf", {"README": b""}), "without a recording")
    refused(tar(tmp_path / "c.sigmf", {"x.sigmf-meta": sigmf_meta()}), "not in the archive")
    two = {
        f"{n}.sigmf-{kind}": c for n in "xy" for kind, c in (("meta", sigmf_meta()), ("data", DATA))
    }
    path = tar(tmp_path / "d.sigmf", two)
    refused(path, "holds 2 recordings", f"{path}/x, {path}/y")
    with pytest.raises(InputError, match="holds 2 recordings, not z"):
        open_recording(path / "z")
    for content in (b"{}", b"[", b'{"collection": {"core:streams": [{"name": 1}]}}'):
        refused(written(tmp_path / "e.sigmf-collection", content), "not a SigMF collection")


def test_an_archive_that_is_cut_short_is_used_as_far_as_it_goes(tmp_path):
    path = tar(tmp_path / "a.sigmf", {"x.sigmf-meta": sigmf_meta(), "x.sigmf-data": DATA})
    with tarfile.open(path) as archive:
        place = archive.getmember("x.sigmf-data").offset_data
    os.truncate(path, place + 2001)
    recording = open_recording(path)
    assert recording.num_samples == 500
    assert any("cut short" in line for line in recording.warnings)


PACKERS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd_compressed,
}


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_files_that_are_cut_short_or_damaged(tmp_path, suffix):
    noise = np.random.default_rng(1).bytes(1_200_000)
    content = PACKERS[suffix](noise)
    name = f"x_{RATE}sps.cu8{suffix}"
    path = written(tmp_path / name, content[: len(content) - 20])
    recording = open_recording(path)
    assert 0 < recording.num_samples <= 600_000 and recording.stem == f"x_{RATE}sps"
    assert any("the compressed file is cut short" in line for line in recording.warnings)
    refused(written(tmp_path / ("y" + name), b"not packed"), "not compressed")
    refused(written(tmp_path / ("s" + name), content[:6]), "nothing of it can be unpacked")
    head = content[:10]
    refused(written(tmp_path / ("z" + name), head + bytes(50) + content[60:]), "")


def test_temporary_files_go_with_their_recordings_and_after_a_kill(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    path = written(tmp_path / f"x_{RATE}sps.cs16.gz", gzip.compress(DATA))
    recording = open_recording(path)
    assert recording.data_path.parent.parent == tmp_path / "tmp"
    assert recording.origin == path and not recording.is_whole_file
    # the same file is not unpacked again; the next one lets it go
    assert open_recording(path).data_path == recording.data_path
    left = recording.data_path
    other = written(tmp_path / f"y_{RATE}sps.cs16.gz", gzip.compress(DATA))
    open_recording(other)
    assert left.exists()
    del recording
    assert not left.exists()
    script = (
        "import os, signal\n"
        "from radiofm_core.spectrum.recordings import open_recording\n"
        f"kept = open_recording({str(path)!r})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    subprocess.run([sys.executable, "-c", script], env=environment, check=False, timeout=120)
    assert len(list((tmp_path / "tmp").iterdir())) == 2
    unpacking._last.clear()
    third = written(tmp_path / f"z_{RATE}sps.cs16.gz", gzip.compress(DATA))
    kept = open_recording(third)
    assert [p.name for p in (tmp_path / "tmp").iterdir()] == [kept.data_path.parent.name]


def test_what_needs_more_room_than_there_is_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(unpacking, "_RESERVE_BYTES", 2**62)
    path = written(tmp_path / f"x_{RATE}sps.cs16.gz", gzip.compress(DATA))
    refused(path, "MB that are free", "TMPDIR")
    assert list(tmp_path.iterdir()) == [path]


def test_what_came_through_a_pipe_before_the_disk_was_full_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(unpacking, "_LOOK_BYTES", 1)
    chunks = [DATA, DATA, DATA]

    def read():
        if len(chunks) == 1:
            monkeypatch.setattr(unpacking, "_RESERVE_BYTES", 2**62)
        return chunks.pop()

    file = unpacking.taken_from(read, "stdin", "what comes from -")
    assert file.path.read_bytes() == DATA + DATA and "MB that are free" in file.problem
    file.remove()


@pytest.mark.parametrize("suffix", [".iq", ".raw", ".bin", ".dat"])
def test_names_that_tell_no_format_say_why(tmp_path, suffix):
    refused(written(tmp_path / f"x{suffix}", DATA), suffix, "--datatype (cf32_le")
    assert open_recording(tmp_path / f"x{suffix}", 1e6, datatype="cs16").datatype == "ci16_le"


@pytest.mark.parametrize(
    ("named", "own"),
    [
        *(("cs8", "ci8"), ("CF32", "cf32_le"), ("fc32", "cf32_le"), ("sc16", "ci16_le")),
        *(("int16", "ci16_le"), ("complex16s", "ci8"), ("cs16_be", "ci16_be"), ("uint8", "cu8")),
    ],
)
def test_names_of_other_programs_are_understood(named, own):
    assert datatype_of(named) == own


@pytest.mark.parametrize(("named", "own"), [("cs9", "ci8"), ("cf32le", "cf32_le"), ("rf32_le", "")])
def test_other_names_are_answered_with_ours(named, own):
    with pytest.raises(InputError, match=f"got '{named}'.*{own}"):
        datatype_of(named)


@pytest.mark.parametrize(
    "name",
    [
        *("x.cu8", "noise_99999999_999999.cf32", "20240101_240000Z.cf32", "f2564p9_s1p92.cs16"),
        *("lte_20M.cf32", "x_1920.cfile", "12345678901234567890.raw", "a-Foo-2020 101010.cu8"),
    ],
)
def test_names_that_tell_nothing_are_not_guessed_at(name):
    facts = facts_of_name(name)
    assert (facts.sample_rate, facts.center_frequency, facts.time) == (None, None, None)


def test_recordings_in_folders_are_found_by_their_names(tmp_path):
    wanted = ["a.sigmf-meta", "b.wav", "c.cu8", "c.cs16.zst", "d.sigmf", "sub/e.cfile", "g.dat"]
    others = ["a.sigmf-data", "x.png", ".hidden.cu8", ".folder/x.cu8", "r.sigmf-meta"]
    for name in (*wanted, *others, "r.mask.npz", "r.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in find_recordings(tmp_path)]
    assert found == sorted(set(wanted) - {"g.dat"})
    assert tmp_path / "g.dat" in find_recordings(tmp_path, any_raw=True)
    assert not is_recording_name("x.iq") and is_recording_name("x.iq", any_raw=True)


def test_two_to_the_forty_samples_open_at_once_and_play_to_the_end(tmp_path):
    path = tmp_path / f"x_{RATE}sps_1800MHz.cu8"
    path.write_bytes(stored(SAMPLES, "cu8"))
    try:
        os.truncate(path, 2**41 - 2000)
        with path.open("ab") as file:
            file.write(stored(SAMPLES, "cu8"))
    except OSError as error:
        pytest.skip(f"no sparse files of 2 TiB here: {error}")
    recording = open_recording(path)
    assert recording.num_samples == 2**40 and recording.warnings == ()
    assert (read_samples(recording, 2**40 - 1000, 1000) == read_samples(recording, 0, 1000)).all()
    source = radiofm.recording_source(path)
    top, sink = gr.top_block(), blocks.vector_sink_c()
    top.connect(source, blocks.head(gr.sizeof_gr_complex, 1000), sink)
    top.run()
    assert np.array_equal(np.complex64(sink.data()), read_samples(recording, 0, 1000))
    path.write_bytes(b"")
    os.truncate(path, 2**41)
    assert "first 33554432 samples are zero" in open_recording(path).warnings[0]


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_devices_are_no_recordings(path):
    refused(Path(path), "not a plain file", sample_rate=1e6, datatype="cu8")


def test_python_without_zstandard_says_how_to_go_on(tmp_path):
    path = written(tmp_path / f"x_{RATE}sps.cs16.zst", zstd_compressed(DATA))
    script = (
        "import sys\n"
        "sys.modules['zstandard'] = sys.modules['compression'] = None\n"
        "from radiofm_core.spectrum.recordings import open_recording\n"
        "from radiofm_core.errors import InputError\n"
        "try:\n"
        f"    open_recording({str(path)!r})\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert how_to_install("zstandard") in done.stdout and "unzstd" in done.stdout


def test_a_header_file_stands_for_its_samples(tmp_path):
    path = write_file_meta(tmp_path / "x.dat", SAMPLES, detached=True)
    assert open_recording(Path(f"{path}.hdr")).data_path == path
