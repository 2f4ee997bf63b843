# SPDX-License-Identifier: GPL-3.0-or-later
"""A native block's options are one struct: each of its fields is set by name from Python."""

import re
from pathlib import Path

import numpy as np
import pytest
from gnuradio import radiofm
from gnuradio.radiofm import radiofm_python
from gnuradio.radiofm.blocks.native_options import filled

from radiofm_core.errors import UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec

INCLUDE = Path(__file__).parent.parent / "gr-radiofm/include/gnuradio/radiofm"
STRUCTS = {
    "pipe_sink_options": "pipe_sink.h",
    "recording_segment": "recording_source.h",
    "recording_source_options": "recording_source.h",
    "sigmf_sink_options": "sigmf_sink.h",
    "spectrogram_framer_options": "spectrogram_framer.h",
    "spectrogram_spec": "spectrogram_spec.h",
}
SPEC = SpectrogramSpec(
    fft_size=128,
    hop=64,
    rows=128,
    row_multiple=8,
    channels=("mean", "peak"),
    floor_db=-150.0,
    sample_rate_min=2e6,
    sample_rate_max=20e6,
    row_duration_min=30e-6,
    row_duration_max=100e-6,
    evidence_lags=(1e-3,),
)


def values(options) -> dict:
    """What the fields hold, structs within as dicts too."""
    if isinstance(options, list):
        return [values(each) for each in options]
    if not hasattr(options, "fields"):
        return options
    return {name: values(getattr(options, name)) for name in options.fields}


@pytest.mark.parametrize("struct", STRUCTS)
def test_each_member_of_the_struct_is_a_field(struct):
    text = (INCLUDE / STRUCTS[struct]).read_text()
    body = re.search(rf"struct RADIOFM_API {struct}\n{{(.*?)\n}};", text, re.S).group(1)
    members = re.findall(r"^    (?!static)[\w:<>]+ (\w+)(?: = [^;()]+)?;", body, re.M)
    assert list(getattr(radiofm_python, struct).fields) == members


@pytest.mark.parametrize("struct", STRUCTS)
def test_each_field_can_be_set(struct):
    kind = getattr(radiofm_python, struct)
    others = {
        str: "other",
        int: 7,
        float: 0.5,
        list: [filled(radiofm_python.recording_segment, {"time_s": 3})],
        radiofm_python.spectrogram_spec: filled(radiofm_python.spectrogram_spec, {"hop": 64}),
    }
    for name in kind.fields:
        before = getattr(kind(), name)
        others[bool] = not before
        other = [1e-3] if name == "evidence_lags" else others[type(before)]
        made = filled(kind, {name: other})
        assert values(made) != values(kind()) and values(getattr(made, name)) != values(before)


@pytest.fixture
def given(monkeypatch):
    """The options that native blocks were made with."""
    seen = []
    for name in ("recording_source", "spectrogram_framer"):
        monkeypatch.setattr(radiofm_python, name, seen.append)
    return seen


def make_source(tmp_path, **options):
    np.arange(8, dtype=np.uint8).tofile(tmp_path / "x.cu8")
    return radiofm.recording_source(tmp_path / "x.cu8", 3e6, 1e9, "cu8", **options)


def test_every_field_of_a_framer_comes_from_its_parameters(given):
    radiofm.spectrogram_framer(5e6, 1e9, 10e-3, spec=SPEC)
    made, usual = values(given[0]), values(radiofm_python.spectrogram_framer_options())
    assert all(made[name] != usual[name] for name in usual)
    assert all(made["spec"][name] != usual["spec"][name] for name in usual["spec"])


def test_every_field_of_a_recording_source_comes_from_its_parameters(given, tmp_path):
    make_source(tmp_path, repeat=True, real_time=True)
    made, usual = values(given[0]), values(radiofm_python.recording_source_options())
    # no raw file has a header
    assert all(made[name] != usual[name] for name in usual if name != "start_byte")


def test_a_field_that_is_new_needs_no_python(given, tmp_path, monkeypatch):
    for name in ("recording_source", "spectrogram_framer"):
        kind = getattr(radiofm_python, f"{name}_options")
        more = type("more", (kind,), {"fields": (*kind.fields, "gain"), "gain": 1.0})
        monkeypatch.setattr(radiofm_python, f"{name}_options", more)
    make_source(tmp_path, gain=2.0)
    radiofm.spectrogram_framer(5e6, gain=3.0)
    assert [options.gain for options in given] == [2.0, 3.0]


def test_an_option_that_is_none_is_refused_in_one_line(tmp_path):
    with pytest.raises(UsageError, match="unknown option 'gain'"):
        make_source(tmp_path, gain=2.0)
    with pytest.raises(UsageError, match="unknown option 'fps'"):
        radiofm.spectrogram_framer(5e6, fps=3.0)
    with pytest.raises(UsageError, match="expected one of start_byte"):
        filled(
            radiofm_python.recording_source_options,
            {"path": "x", "datatype": "", "sample_rate": 1.0},
            {"path": 1},
        )
    with pytest.raises(UsageError, match="sample_rate: expected float, got 'fast'"):
        filled(radiofm_python.recording_source_options, {"sample_rate": "fast"})
