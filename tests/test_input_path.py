# SPDX-License-Identifier: GPL-3.0-or-later
"""A source of recordings takes the demo where no file is set, and refuses what is no file."""

from pathlib import Path

import pmt
import pytest
from gnuradio import blocks, gr, radiofm

from radiofm_core import demo_files
from radiofm_core.csi.reader import open_csi
from radiofm_core.errors import InputError
from radiofm_core.spectrum.recordings import open_recording

EXAMPLES = Path(__file__).parent.parent / "examples/demo"

SOURCES = {"recording_source": "Recording", "csi_recording_source": "File"}


@pytest.mark.parametrize("source", SOURCES)
def test_no_file_at_all_names_the_parameter_to_set(source):
    with pytest.raises(InputError, match=f"no file is named; .*set {SOURCES[source]}"):
        getattr(radiofm, source)(None)


@pytest.mark.parametrize("source", SOURCES)
def test_a_demo_that_is_not_installed_is_named(source, monkeypatch, tmp_path):
    monkeypatch.setattr(demo_files, "_FOLDER", tmp_path)
    with pytest.raises(InputError, match=f"{tmp_path}/.* is not installed; name a file"):
        getattr(radiofm, source)()


def test_without_a_file_the_demo_recording_is_played():
    source, demo = radiofm.recording_source(), open_recording(EXAMPLES / "demo.sigmf-meta")
    sink = blocks.vector_sink_c()
    assert source.n_samples() == demo.num_samples
    top = gr.top_block()
    top.connect(source, sink)
    top.run()
    tags = {str(tag.key): pmt.to_python(tag.value) for tag in sink.tags()}
    assert tags["rx_rate"] == demo.sample_rate == 61.44e6


def test_without_a_file_the_demo_of_csi_is_played():
    source = radiofm.csi_recording_source()
    assert sum(1 for _ in source.read()) == sum(1 for _ in open_csi(EXAMPLES / "room.npz"))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("folder", [".", "..", "/", "{tmp}"])
def test_a_folder_is_called_one(source, folder, tmp_path):
    with pytest.raises(InputError, match="is a folder; give a"):
        getattr(radiofm, source)(folder.format(tmp=tmp_path))


@pytest.mark.parametrize("source", SOURCES)
def test_a_number_is_no_path(source):
    with pytest.raises(InputError, match=r"expected the path of a .*, got 7"):
        getattr(radiofm, source)(7)
