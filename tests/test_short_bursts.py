# SPDX-License-Identifier: GPL-3.0-or-later
"""A burst of 0.2 ms is found by the default model, however long its frames are."""

import json

import numpy as np
import pytest
from level_model import write_recording
from radiofm_command import radiofm
from scipy import signal

BURST_S, START_S, LENGTH_S = 0.2e-3, 33.3e-3, 80e-3
SNR_DB = 20.0


@pytest.fixture(scope="module", params=(2.4e6, 15.36e6, 61.44e6), ids=lambda hz: f"{hz / 1e6:g}M")
def recording(request, tmp_path_factory):
    """Noise, and one burst of QPSK a tenth of the span wide."""
    rate = request.param
    rng = np.random.default_rng(3)
    samples = rng.standard_normal((round(LENGTH_S * rate), 2)) @ (1, 1j) * 1e-3
    count, symbol = round(BURST_S * rate), 10
    points = rng.choice((1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j), count // symbol + 1)
    burst = signal.lfilter(signal.firwin(81, 1 / symbol), 1, np.repeat(points, symbol)[:count])
    power = 2e-6 * 0.1 * 10 ** (SNR_DB / 10)
    burst *= np.sqrt(power / np.mean(np.abs(burst) ** 2))
    shift = np.exp(2j * np.pi * 0.21 * np.arange(count))
    first = round(START_S * rate)
    samples[first : first + count] += burst * shift
    folder = tmp_path_factory.mktemp("short")
    path = write_recording(folder / "burst", samples)
    meta = json.loads(path.read_text())
    meta["global"]["core:sample_rate"] = rate
    path.write_text(json.dumps(meta))
    return path


@pytest.mark.parametrize("frame_s", (10e-3, 20e-3, 40e-3))
def test_a_short_burst_is_found(recording, tmp_path, frame_s):
    rate = json.loads(recording.read_text())["global"]["core:sample_rate"]
    done = radiofm("segment", recording, "--frame-duration", frame_s, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = map(json.loads, (tmp_path / "burst.jsonl").read_text().splitlines())
    # rows of up to 160 us, the first and last of which a burst only touches
    assert found["start_time"] == pytest.approx(START_S, abs=0.4e-3)
    assert found["duration"] < 4 * BURST_S
    centre = json.loads(recording.read_text())["captures"][0]["core:frequency"]
    assert found["center_frequency"] - centre == pytest.approx(0.21 * rate, abs=0.03 * rate)
