# SPDX-License-Identifier: GPL-3.0-or-later
"""A source of recordings for which no file was set says so in one line."""

import pytest
from gnuradio import radiofm

from radiofm_core.errors import InputError

SOURCES = {"recording_source": "Recording", "csi_recording_source": "File"}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("nothing", ["", None])
def test_no_file_at_all_names_the_parameter_to_set(source, nothing):
    with pytest.raises(InputError, match=f"no file is named; .*set {SOURCES[source]}"):
        getattr(radiofm, source)(nothing)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("folder", [".", "..", "/", "{tmp}"])
def test_a_folder_is_called_one(source, folder, tmp_path):
    with pytest.raises(InputError, match="is a folder; give a"):
        getattr(radiofm, source)(folder.format(tmp=tmp_path))


@pytest.mark.parametrize("source", SOURCES)
def test_a_number_is_no_path(source):
    with pytest.raises(InputError, match=r"expected the path of a .*, got 7"):
        getattr(radiofm, source)(7)
