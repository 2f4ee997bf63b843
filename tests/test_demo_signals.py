# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo recording that ``python -m training.make_demo`` makes holds real cells and packets, as
searches and measurements that share no code with the generator see them."""

import json
import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from cell_search import find_lte, find_nr
from self_coherence import coherence, coherences

from training.waveforms.demo import make_demo

LABELS = ("lte", "nr", "wifi")


@cache
def demo() -> Path:
    """The recording's meta file."""
    return make_demo(Path(tempfile.mkdtemp(prefix="radiofm-demo-")))


@cache
def recording() -> tuple[np.ndarray, float, dict[str, list[dict]]]:
    """Samples, their rate, annotations by label."""
    meta = json.loads(demo().read_text())
    assert meta["global"]["core:datatype"] == "ci8"
    samples = np.fromfile(demo().with_suffix(".sigmf-data"), np.int8).astype(np.float32)
    truth: dict[str, list[dict]] = {}
    for annotation in meta["annotations"]:
        truth.setdefault(annotation["core:label"], []).append(annotation)
    return samples.view(np.complex64), meta["global"]["core:sample_rate"], truth


def band(label: str) -> tuple[float, float]:
    """Low and high edge, Hz from the recording's centre."""
    (capture,) = json.loads(demo().read_text())["captures"]
    edges = {(a["core:freq_lower_edge"], a["core:freq_upper_edge"]) for a in recording()[2][label]}
    ((low, high),) = edges
    return low - capture["core:frequency"], high - capture["core:frequency"]


def levels(samples: np.ndarray) -> np.ndarray:
    """Power of (windows, 240 kHz bins), from the lowest frequency on."""
    size = 256
    x = samples[: len(samples) // size * size].reshape(-1, size) * np.hanning(size)
    return np.fft.fftshift(np.abs(np.fft.fft(x)) ** 2, axes=1)


def spectrum_db(samples: np.ndarray) -> np.ndarray:
    """Of 240 kHz bins."""
    return 10 * np.log10(levels(samples).mean(0))


def test_three_emissions_lie_side_by_side_within_the_span():
    _, rate, truth = recording()
    assert sorted(truth) == sorted(LABELS)
    bands = sorted(band(label) for label in LABELS)
    assert bands[0][0] > -rate / 2 and bands[-1][1] < rate / 2
    assert all(high < low for (_, high), (low, _) in pairwise(bands))


@pytest.mark.parametrize("label", LABELS)
def test_the_power_ends_where_the_annotation_says(label):
    samples, rate, _ = recording()
    # Over the floor by 8 dB in a fiftieth of the time: bursts seldom reach the carrier's ends.
    busy = np.percentile(levels(samples), 98, axis=0)
    f = (np.arange(256) - 128) * rate / 256
    low, high = band(label)
    near = (f > low - 1e6) & (f < high + 1e6)
    strong = f[near & (busy > 10**0.8 * np.percentile(busy, 3))]
    # Two bins of 240 kHz
    assert strong.min() == pytest.approx(low, abs=480e3)
    assert strong.max() == pytest.approx(high, abs=480e3)


def test_the_floor_shows_between_them_and_between_packets():
    samples, rate, truth = recording()
    level = spectrum_db(samples)
    f = (np.arange(256) - 128) * rate / 256
    floor = np.percentile(level, 3)
    for label in LABELS:
        low, high = band(label)
        inside = (f > low + 0.5e6) & (f < high - 0.5e6)
        assert np.median(level[inside]) > floor + 12, label
    packets = sorted((a["core:sample_start"], a["core:sample_count"]) for a in truth["wifi"])
    assert len(packets) >= 10
    low, high = band("wifi")
    inside = (f > low + 1e6) & (f < high - 1e6)
    for (a, count), (b, _) in pairwise(packets):
        during = spectrum_db(samples[a : a + count])[inside].mean()
        # The answer to it lasts 28 us and comes 16 us later.
        pause = spectrum_db(samples[a + count + round(60e-6 * rate) : b])[inside].mean()
        assert during > pause + 12


def test_the_search_finds_the_lte_cell_and_its_frames_repeat():
    samples, rate, _ = recording()
    low, high = band("lte")
    found = find_lte(samples[: round(25e-3 * rate)], rate, (low + high) / 2)
    assert found is not None and (found.cell_id, found.tdd, found.extended) == (101, False, False)
    assert found.crs > 0.8
    repeats = coherences(samples, rate, high - low, (low + high) / 2, bands=6)
    assert 0.05 < repeats["15 kHz"] < 0.1 and repeats["a third"] > 0.05
    assert repeats["frame"] > 0.2


def test_the_search_finds_the_nr_cell_and_its_frames_do_not_repeat():
    samples, rate, _ = recording()
    low, high = band("nr")
    # On the raster of 15 kHz times twelve; the block is somewhere in the carrier's middle.
    middle = (low + high) / 2
    found = find_nr(samples[: round(25e-3 * rate)], rate, 30e3, middle + np.arange(-3, 4) * 180e3)
    assert found is not None and found.cell_id == 500
    assert found.dmrs > 0.8
    repeats = coherences(samples, rate, high - low, middle, bands=6)
    assert repeats["30 kHz"] > 0.04
    assert max(repeats["15 kHz"], repeats["a third"], repeats["frame"]) < 0.03


def test_wifi_packets_have_symbols_of_3_2_us():
    samples, rate, truth = recording()
    low, high = band("wifi")
    longest = max(truth["wifi"], key=lambda a: a["core:sample_count"])
    first = longest["core:sample_start"]
    packet = samples[first : first + longest["core:sample_count"]]
    centre = (low + high) / 2
    spectrum = np.fft.fft(packet)
    found = {
        lag: coherence(spectrum, rate, lag, (centre - 8e6, centre + 8e6), 2e-3)
        for lag in (3.2e-6, 22.2e-6, 66.7e-6)
    }
    # Guards of 0.4 or 0.8 us
    assert 0.08 < found[3.2e-6] < 0.3
    assert max(found[22.2e-6], found[66.7e-6]) < 0.03
