# SPDX-License-Identifier: GPL-3.0-or-later
"""A shorter version of ``noise_run.py``: an empty band yields neither LTE nor NR."""

import noise_run
import pytest


@pytest.mark.parametrize("rate", noise_run.RATES)
def test_noise_alone_is_neither_lte_nor_nr(tmp_path, rate):
    labels, share = noise_run.found(noise_run.make_recording(tmp_path, rate, 0.5), tmp_path / "out")
    assert not labels["lte"] and not labels["nr"]
    assert share < 0.01
