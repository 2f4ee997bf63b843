# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of other programs are what their twins in SigMF are: the same samples, rate, centre
and time, and the same emissions.

Where the layouts are from:

- ``auxi`` of SDR#, HDSDR, SDRuno and SDRangel: RFSPACE, *SpectraVue User Guide*, "WAV file format";
  SDRangel, ``sdrbase/dsp/wavfilerecord.cpp`` (its name tells UTC, its ``auxi`` chunk local time)
- SDR Console's XML: as in a file of its version 3.0.18; RF64: EBU Tech 3306; BW64: ITU-R BS.2088
- names: gqrx (``gqrx_yyyyMMdd_hhmmss_<Hz>_<S/s>_fc.raw``), rtl_433 (OPERATION.md), SDR++ (recorder,
  ``$t_$f_$h-$m-$s_$d-$M-$y``), SatDump (``prepareBasebandFileName``), Universal Radio Hacker
  (``<device>-<date>-<centre>-<rate>-<bandwidth>``), PortaPack (``.C16`` beside a ``.TXT``)
- file_meta is written by GNU Radio's own sink; archives and collections by the package ``sigmf``
"""

import bz2
import gzip
import lzma
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
import sigmf
from gnuradio.radiofm.flowgraphs import SegmentFlowgraph, make_segmenter
from level_model import make_level_bundle, two_carriers
from recording_files import (
    CENTER,
    RATE,
    TIME,
    auxi,
    stored,
    write_file_meta,
    write_rf64,
    write_sdriq,
    write_twin,
    write_wav,
    xml_auxi,
    zstd_compressed,
)

from radiofm_core import keys
from radiofm_core.spectrum.recordings import open_recording, read_samples, recordings_in

HOUR_EARLIER = TIME.astimezone(timezone(timedelta(hours=-1)))
COMPACT = f"{TIME:%Y%m%d_%H%M%S}"
JUNK = b"JUNK" + (28).to_bytes(4, "little") + 28 * b"\0"


def samples_of(count=5000, seed=1):
    parts = np.random.default_rng(seed).integers(-100, 100, (count, 2)) / 128
    return parts @ (1, 1j)


def raw(name, datatype):
    def write(folder, samples):
        (folder / name).write_bytes(stored(samples, datatype))
        return folder / name

    return write


def wav(name, datatype, *before, **more):
    return lambda folder, samples: write_wav(folder / name, samples, datatype, *before, **more)


def portapack(folder, samples):
    (folder / "BBD_0001.TXT").write_text(f"sample_rate={RATE}\r\ncenter_frequency={CENTER}\r\n")
    return raw("BBD_0001.C16", "ci16_le")(folder, samples)


def rf64(name, datatype, *before, form=b"RF64"):
    return lambda folder, samples: write_rf64(folder / name, samples, datatype, *before, form=form)


def file_meta(datatype, **more):
    return lambda folder, samples: write_file_meta(folder / "x.dat", samples, datatype, **more)


def packed(suffix, pack, write):
    def write_packed(folder, samples):
        path = write(folder, samples)
        target = path.with_name(path.name + suffix)
        target.write_bytes(pack(path.read_bytes()))
        path.unlink()
        return target

    return write_packed


def archive(folder, samples):
    meta = write_twin(folder / "inner", samples, "ci16_le")
    handle = sigmf.sigmffile.fromfile(str(meta))
    handle.archive(name=str(folder / "one"))
    for path in folder.glob("inner.*"):
        path.unlink()
    return folder / "one.sigmf"


def compressed_pair(folder, samples):
    meta = write_twin(folder / "pair", samples, "ci16_le")
    data = folder / "pair.sigmf-data"
    (folder / "pair.sigmf-data.zst").write_bytes(zstd_compressed(data.read_bytes()))
    data.unlink()
    return meta


CU8 = "cu8"
RATE_KSPS = f"{RATE / 1e3:g}ksps"
# id: (written by, datatype, whether it tells the centre, whether the time)
FORMATS = {
    "SDR# 16": (wav(f"SDRSharp_{COMPACT}Z_{CENTER}Hz_IQ.wav", "ci16_le"), "ci16_le", 1, 1),
    "SDR# float": (wav(f"SDRSharp_{COMPACT}Z_{CENTER}Hz_IQ.wav", "cf32_le"), "cf32_le", 1, 1),
    "SDR# 8": (wav(f"SDRSharp_{COMPACT}Z_{CENTER}Hz_IQ.wav", CU8), CU8, 1, 1),
    "HDSDR": (wav(f"HDSDR_{COMPACT}Z_1800000kHz_RF.wav", "ci16_le", auxi()), "ci16_le", 1, 1),
    "HDSDR 24": (wav(f"HDSDR_{COMPACT}Z_1800000kHz_RF.wav", "ci24_le", auxi()), "ci24_le", 1, 1),
    "HDSDR 32": (wav("a.wav", "ci32_le", auxi()), "ci32_le", 1, 1),
    "SDRuno": (wav(f"SDRuno_{COMPACT}Z_1800000kHz.wav", "ci16_le", auxi()), "ci16_le", 1, 1),
    "SDRuno, later chunks": (wav("b.wav", "ci16_le", JUNK, after=auxi()), "ci16_le", 1, 1),
    "SDR Console": (rf64("02-Jan-2016 x.wav", "ci16_le", xml_auxi()), "ci16_le", 1, 1),
    "SDR Console 24": (rf64("c.wav", "ci24_le", JUNK, xml_auxi()), "ci24_le", 1, 1),
    "BW64": (rf64("d.wav", "cf32_le", auxi(), form=b"BW64"), "cf32_le", 1, 1),
    "SDRangel": (
        wav("rec0_2016-01-01T23_19_14_000.wav", "ci16_le", auxi(HOUR_EARLIER)),
        *("ci16_le", 1, 1),
    ),
    "SDRangel sdriq": (
        lambda folder, samples: write_sdriq(folder / "x.2016-01-01T23_19_14_000.sdriq", samples),
        *("ci16_le", 1, 1),
    ),
    "extensible": (wav("e.wav", "cf64_le", extensible=True), "cf64_le", 0, 0),
    "extensible PCM": (wav("e.wav", "ci24_le", auxi(), extensible=True), "ci24_le", 1, 1),
    "SDR++": (wav(f"baseband_{CENTER}Hz_23-19-14_01-01-2016.wav", "ci16_le"), "ci16_le", 1, 1),
    "SDR++ 32": (wav(f"baseband_{CENTER}Hz_23-19-14_01-01-2016.wav", "ci32_le"), "ci32_le", 1, 1),
    "gqrx": (raw(f"gqrx_{COMPACT}_{CENTER}_{RATE}_fc.raw", "cf32_le"), "cf32_le", 1, 1),
    "rtl_433": (raw("g001_1800M_1920k.cu8", CU8), CU8, 1, 0),
    "rtl_433 cs16": (raw("g002_1800M_1920k.cs16", "ci16_le"), "ci16_le", 1, 0),
    "URH": (raw("HackRF-20160101_231914-1_8GHz-1_92MSps-2MHz.complex16s", "ci8"), "ci8", 1, 1),
    "URH unsigned": (
        raw("RTL-SDR-20160101_231914-1_8GHz-1_92MSps-1MHz.complex16u", CU8),
        CU8,
        1,
        1,
    ),
    "URH float": (
        raw("USRP-20160101_231914-1_8GHz-1_92MSps-1MHz.complex", "cf32_le"),
        "cf32_le",
        1,
        1,
    ),
    "SatDump": (raw(f"2016-01-01_23-19-14_{RATE}SPS_{CENTER}Hz.s16", "ci16_le"), "ci16_le", 1, 1),
    "SatDump new": (raw(f"2016-01-01_23-19-14_{RATE}SPS_{CENTER}Hz.cs8", "ci8"), "ci8", 1, 1),
    "inspectrum": (raw(f"x_1.8GHz_{RATE_KSPS}.cf32", "cf32_le"), "cf32_le", 1, 0),
    "GNU Radio": (raw(f"x_1800MHz_{RATE_KSPS}.cfile", "cf32_le"), "cf32_le", 1, 0),
    "PlutoSDR": (raw(f"x_1800MHz_{RATE_KSPS}.sc16", "ci16_le"), "ci16_le", 1, 0),
    "format in the name": (raw(f"x_1800MHz_{RATE_KSPS}_cs16.iq", "ci16_le"), "ci16_le", 1, 0),
    "PortaPack": (portapack, "ci16_le", 1, 0),
    "file_meta": (file_meta("cf32_le"), "cf32_le", 1, 1),
    "file_meta, segments": (file_meta("cf32_le", segment=700), "cf32_le", 1, 1),
    "file_meta, detached": (file_meta("ci16_le", segment=700, detached=True), "ci16_le", 1, 1),
    "file_meta ci8": (file_meta("ci8", segment=999), "ci8", 1, 1),
    "archive": (archive, "ci16_le", 1, 1),
    "archive.gz": (packed(".gz", gzip.compress, archive), "ci16_le", 1, 1),
    "pair with .zst": (compressed_pair, "ci16_le", 1, 1),
    ".gz": (packed(".gz", gzip.compress, raw("g001_1800M_1920k.cu8", CU8)), CU8, 1, 0),
    ".bz2": (packed(".bz2", bz2.compress, raw("g001_1800M_1920k.cu8", CU8)), CU8, 1, 0),
    ".xz": (packed(".xz", lzma.compress, wav("f.wav", "ci16_le", auxi())), "ci16_le", 1, 1),
    ".zst": (packed(".zst", zstd_compressed, wav("f.wav", "ci16_le", auxi())), "ci16_le", 1, 1),
}


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    """Names that tell local times are read as of UTC."""
    monkeypatch.setenv("TZ", "UTC")
    import time

    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(recording):
    """What a recording is, without where it lies."""
    captures = [replace(c, header_bytes=0) for c in recording.captures]
    return recording.datatype, recording.sample_rate, recording.num_samples, captures[:1]


@pytest.mark.parametrize("name", FORMATS)
def test_a_recording_is_what_its_twin_is(tmp_path, name):
    write, datatype, tells_center, tells_time = FORMATS[name]
    samples = samples_of()
    (tmp_path / "twin").mkdir()
    center, time = CENTER if tells_center else None, TIME if tells_time else None
    twin = open_recording(write_twin(tmp_path / "twin/x", samples, datatype, center, time))
    recording = open_recording(write(tmp_path, samples))
    assert told(recording) == told(twin)
    assert (read_samples(recording, 0, 5000) == read_samples(twin, 0, 5000)).all()
    assert (read_samples(recording, 1234, 789) == read_samples(twin, 1234, 789)).all()
    assert recording.warnings == ()
    assert all("\n" not in line for line in recording.inferred)
    said = " ".join(recording.inferred)
    if not recording.meta:
        assert datatype in said and "1.92 MS/s" in said
        assert ("1800 MHz" in said) == bool(tells_center)
        assert ("2016-01-01T23:19:14Z" in said) == bool(tells_time)


def emissions_of(recording, segmenter):
    """What a model finds in it: label, edges, samples, times."""
    found = []

    def take(port, fields, data):
        if port == keys.PORT_EMISSIONS and fields[keys.EVENT] == keys.EVENT_END:
            names = (keys.LABEL, keys.CENTER_FREQUENCY, keys.BANDWIDTH, keys.SNR_DB)
            times = (keys.START_OFFSET, keys.END_OFFSET, keys.START_TIME, keys.CONFIDENCE)
            found.append(tuple(fields[name] for name in (*names, *times)))

    flowgraph = SegmentFlowgraph(recording, segmenter, take)
    flowgraph.launch()
    assert flowgraph.ended(60)
    problem = flowgraph.problem()
    flowgraph.close()
    assert not problem
    return found


def test_emissions_are_those_of_the_twin(tmp_path):
    samples = two_carriers(0.2)
    segmenter = make_segmenter(
        model=str(make_level_bundle(tmp_path / "level.pt")), overload="wait", threads=1
    )
    (tmp_path / "twin").mkdir()
    names = ("HDSDR", "SDR Console 24", "file_meta, segments", "archive.gz", "gqrx")
    for name in names:
        write, datatype, _, _ = FORMATS[name]
        twin = open_recording(write_twin(tmp_path / "twin/x", samples, datatype))
        expected = emissions_of(twin, segmenter)
        assert [e[0] for e in expected] == ["lte", "nr"], name
        assert emissions_of(open_recording(write(tmp_path, samples)), segmenter) == expected, name


def test_retunes_of_file_meta_are_captures(tmp_path):
    samples = samples_of()
    second = int(TIME.timestamp())
    retunes = [
        (0, 1e9, (second, 0.25), None),
        (1000, 2e9, None, None),
        (2500, 3e9, (second + 60, 0.5), None),
    ]
    for detached in (False, True):
        path = tmp_path / f"x{detached}.dat"
        write_file_meta(path, samples, "cf32_le", detached, 700, retunes)
        recording = open_recording(path)
        first, second_, third = (
            next(c for c in recording.captures if c.sample_start == at) for at in (0, 1000, 2500)
        )
        assert (first.center_frequency, first.time_s, first.time_frac) == (1e9, second, 0.25)
        assert second_.center_frequency == 2e9
        assert second_.time_frac == pytest.approx(0.25 + 1000 / RATE, abs=1e-7)
        assert (third.center_frequency, third.time_s, third.time_frac) == (3e9, second + 60, 0.5)
        assert recording.inferred[-1] == f"{path.name}: retuned, from 1000 MHz to 3000 MHz"
        if detached:
            assert len(recording.captures) == 3
        last = recording.captures[-1]
        expected = 0.5 + (last.sample_start - 2500) / RATE
        assert last.time_frac == pytest.approx(expected, abs=1e-7)
        expected = samples.astype(np.complex64)
        assert (read_samples(recording, 0, 5000) == expected).all()


def test_archives_and_collections_hold_several_recordings(tmp_path):
    samples = [samples_of(seed=seed) for seed in (1, 2)]
    metas = [
        write_twin(tmp_path / name, each, "ci16_le", CENTER + 1e6 * index)
        for index, (name, each) in enumerate(zip("ab", samples, strict=True))
    ]
    collection = sigmf.sigmffile.SigMFCollection(
        [meta.name for meta in metas], base_path=str(tmp_path)
    )
    collection.tofile(str(tmp_path / "both"))
    listed = recordings_in(tmp_path / "both.sigmf-collection")
    assert listed == [str(meta) for meta in metas]
    shutil.make_archive(str(tmp_path / "two"), "tar", tmp_path, ".")
    (tmp_path / "two.tar").rename(tmp_path / "two.sigmf")
    (tmp_path / "two.sigmf.xz").write_bytes(lzma.compress((tmp_path / "two.sigmf").read_bytes()))
    for archive_path in (tmp_path / "two.sigmf", tmp_path / "two.sigmf.xz"):
        inside = recordings_in(archive_path)
        assert inside == [f"{archive_path}/a", f"{archive_path}/b"]
        for index, path in enumerate(inside):
            recording = open_recording(path)
            assert recording.stem == f"two_{'ab'[index]}"
            assert recording.captures[0].center_frequency == CENTER + 1e6 * index
            twin = open_recording(metas[index])
            assert (read_samples(recording, 0, 5000) == read_samples(twin, 0, 5000)).all()


def test_what_is_given_counts_most(tmp_path):
    path = wav(f"HDSDR_{COMPACT}Z_1800000kHz_RF.wav", "ci16_le", auxi())(tmp_path, samples_of())
    recording = open_recording(path, 1e6, 7e8, "cu16")
    assert (recording.sample_rate, recording.datatype) == (1e6, "cu16_le")
    assert recording.captures[0].center_frequency == 7e8
    assert recording.inferred == (f"{path.name}: 2016-01-01T23:19:14Z (from its WAV header)",)


def test_where_a_name_and_a_header_differ_the_header_counts(tmp_path):
    name = f"HDSDR_{COMPACT}Z_900000kHz_2.4Msps.wav"
    path = wav(name, "ci16_le", auxi())(tmp_path, samples_of())
    recording = open_recording(path)
    assert (recording.sample_rate, recording.captures[0].center_frequency) == (RATE, CENTER)
    assert recording.warnings == (
        f"{name}: its name says 2.4 MS/s, 900 MHz, its WAV header 1.92 MS/s, 1800 MHz, which "
        "counts",
    )


def test_sdrangels_samples_of_24_bits_are_256_times_smaller(tmp_path):
    recording = open_recording(write_sdriq(tmp_path / "x.sdriq", samples_of(), 24))
    assert recording.datatype == "ci32_le" and "48 dB" in recording.inferred[0]
    expected = samples_of().astype(np.complex64) / 256
    assert (read_samples(recording, 0, 5000) == expected).all()


def test_a_local_time_in_a_header_is_made_utc_by_the_name(tmp_path):
    write, *_ = FORMATS["SDRangel"]
    said = open_recording(write(tmp_path, samples_of())).inferred
    assert said[1] == (
        "rec0_2016-01-01T23_19_14_000.wav: 2016-01-01T23:19:14Z (from its WAV header, made UTC by "
        "its name)"
    )


def test_times_of_a_clock_that_was_never_set_are_no_contradiction(tmp_path):
    early = datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
    meta = write_twin(tmp_path / "radiofm_20240501T120000Z_0001", samples_of(), "ci8", time=early)
    assert open_recording(meta).warnings == ()
    late = write_twin(tmp_path / "radiofm_20240501T120000Z_0002", samples_of(), "ci8")
    (warning,) = open_recording(late).warnings
    assert "its name says 2024-05-01T12:00:00Z, its SigMF description 2016-01-01T23" in warning


def test_a_centre_beyond_32_bits_is_the_names(tmp_path):
    center = 5_800_000_000
    path = wav(f"HDSDR_{COMPACT}Z_5800000kHz.wav", "ci16_le", auxi(center=center % 2**32))(
        tmp_path, samples_of()
    )
    recording = open_recording(path)
    assert recording.captures[0].center_frequency == center and recording.warnings == ()
