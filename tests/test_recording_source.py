# SPDX-License-Identifier: GPL-3.0-or-later
"""The recording source: samples, tags and ends as they are in the file."""

import itertools
import json
import os
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pmt
import pytest
from framer_flow import SPEC, collect, noise, sizes
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm import radiofm_python
from gnuradio.radiofm.blocks.native_options import filled

from radiofm_core.errors import InputError
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.sample_data import read_iq

RATE = 7.68e6
ROW, FRAME = sizes(RATE)[1:]

NONE, COMPLEX = gr.io_signature(0, 0, 0), gr.io_signature(1, 1, gr.sizeof_gr_complex)

INTEGERS = {"ci8": "i1", "cu8": "u1", "ci16": "i2", "cu16": "u2", "ci32": "i4", "cu32": "u4"}
FLOATS = {"cf32": "f4", "cf64": "f8"}


def play(source):
    """(samples, tags as (offset, key, value)) of a run to the end."""
    top = gr.top_block()
    sink = blocks.vector_sink_c()
    top.connect(source, sink)
    top.run()
    tags = [(t.offset, pmt.symbol_to_string(t.key), pmt.to_python(t.value)) for t in sink.tags()]
    return np.array(sink.data(), dtype=np.complex64), sorted(tags, key=lambda t: (t[0], t[1]))


def native(path, datatype="cf32_le", rate=RATE, segments=(), **options):
    """``segments``: (first sample, Hz, whole seconds, the rest of a second, bytes of a header)."""
    kind = radiofm_python.recording_segment
    values = {
        "path": str(path),
        "datatype": datatype,
        "sample_rate": rate,
        "segments": [filled(kind, dict(zip(kind.fields, s, strict=False))) for s in segments],
    }
    options = filled(radiofm_python.recording_source_options, values, options)
    return radiofm_python.recording_source(options)


def write(path, samples):
    np.asarray(samples, np.complex64).tofile(path)
    return path


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("kind", [*INTEGERS, *FLOATS])
def test_every_format_gives_full_scale_one(tmp_path, kind, order):
    code = {"le": "<", "be": ">"}[order] + (INTEGERS | FLOATS)[kind]
    dtype = np.dtype(code)
    rng = np.random.default_rng(1)
    if kind in FLOATS:
        stored = rng.standard_normal(2000).astype(dtype)
        expected = stored.astype(np.float32)
    else:
        limits = np.iinfo(dtype)
        stored = rng.integers(
            limits.min, limits.max, 2000, endpoint=True, dtype=dtype.newbyteorder("=")
        )
        stored[:2] = limits.min, limits.max
        centre = 0.0 if dtype.kind == "i" else limits.max / 2
        expected = (stored.astype(float) - centre) / 2.0 ** (limits.bits - 1)
        stored = stored.astype(dtype)
    stored.tofile(tmp_path / "x")
    name = kind if kind.endswith("8") else f"{kind}_{order}"
    samples, _ = play(native(tmp_path / "x", name))
    assert samples[:-1].view(np.float32) == pytest.approx(expected.astype(np.float32), abs=1e-7)
    assert np.abs(expected).max() <= 1.0 or kind in FLOATS


@pytest.mark.parametrize("order", ["le", "be"])
def test_integers_of_three_bytes_give_full_scale_one(tmp_path, order):
    values = np.random.default_rng(1).integers(-(2**23), 2**23, 2000)
    values[:2] = -(2**23), 2**23 - 1
    as_bytes = (values << 8).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:]
    (as_bytes[:, ::-1] if order == "be" else as_bytes).tofile(tmp_path / "x")
    samples, _ = play(native(tmp_path / "x", f"ci24_{order}"))
    expected = (values / 2.0**23).astype(np.float32)
    assert (samples[:-1].view(np.float32) == expected).all()
    assert (read_iq(tmp_path / "x", f"ci24_{order}", 0, 0, 1000) == samples[:-1]).all()


def test_tags_mark_the_segments_and_the_end(tmp_path):
    x = noise(200_000)
    segments = [(0, 1.8e9, 1_700_000_000, 0.5), (150_001, 1.9e9, 1_700_000_060, 0.25)]
    source = native(write(tmp_path / "x", x), segments=segments)
    samples, tags = play(source)
    assert (samples[:-1] == x).all() and samples[-1] == 0
    assert tags == [
        (0, "rx_freq", 1.8e9),
        (0, "rx_rate", RATE),
        (0, "rx_time", (1_700_000_000, 0.5)),
        (150_001, "rx_freq", 1.9e9),
        (150_001, "rx_rate", RATE),
        (150_001, "rx_time", (1_700_000_060, 0.25)),
        (200_000, "radiofm_end", True),
    ]
    assert (source.progress(), source.n_samples(), source.error()) == (200_000, 200_000, "")


def test_a_header_is_skipped_and_a_trailer_not_played(tmp_path):
    x = noise(1000)
    (tmp_path / "x").write_bytes(b"headr" + x.tobytes() + b"trailer of more than a sample")
    samples, _ = play(native(tmp_path / "x", start_byte=5, n_samples=1000))
    assert (samples[:-1] == x).all()


def test_headers_between_segments_are_skipped(tmp_path):
    x = noise(300_000)
    parts = [x[:7], x[7:200_000], x[200_000:200_001], x[200_001:]]
    headers = [b"a" * 5, b"b" * 171, b"", b"c" * 3]
    content = b"".join(h + p.tobytes() for h, p in zip(headers, parts, strict=True))
    (tmp_path / "x").write_bytes(b"header" + content)
    starts = [0, 7, 200_000, 200_001]
    segments = [(s, 1e9, 9, 0.5, len(h)) for s, h in zip(starts, headers, strict=True)]
    source = native(tmp_path / "x", start_byte=6, segments=segments)
    samples, tags = play(source)
    assert (samples[:-1] == x).all() and source.error() == ""
    assert [t[0] for t in tags if t[1] == "rx_freq"] == starts


def piped(chunks, source):
    """(samples, tags) of a source of standard input, into which these bytes are written."""
    into, before = os.pipe(), os.dup(0)
    os.dup2(into[0], 0)
    try:
        block = source()
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(into[0])

    def write_all():
        with os.fdopen(into[1], "wb", buffering=0) as pipe:
            for chunk in chunks:
                pipe.write(chunk)

    writer = threading.Thread(target=write_all)
    writer.start()
    try:
        return (*play(block), block)
    finally:
        writer.join()


def test_standard_input_is_played_to_its_end(tmp_path):
    x = noise(100_000)
    content = x.tobytes() + b"abc"
    cuts = [0, 1, 13, 4096, 500_003, len(content)]
    chunks = [content[a:b] for a, b in itertools.pairwise(cuts)]
    samples, tags, source = piped(chunks, lambda: radiofm.recording_source("-", 1e6, 2e9, "fc32"))
    assert (samples[:-1] == x).all() and tags[-1] == (100_000, "radiofm_end", True)
    assert (0, "rx_freq", 2e9) in tags and (0, "rx_rate", 1e6) in tags
    assert (source.progress(), source.n_samples(), source.error()) == (100_000, 0, "")


def test_a_pipe_may_begin_with_a_header_and_go_on_behind_the_samples(tmp_path):
    x = noise(1000)
    content = b"header" + x.tobytes() + b"more"
    chunks = [content[:2], content[2:]]
    options = {"start_byte": 6, "n_samples": 900}
    samples, tags, _ = piped(chunks, lambda: native("-", **options))
    assert (samples[:-1] == x[:900]).all() and tags[-1] == (900, "radiofm_end", True)


def test_a_flowgraph_over_a_silent_pipe_stops_at_once(tmp_path):
    os.mkfifo(tmp_path / "433.92MHz_2Msps.cu8")
    # opened for both, so that neither side waits for the other
    descriptor = os.open(tmp_path / "433.92MHz_2Msps.cu8", os.O_RDWR)
    source = radiofm.recording_source(tmp_path / "433.92MHz_2Msps.cu8")
    top = gr.top_block()
    top.connect(source, blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    time.sleep(0.05)
    top.stop()
    top.wait()
    os.close(descriptor)
    assert source.progress() == 0


def test_what_a_pipe_cannot_do_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be repeated"):
        native("-", repeat=True)
    with pytest.raises(ValueError, match="headers between"):
        native("-", segments=[(0, 0.0, 0, 0.0, 5)])
    with pytest.raises(InputError, match=r"standard input: the sample rate is unknown"):
        piped([b""], lambda: radiofm.recording_source("-", datatype="cu8"))


def test_repetitions_go_on_in_time(tmp_path):
    x = noise(1000)
    source = native(write(tmp_path / "x", x), segments=[(0, 0.0, 10, 0.75)], repeat=True)
    top = gr.top_block()
    head, sink = blocks.head(gr.sizeof_gr_complex, 3500), blocks.vector_sink_c()
    top.connect(source, head, sink)
    top.run()
    samples = np.array(sink.data(), np.complex64)
    assert (samples[1001:2001] == x).all()
    times = {t.offset: pmt.to_python(t.value) for t in sink.tags() if str(t.key) == "rx_time"}
    assert {at: s + f for at, (s, f) in times.items()} == {
        pass_ * 1001: pytest.approx(10.75 + pass_ * 1000 / RATE, abs=1e-9) for pass_ in range(4)
    }


def test_in_real_time_no_sample_comes_before_it_was_received(tmp_path):
    x = noise(200_000)
    rate = 0.3e6
    source = native(write(tmp_path / "x", x), rate=rate, repeat=True, real_time=True)
    top = gr.top_block()
    head, sink = blocks.head(gr.sizeof_gr_complex, 300_000), blocks.vector_sink_c()
    top.connect(source, head, sink)
    seen = []
    begin = time.monotonic()
    top.start()
    while head.nitems_written(0) < 300_000:
        played = source.progress()
        seen.append((played, time.monotonic() - begin))
        time.sleep(0.01)
    top.wait()
    samples = np.array(sink.data(), np.complex64)
    assert (samples[:200_000] == x).all()
    assert (samples[200_001:] == x[: 300_000 - 200_001]).all()
    assert all(played <= passed * rate for played, passed in seen)
    assert len({played for played, _ in seen}) > 5


def test_a_slow_recording_in_real_time_stops_at_once(tmp_path):
    source = native(write(tmp_path / "x", noise(100)), rate=1.0, real_time=True)
    top = gr.top_block()
    top.connect(source, blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    time.sleep(0.05)
    begin = time.monotonic()
    top.stop()
    top.wait()
    # the next sample would come after a second, and the last one after 99
    assert time.monotonic() - begin < 5.0
    assert source.progress() <= 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("at", [0, 1, 70_000])
def test_a_sample_that_is_not_finite_ends_the_recording_there(tmp_path, bad, at):
    x = noise(100_000)
    x[at] = complex(1.0, bad)
    source = native(write(tmp_path / "x", x))
    samples, tags = play(source)
    assert (samples[:-1] == x[:at]).all()
    assert tags[-1] == (at, "radiofm_end", True)
    assert source.progress() == at
    assert source.error().startswith(f"sample {at} of ")
    assert "\n" not in source.error()


def test_a_file_that_shrinks_ends_with_an_error(tmp_path):
    x = noise(1000)
    source = native(write(tmp_path / "x", x))
    os.truncate(tmp_path / "x", 8 * 600 + 3)
    samples, tags = play(source)
    assert (samples[:-1] == x[:600]).all()
    assert tags[-1] == (600, "radiofm_end", True)
    assert "ends after 600 of 1000 samples" in source.error()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"datatype": "rf32_le"}, "datatype 'rf32_le' is not known"),
        ({"rate": 0.0}, "sample rate"),
        ({"rate": float("nan")}, "sample rate"),
        ({"n_samples": 1001}, "holds 1000 cf32_le samples"),
        ({"start_byte": 8000}, "holds 0 cf32_le samples"),
        ({"segments": [(5, 0.0, 0, 0.0)]}, "must start at sample 0"),
        ({"segments": [(0, 0.0, 0, 0.0), (0, 1.0, 0, 0.0)]}, "must ascend"),
        ({"segments": [(0, 0.0, 0, 0.0), (1000, 1.0, 0, 0.0)]}, "must ascend"),
        ({"segments": [(0, float("nan"), 0, 0.0)]}, "not finite"),
        ({"segments": [(0, 0.0, 0, 1.0)]}, "below 1"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(tmp_path, options, what):
    with pytest.raises(ValueError, match=what) as caught:
        native(write(tmp_path / "x", noise(1000)), **options)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(RuntimeError, match=f"cannot read {path}"):
            native(path)


def sigmf(folder, samples, rate=RATE):
    stem = folder / "recording"
    write(stem.with_suffix(".sigmf-data"), samples)
    when = datetime(2024, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    captures = [
        {
            "core:sample_start": 0,
            "core:frequency": 1.8e9,
            "core:datetime": when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
        {"core:sample_start": 40 * ROW, "core:frequency": 2.6e9},
    ]
    top = {"core:datatype": "cf32_le", "core:sample_rate": rate, "core:version": "1.0.0"}
    meta = {"global": top, "captures": captures, "annotations": []}
    path = stem.with_suffix(".sigmf-meta")
    path.write_text(json.dumps(meta))
    return path, int(when.timestamp())


def test_a_sigmf_pair_becomes_frames_with_its_times_and_frequencies(tmp_path):
    path, second = sigmf(tmp_path, noise(40 * ROW + FRAME + 25 * ROW + 7))
    recording = open_recording(path)
    for source in (radiofm.recording_source(path), radiofm.recording_source(recording)):
        framer = radiofm.spectrogram_framer(recording.sample_rate, spec=SPEC)
        frames = collect(source, framer)
        assert [f.info["rows"] for f in frames] == [40, 256, 25]
        assert [f.info["center_frequency"] for f in frames] == [1.8e9, 2.6e9, 2.6e9]
        assert [f.info["last"] for f in frames] == [False, False, True]
        starts = [0, 40 * ROW, 40 * ROW + FRAME]
        for frame, start in zip(frames, starts, strict=True):
            assert frame.info["sample_offset"] == start
            seconds, fraction = frame.info["rx_time"]
            assert (seconds, fraction) == (second, pytest.approx(0.25 + start / RATE, abs=1e-9))
        assert framer.cut_samples() == 7


@pytest.mark.parametrize("chunk", [None, 640])
def test_each_repetition_of_whole_frames_ends_with_its_last(tmp_path, chunk):
    segments = [(0, 1e9, 0, 0.0), (FRAME, 2e9, 5, 0.0)]
    source = native(write(tmp_path / "x", noise(2 * FRAME)), segments=segments, repeat=True)
    top, head = gr.hier_block2("first", NONE, COMPLEX), blocks.head(8, 3 * (2 * FRAME + 1))
    top.connect(source, head, top)
    frames = collect(top, radiofm.spectrogram_framer(RATE, spec=SPEC), chunk=chunk)
    assert [(f.info["center_frequency"], f.info["last"]) for f in frames] == 3 * [
        (1e9, False),
        (2e9, True),
    ]


def test_the_options_override_sigmf_and_describe_raw_files(tmp_path):
    path, _ = sigmf(tmp_path, noise(FRAME))
    frames = collect(
        radiofm.recording_source(path, sample_rate=15.36e6, center_frequency=5e9),
        radiofm.spectrogram_framer(RATE, spec=SPEC),
    )
    assert frames[0].info["sample_rate"] == 15.36e6
    assert frames[0].info["center_frequency"] == 5e9
    raw = write(tmp_path / "raw.cf32", noise(FRAME))
    source = radiofm.recording_source(raw, RATE, 9e8, "cf32_le")
    frames = collect(source, radiofm.spectrogram_framer(RATE, spec=SPEC))
    assert [f.info["center_frequency"] for f in frames] == [9e8]
    with pytest.raises(InputError):
        radiofm.recording_source(raw)


def test_a_flowgraph_over_an_endless_recording_stops_at_once(tmp_path):
    source = native(write(tmp_path / "x", noise(FRAME)), repeat=True)
    framer = radiofm.spectrogram_framer(RATE, spec=SPEC)
    top = gr.top_block()
    top.connect(source, framer, blocks.null_sink(4 * SPEC.frame_floats))
    top.start()
    while framer.frames() < 3:
        time.sleep(0.01)
    begin = time.monotonic()
    top.stop()
    top.wait()
    # on a busy machine, too; one that does not stop goes on for ever
    assert time.monotonic() - begin < 5.0


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.complex64])
def test_vectors_go_to_pmt_and_back(dtype):
    array = np.arange(65536).reshape(256, 256).astype(dtype)
    vector = radiofm.make_vector(array)
    view = radiofm.vector_view(vector)
    assert view.dtype == dtype
    assert (view == array.ravel()).all()
    assert radiofm.make_vector(array.T[::2]) is not None
    assert (radiofm.vector_view(radiofm.make_vector(array.T)) == array.T.ravel()).all()
    assert len(radiofm.vector_view(radiofm.make_vector(array[:0]))) == 0


def test_a_view_is_no_copy_is_read_only_and_keeps_the_vector():
    vector = pmt.make_f32vector(65536, 0.5)
    first, second = radiofm.vector_view(vector), radiofm.vector_view(vector)
    assert np.shares_memory(first, second)
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1.0
    del vector, second
    blocks_of_memory = [pmt.make_f32vector(65536, 0.0) for _ in range(20)]
    assert len(blocks_of_memory) == 20
    assert (first == 0.5).all()


def test_what_is_no_such_vector_is_refused():
    with pytest.raises(TypeError, match="u8, f32, f64 or c32"):
        radiofm.vector_view(pmt.make_s32vector(3, 0))
    with pytest.raises(TypeError, match="float64; convert"):
        radiofm.make_vector(np.zeros(3))
