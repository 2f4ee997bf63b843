# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input through the command line: one clear line, exit 2, nothing half-written."""

import json
import os
import stat
import zipfile

import numpy as np
import pytest
from level_model import RATE, make_level_bundle, two_carriers, write_recording
from motion_model import make_motion_bundle
from radiofm_command import assert_one_line_error, leftovers, radiofm

from radiofm_core.spectrum.spec import SpectrogramSpec

SAMPLES = two_carriers(0.03)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


@pytest.fixture
def segment(tmp_path, model):
    """Run ``radiofm segment`` on an input that must be refused; check that it was, cleanly."""

    def run(recording, *words, options=()):
        out = tmp_path / "out"
        done = radiofm("segment", recording, "--out", out, "--model", model, *options)
        assert_one_line_error(done, *words)
        assert leftovers(out) == []

    return run


def test_missing_file(tmp_path, segment):
    segment(tmp_path / "none.sigmf-meta", "none.sigmf-meta", "does not exist")


def test_missing_data(tmp_path, segment):
    meta = write_recording(tmp_path / "x", SAMPLES)
    meta.with_name("x.sigmf-data").unlink()
    segment(meta, "x.sigmf-data", "does not exist")


def test_folder_without_recordings(tmp_path, model):
    (tmp_path / "in").mkdir()
    done = radiofm("segment", tmp_path / "in", "--out", tmp_path / "out", "--model", model)
    assert_one_line_error(done, "no recording in")


def test_nothing_named(segment):
    segment("", "no file is named")


def test_empty_file(tmp_path, segment):
    segment(write_recording(tmp_path / "x", SAMPLES[:0]), "x.sigmf-data", "empty")


def test_less_than_a_sample(tmp_path, segment):
    meta = write_recording(tmp_path / "x", SAMPLES)
    (tmp_path / "x.sigmf-data").write_bytes(b"abc")
    segment(meta, "3 bytes", "8-byte cf32_le", "truncated")


def test_truncated_against_its_checksum(tmp_path, segment):
    meta = write_recording(tmp_path / "x", SAMPLES, **{"core:sha512": "0" * 128})
    segment(meta, "core:sha512", "truncated")


def test_truncated_before_an_annotation(tmp_path, segment):
    path = write_recording(tmp_path / "x", SAMPLES)
    meta = json.loads(path.read_text())
    meta["annotations"] = [{"core:sample_start": len(SAMPLES) + 5, "core:sample_count": 1}]
    path.write_text(json.dumps(meta))
    segment(path, f"sample {len(SAMPLES) + 5}", "truncated")


def test_shorter_than_a_row(tmp_path, segment):
    segment(write_recording(tmp_path / "x", SAMPLES[:100]), "100 samples", "256")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite_at_the_start(tmp_path, segment, value):
    samples = SAMPLES.copy()
    samples[7] = value
    segment(write_recording(tmp_path / "x", samples), "sample 7", "not finite")


def test_not_finite_in_the_middle_keeps_what_came_before(tmp_path, model):
    samples = two_carriers(0.1)
    bad = len(samples) // 2 + 77
    samples[bad] = complex(0, np.nan)
    meta = write_recording(tmp_path / "x", samples)
    out = tmp_path / "out"
    done = radiofm("segment", meta, "--out", out, "--model", model)
    assert_one_line_error(done, str(bad), "results up to there are written")
    described = json.loads((out / "x.sigmf-meta").read_text())
    assert described["global"]["radiofm:complete"] is False
    mask = np.load(out / "x.mask.npz")["mask"]
    assert 0.8 * bad < len(mask) * 128 <= bad


def test_all_zeros(tmp_path, segment):
    segment(write_recording(tmp_path / "x", np.zeros(100_000)), "100000 samples are zero")


def test_all_the_same(tmp_path, segment):
    np.full(200_000, 127, np.uint8).tofile(tmp_path / "x.cu8")
    options = ("--sample-rate", "2e6", "--datatype", "cu8")
    segment(tmp_path / "x.cu8", "the same (127, 127)", options=options)


@pytest.mark.parametrize("datatype", ["rf32_le", "cf16_le", "banana", 7, None])
def test_unknown_datatype(tmp_path, segment, datatype):
    meta = write_recording(tmp_path / "x", SAMPLES, **{"core:datatype": datatype})
    words = ("cf32_le, ",) if datatype is None else (repr(datatype), "cf32_le, ")
    segment(meta, *words)


def test_bytes_taken_for_floats(tmp_path, segment):
    np.random.default_rng(1).integers(-99, 99, 80_000, np.int8).tofile(tmp_path / "x")
    options = ("--sample-rate", RATE, "--datatype", "cf32_le")
    segment(tmp_path / "x", "datatype is not cf32_le", options=options)


@pytest.mark.parametrize("rate", [0.2e6, 130e6])
def test_sample_rate_outside_the_models_range(tmp_path, segment, rate):
    meta = write_recording(tmp_path / "x", SAMPLES, **{"core:sample_rate": rate})
    spec = SpectrogramSpec()
    allowed = f"{spec.sample_rate_min / 1e6:g} to {spec.sample_rate_max / 1e6:g} MS/s"
    segment(meta, f"{rate / 1e6:g} MS/s", allowed)


@pytest.mark.parametrize("rate", ["fast", -1, 0, True, [1]])
def test_sample_rate_that_is_none(tmp_path, segment, rate):
    segment(write_recording(tmp_path / "x", SAMPLES, **{"core:sample_rate": rate}), "sample rate")


def test_raw_file_without_its_options(tmp_path, segment):
    SAMPLES.tofile(tmp_path / "x.raw")
    segment(tmp_path / "x.raw", "--datatype")
    segment(tmp_path / "x.raw", "--sample-rate", options=("--datatype", "cf32_le"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"global": 3}', '{"captures": []}', "\xff"])
def test_description_that_is_no_sigmf(tmp_path, segment, text):
    meta = write_recording(tmp_path / "x", SAMPLES)
    meta.write_bytes(text.encode("latin-1"))
    segment(meta, "x.sigmf-meta")


def test_model_of_another_task(tmp_path, segment):
    other = make_motion_bundle(tmp_path / "other.pt")
    segment(
        write_recording(tmp_path / "x", SAMPLES),
        "'csi-activity'",
        "'spectrogram-segmentation'",
        options=("--model", other),
    )


def test_model_that_does_not_exist(tmp_path, segment):
    meta = write_recording(tmp_path / "x", SAMPLES)
    segment(meta, "nothing-here", options=("--model", "nothing-here"))


def test_corrupted_model(tmp_path, segment, model):
    meta = write_recording(tmp_path / "x", SAMPLES)
    broken = tmp_path / "broken.pt"
    broken.write_bytes(model.read_bytes()[:-200])
    segment(meta, "broken.pt", options=("--model", broken))
    broken.write_bytes(b"not a zip file")
    segment(meta, "broken.pt", options=("--model", broken))


def test_model_with_damaged_code(tmp_path, segment, model):
    broken = tmp_path / "broken.pt"
    with zipfile.ZipFile(model) as good, zipfile.ZipFile(broken, "w") as bad:
        for entry in good.infolist():
            is_code = entry.filename.endswith(".py")
            bad.writestr(entry.filename, b"damage" if is_code else good.read(entry))
    segment(write_recording(tmp_path / "x", SAMPLES), "broken.pt", options=("--model", broken))


def test_foreign_model(tmp_path, segment):
    foreign = tmp_path / "foreign.pt"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("foreign/data.pkl", b"...")
    segment(write_recording(tmp_path / "x", SAMPLES), "foreign", options=("--model", foreign))


def test_unknown_device(tmp_path, segment):
    meta = write_recording(tmp_path / "x", SAMPLES)
    segment(meta, "'warp'", options=("--device", "warp"))
    segment(meta, "'cuda:99'", options=("--device", "cuda:99"))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--sample-rate", "quick"),
        ("--sample-rate", "-2e6"),
        ("--center-frequency", "nan"),
        ("--min-confidence", "1.5"),
        ("--threads", "-1"),
        ("--frame-duration", "0"),
        ("--precision", "fp8"),
    ],
)
def test_option_out_of_range(tmp_path, model, option, value):
    meta = write_recording(tmp_path / "x", SAMPLES)
    done = radiofm("segment", meta, "--out", tmp_path, "--model", model, f"{option}={value}")
    assert_one_line_error(done, value, option)


def test_no_arguments():
    assert_one_line_error(radiofm("segment"), "INPUT", "--out")
    assert_one_line_error(radiofm(), "COMMAND")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_out_folder_without_the_right_to_write(tmp_path, model):
    meta = write_recording(tmp_path / "x", SAMPLES)
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    done = radiofm("segment", meta, "--out", locked, "--model", model)
    assert_one_line_error(done, "locked", "--out")


def test_out_folder_that_cannot_be(tmp_path, model):
    meta = write_recording(tmp_path / "x", SAMPLES)
    (tmp_path / "file").write_text("in the way")
    done = radiofm("segment", meta, "--out", tmp_path / "file", "--model", model)
    assert_one_line_error(done, "file", "--out")
    done = radiofm("segment", meta, "--out", "/proc/radiofm", "--model", model)
    assert_one_line_error(done, "/proc/radiofm", "--out")


def test_results_do_not_replace_the_recording(tmp_path, model):
    meta = write_recording(tmp_path / "x", SAMPLES)
    before = meta.read_bytes()
    done = radiofm("segment", meta, "--out", tmp_path, "--model", model)
    assert_one_line_error(done, "x.sigmf-meta is the recording itself", "--out")
    assert meta.read_bytes() == before
    assert leftovers(tmp_path) == ["x.sigmf-data", "x.sigmf-meta"]


def test_two_inputs_of_one_name(tmp_path, model):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_recording(tmp_path / folder / "x", SAMPLES)
    inputs = (tmp_path / "a" / "x.sigmf-meta", tmp_path / "b" / "x.sigmf-meta")
    done = radiofm("segment", *inputs, "--out", tmp_path / "out", "--model", model)
    assert_one_line_error(done, "would both write")


def test_a_bad_recording_does_not_keep_the_good_ones_from_being_done(tmp_path, model):
    good = write_recording(tmp_path / "good", SAMPLES)
    bad = write_recording(tmp_path / "bad", SAMPLES[:0])
    out = tmp_path / "out"
    done = radiofm("segment", bad, good, "--out", out, "--model", model)
    assert_one_line_error(done, "bad.sigmf-data", "empty")
    assert "good.png" in leftovers(out) and "bad.png" not in leftovers(out)


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("uhd=addr=1", "'uhd=addr=1'"),
        ("file=/nowhere", "/nowhere"),
        ("zmq=tcp://127.0.0.1:5555", "--sample-rate"),
        ("soapy=driver=none", "--sample-rate"),
        ("zmq", "'zmq'"),
    ],
)
def test_watch_refuses_a_source(model, source, word):
    assert_one_line_error(radiofm("watch", "--source", source, "--model", model), word)
