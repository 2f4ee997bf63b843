# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening recordings: the description is understood as SigMF means it, or refused by name."""

import hashlib
import json

import numpy as np
import pytest

from radiofm_core.errors import InputError
from radiofm_core.spectrum.datatypes import DATATYPES
from radiofm_core.spectrum.recordings import open_recording, read_samples

RATE = 2e6
SAMPLES = np.random.default_rng(1).integers(-9, 9, (5000, 2), np.int8)


@pytest.fixture
def write(tmp_path):
    """Write a ci8 pair with these captures; returns its stem."""

    def write_pair(captures=({"core:sample_start": 0},), annotations=(), **fields):
        meta = {
            "global": {"core:datatype": "ci8", "core:sample_rate": RATE, **fields},
            "captures": list(captures),
            "annotations": list(annotations),
        }
        SAMPLES.tofile(tmp_path / "x.y.sigmf-data")
        (tmp_path / "x.y.sigmf-meta").write_text(json.dumps(meta))
        return tmp_path / "x.y"

    return write_pair


@pytest.mark.parametrize("suffix", ["", ".sigmf-meta", ".sigmf-data"])
def test_a_pair_opens_by_either_file_or_its_stem(write, suffix):
    stem = write()
    recording = open_recording(f"{stem}{suffix}")
    assert recording.stem == "x.y" and recording.num_samples == 5000
    assert recording.datatype == "ci8" and recording.sample_rate == RATE
    assert recording.duration == 5000 / RATE
    assert recording.data_path.name == "x.y.sigmf-data"


def test_given_values_override_the_description(write):
    recording = open_recording(write(), 4e6, 9e8, "cu8")
    assert (recording.sample_rate, recording.datatype) == (4e6, "cu8")
    assert recording.captures[0].center_frequency == 9e8


def test_short_recordings_get_shorter_frames(write):
    stem = write()
    durations = [open_recording(stem, 5000 / t).suitable_frame_duration for t in (0.001, 0.012, 9)]
    assert durations == pytest.approx([0.005, 0.012, 0.02])


@pytest.mark.parametrize("datatype", sorted(DATATYPES))
def test_raw_file_of_every_datatype(tmp_path, datatype):
    base = DATATYPES[datatype].base
    values = np.random.default_rng(1).integers(1, 99, (300, 2))
    values = values.astype("<u4").view("V4").astype("V3") if base.kind == "V" else values
    values.astype(base).tofile(tmp_path / "x.raw")
    recording = open_recording(tmp_path / "x.raw", RATE, 1e9, datatype)
    assert recording.num_samples == 300 and recording.stem == "x"
    assert recording.captures[0].center_frequency == 1e9 and recording.meta == {}


def test_capture_times_are_exact_and_go_on_where_none_is_given(write):
    recording = open_recording(
        write(
            [
                {"core:sample_start": 0, "core:datetime": "2024-05-01T12:00:00.25Z"},
                {"core:sample_start": 1000, "core:frequency": 1e9},
                {"core:sample_start": 2000, "core:datetime": "2024-05-01T14:00:01+02:00"},
            ]
        )
    )
    first, second, third = recording.captures
    assert (first.time_s, first.time_frac, first.center_frequency) == (1714564800, 0.25, 0.0)
    assert (second.time_s, second.center_frequency) == (1714564800, 1e9)
    assert second.time_frac == 0.25 + 1000 / RATE
    # a capture without a frequency stays where the one before it was
    assert (third.time_s, third.time_frac, third.center_frequency) == (1714564801, 0.0, 1e9)


def test_sample_indexes_count_from_core_offset(write):
    captures = [{"core:sample_start": 7000}, {"core:sample_start": 7100}]
    recording = open_recording(write(captures, **{"core:offset": 7000}))
    assert [c.sample_start for c in recording.captures] == [0, 100]


def test_samples_before_the_first_capture_belong_to_it(write):
    captures = [{"core:sample_start": 10, "core:frequency": 5e8}]
    (only,) = open_recording(write(captures)).captures
    assert (only.sample_start, only.center_frequency) == (0, 5e8)


def test_header_and_trailer_of_a_foreign_file_are_left_out(write):
    stem = write([{"core:sample_start": 0, "core:header_bytes": 40}], **{"core:trailing_bytes": 60})
    recording = open_recording(stem)
    assert recording.start_byte == 40 and recording.num_samples == 4950


def test_headers_between_captures_are_left_out(write):
    captures = [
        {"core:sample_start": 0, "core:header_bytes": 40},
        {"core:sample_start": 1000, "core:header_bytes": 20, "core:frequency": 1e9},
    ]
    recording = open_recording(write(captures))
    assert (recording.start_byte, recording.num_samples) == (40, 4970)
    assert [c.header_bytes for c in recording.captures] == [0, 20]
    expected = np.concatenate([SAMPLES[20:1020], SAMPLES[1030:]]) @ (1, 1j) / 128
    assert (read_samples(recording, 0, 4970) == expected.astype(np.complex64)).all()
    assert (read_samples(recording, 990, 20) == expected[990:1010].astype(np.complex64)).all()


def test_dataset_of_another_name(write):
    stem = write(**{"core:dataset": "other.bin"})
    stem.with_name("x.y.sigmf-data").rename(stem.with_name("other.bin"))
    assert open_recording(stem).data_path.name == "other.bin"


@pytest.mark.parametrize("named", ["../other.bin", "/etc/passwd", "below/other.bin"])
def test_a_dataset_elsewhere_is_refused(write, named):
    stem = write(**{"core:dataset": named})
    with pytest.raises(InputError, match="core:dataset: expected the name of a file beside it"):
        open_recording(stem)


def test_right_checksum_is_accepted(write):
    digest = hashlib.sha512(SAMPLES.tobytes()).hexdigest()
    assert open_recording(write(**{"core:sha512": digest})).num_samples == 5000


def test_byte_order_of_single_bytes_means_nothing(write):
    assert open_recording(write(**{"core:datatype": "ci8_le"})).datatype == "ci8"


@pytest.mark.parametrize(
    ("captures", "fields", "word"),
    [
        ([{"core:sample_start": -1}], {}, "-1"),
        ([{"core:sample_start": "a"}], {}, "'a'"),
        ([{"core:sample_start": 9}, {"core:sample_start": 3}], {}, "3 follows 9"),
        ([{"core:sample_start": 5000}], {}, "5000"),
        ([{"core:sample_start": 0, "core:frequency": "x"}], {}, "'x'"),
        ([{"core:sample_start": 0, "core:datetime": "noon"}], {}, "'noon'"),
        ([{"core:sample_start": 0, "core:datetime": "1969-01-01T00:00:00Z"}], {}, "1970"),
        ([{"core:sample_start": 0, "core:header_bytes": 99999}], {}, "truncated"),
        ([7], {}, "captures"),
        ([], {"core:num_channels": 2}, "core:num_channels"),
        ([], {"core:sample_rate": 1e400}, "sample rate"),
    ],
)
def test_descriptions_that_cannot_be_right_are_refused(write, captures, fields, word):
    with pytest.raises(InputError, match=r"x\.y") as caught:
        open_recording(write(captures, **fields))
    assert word in str(caught.value) and "\n" not in str(caught.value)
