# SPDX-License-Identifier: GPL-3.0-or-later
"""The default model on real recordings, none of them in its training, against what is known.

These hold what the shipped model reaches; README lists each recording.
"""

import numpy as np
import pytest
from radiofm_command import radiofm

from training.score_recordings import score


@pytest.fixture
def values(request, shared_data, tmp_path):
    """The scores of one folder's recordings."""
    metas = sorted((shared_data / "iq" / request.param).glob("*.sigmf-meta"))
    done = radiofm("segment", *metas, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    found = [s.value for meta in metas for s in score(tmp_path, meta)]
    assert found
    return found


@pytest.mark.parametrize("values", ["lte_hackrf"], indirect=True)
def test_lte_off_the_air_is_found_where_it_is(values):
    assert min(values) >= 0.85


@pytest.mark.parametrize("values", ["wifi_usrp"], indirect=True)
def test_wifi_by_cable_is_not_taken_for_lte_or_nr(values):
    assert np.mean(values) <= 0.05
