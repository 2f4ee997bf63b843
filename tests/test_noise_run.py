# SPDX-License-Identifier: GPL-3.0-or-later
"""A shorter version of ``noise_run.py``: in an empty band nothing is found, whatever filter its
noise has come through."""

import noise_run
import pytest


@pytest.mark.parametrize(
    ("rate", "name"),
    [
        *((rate, "none") for rate in noise_run.RATES),
        *((1.92e6, name) for name in list(noise_run.FILTERS)[1:]),
    ],
)
def test_noise_alone_is_nothing(tmp_path, rate, name):
    meta = noise_run.make_recording(tmp_path, rate, 0.5, noise_run.FILTERS[name])
    labels, share = noise_run.found(meta, tmp_path / "out")
    assert not labels
    assert share < 0.01
