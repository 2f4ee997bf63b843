# SPDX-License-Identifier: GPL-3.0-or-later
"""The default model on real recordings, none of them in its training, against what is known.

Each recording is held to its own bar (:mod:`training.score_recordings`). Those that the shipped
model misses are named here: one that it gets right is to be taken off the list.
"""

import pytest
from radiofm_command import radiofm

from training.score_recordings import score

LTE = [
    *(f"lte_hackrf/lte_fdd20_1815M_{k}" for k in "abcde"),
    "lte_hackrf/lte_tdd20_2360M",
    *(f"lte_hackrf/lte_tdd20_2585M_{k}" for k in "ab"),
]
WIFI = [
    *(f"wifi_usrp/wifi_dot11a_{rate}mbps" for rate in (6, 9, 12, 18, 24, 36, 48)),
    *(
        f"wifi_usrp/wifi_dot11n_{rate}mbps"
        for rate in ("6p5", "7p2", "13", "19p5", "26", "39", "52", "58p5", "65")
    ),
]
NR = [
    "nr_air/nr_n78_3502M",
    *(
        f"nr_vectors/ue_dl_nr_pci500_rb52_{what}"
        for what in (
            "n4_ra_L2_ncce0",
            "rar_s15p36e6",
            "rnti0x100_s15p36e6",
            "si_coreset0_idx6_s15p36e6",
            "si_coreset0_idx7_s15p36e6",
        )
    ),
]
OTHERS = [
    "floor/gnss_l6_12M",
    *(f"ism_2g4/{name}" for name in ("ble_124B", "ble_zigbee_collision", "zigbee_84B")),
    *(f"ism_2g4/rc_car_{name}" for name in ("left_back", "light")),
    *(f"narrowband/{name}" for name in ("adsb_1090M", "tpms_315M", "zwave_916M")),
]
MISSED = {
    "ism_2g4/rc_car_left_back": "its bursts are called LTE",
    "ism_2g4/rc_car_light": "its bursts are called NR and LTE",
    "narrowband/adsb_1090M": "its pulses are called Wi-Fi",
    "nr_vectors/ue_dl_nr_pci500_rb52_n4_ra_L2_ncce0": (
        "its sample rate is 11.52 MS/s, at which it is called NR, and not that of its metadata"
    ),
    "nr_vectors/ue_dl_nr_pci500_rb52_rar_s15p36e6": "1 ms of 1.3 MHz, called other at 0.63",
    "nr_vectors/ue_dl_nr_pci500_rb52_si_coreset0_idx7_s15p36e6": "parts are called something else",
}


def named(recordings):
    """Parameters; what is missed today must go on being missed, or the list is out of date."""
    return [
        pytest.param(
            name,
            marks=[pytest.mark.xfail(strict=True, raises=AssertionError, reason=MISSED[name])]
            if name in MISSED
            else [],
        )
        for name in recordings
    ]


@pytest.fixture(scope="module")
def scores_of(shared_data, tmp_path_factory):
    """The scores of a recording by its name; all recordings go through one run."""
    out = tmp_path_factory.mktemp("real")
    metas = {name: shared_data / "iq" / f"{name}.sigmf-meta" for name in LTE + WIFI + NR + OTHERS}
    # the same on each run and processor, which bfloat16 is not
    done = radiofm("segment", *metas.values(), "--out", out, "--precision", "fp32")

    def scores(name):
        # a failure here is none of the model
        if done.returncode != 0:
            pytest.fail(done.stderr)
        return score(out, metas[name])

    return scores


@pytest.mark.parametrize("name", named(LTE))
def test_lte_off_the_air_is_found_where_it_is(scores_of, name):
    scores = scores_of(name)
    # TDD: what is on the air, and what is not
    assert len(scores) == (2 if "tdd" in name else 1)
    for one in scores:
        assert one.met, one


@pytest.mark.parametrize("name", named(WIFI))
def test_wifi_by_cable_is_not_taken_for_anything_else(scores_of, name):
    (one,) = scores_of(name)
    assert one.met, one


@pytest.mark.parametrize("name", named(NR))
def test_nr_is_found_where_it_is(scores_of, name):
    scores = scores_of(name)
    assert len(scores) == (2 if name in NR[:1] else 1)
    for one in scores:
        assert one.met, one


@pytest.mark.parametrize("name", named(OTHERS))
def test_what_is_none_of_them_is_not_called_lte_nr_or_wifi(scores_of, name):
    scores = scores_of(name)
    # of a mere floor, nothing at all
    assert len(scores) == (2 if name.startswith("floor") else 1)
    for one in scores:
        assert one.met, one
