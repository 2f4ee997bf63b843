# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm segment`` as a user runs it: results on disk, in the terminal, and after Ctrl-C."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import sigmf
from level_model import (
    CENTER,
    RATE,
    band,
    make_evident_bundle,
    make_level_bundle,
    two_carriers,
    write_recording,
)
from radiofm_command import leftovers, radiofm, read_one_line, stopped_radiofm

DURATION = 0.2
NAMES = ["two.jsonl", "two.mask.npz", "two.png", "two.sigmf-data", "two.sigmf-meta"]
REAL = Path(__file__).parents[2] / "shared" / "data" / "iq"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, model):
    """(the finished command, its folder of results) for the two carriers."""
    folder = tmp_path_factory.mktemp("run")
    recording = write_recording(folder / "two", two_carriers(DURATION))
    out = folder / "results" / "out"
    return radiofm("segment", recording, "--out", out, "--model", model), out


def test_four_results_and_a_link_to_the_data(finished):
    done, out = finished
    assert done.returncode == 0 and done.stderr == ""
    assert leftovers(out) == NAMES
    assert (out / "two.sigmf-data").resolve() == (out.parents[1] / "two.sigmf-data").resolve()


def test_results_are_whole_when_nobody_reads_the_output(finished, tmp_path, model):
    recording = finished[1].parents[1] / "two.sigmf-meta"
    done = read_one_line("segment", recording, "--out", tmp_path, "--model", model, lines=0)
    assert (done.returncode, done.stderr) == (141, "")
    assert leftovers(tmp_path) == NAMES
    lines = (finished[1] / "two.jsonl").read_text()
    assert (tmp_path / "two.jsonl").read_text() == lines


def test_terminal_lists_the_emissions(finished):
    done, _ = finished
    lines = done.stdout.splitlines()
    assert lines[0].startswith("two: 1800 MHz, 1.92 MS/s, 200 ms, 12 frames")
    assert [line.split()[0] for line in lines[2:4]] == ["LTE", "NR"]
    assert "\x1b" not in done.stdout


def test_each_emission_is_one_line_with_the_carriers_edges_and_times(finished):
    _, out = finished
    lte, nr = (json.loads(line) for line in (out / "two.jsonl").read_text().splitlines())
    bin_width = RATE / 256
    assert (lte["label"], nr["label"]) == ("lte", "nr")
    assert abs(lte["center_frequency"] - (CENTER - 450e3)) < bin_width
    assert abs(nr["center_frequency"] - (CENTER + 550e3)) < bin_width
    assert abs(lte["bandwidth"] - 500e3) < bin_width and abs(nr["bandwidth"] - 500e3) < bin_width
    row = 12 * 128 / RATE
    assert lte["start_offset"] == 0 and abs(lte["duration"] - DURATION) <= row
    assert abs(nr["start_time"] - DURATION / 4) <= row
    assert abs(nr["duration"] - DURATION / 2) <= 2 * row
    # 0.1 RMS is -20 dB; the noise in the band: 2e-6 W x 500 / 1920 = -62.8 dB
    assert abs(lte["pwr_db"] + 20) < 0.3 and abs(lte["snr_db"] - 42.8) < 2


def test_annotations_pass_the_sigmf_validator(finished):
    _, out = finished
    described = sigmf.fromfile(out / "two.sigmf-meta")
    described.validate()
    labels = [a["core:label"] for a in described.get_annotations()]
    assert labels == ["lte", "nr"]
    assert described.get_global_info()["radiofm:complete"] is True
    assert len(described) == round(DURATION * RATE)


def test_mask_covers_every_row_with_times_and_frequencies(finished):
    _, out = finished
    with np.load(out / "two.mask.npz", allow_pickle=False) as archive:
        mask, times = archive["mask"], archive["time_s"]
        hertz, classes = archive["frequency_hz"], archive["classes"]
    assert mask.dtype == np.uint8 and mask.shape == (len(times), 256)
    assert list(classes) == ["noise", "lte", "nr", "wifi", "other"]
    step = np.diff(times)
    assert np.allclose(step, step[0], rtol=1e-6) and times[0] == 0
    # everything but what is less than a row at the end
    assert 0 <= DURATION - (times[-1] + step[0]) < step[0]
    assert hertz[128] == CENTER and np.allclose(np.diff(hertz), RATE / 256)
    in_lte = (hertz > CENTER - 690e3) & (hertz < CENTER - 210e3)
    assert (mask[:, in_lte] == 1).mean() > 0.99
    assert (mask[:, np.abs(hertz - CENTER) < 150e3] == 0).mean() > 0.98


def test_picture_is_a_png_of_reading_size(finished):
    from PIL import Image

    _, out = finished
    with Image.open(out / "two.png") as image:
        assert image.format == "PNG" and image.size == (1680, 840)


def test_raw_file_with_its_options(tmp_path, model):
    samples = two_carriers(0.06).view(np.float32)
    (samples * 100 + 127.5).round().clip(0, 255).astype(np.uint8).tofile(tmp_path / "two.cu8")
    options = ["--sample-rate", "1.92M", "--center-frequency", "1.8G", "--datatype", "cu8"]
    out = tmp_path / "out"
    done = radiofm("segment", tmp_path / "two.cu8", "--out", out, "--model", model, *options)
    assert done.returncode == 0, done.stderr
    assert leftovers(out) == NAMES
    described = sigmf.fromfile(out / "two.sigmf-meta")
    described.validate()
    assert {a["core:label"] for a in described.get_annotations()} == {"lte", "nr"}
    assert described.get_captures()[0]["core:frequency"] == CENTER


def test_a_model_with_evidence_tells_what_repeats(tmp_path):
    model = make_evident_bundle(tmp_path / "evident.pt", (1 / 15e3, 50e-6, 10e-3, 9.7e-3))
    samples = two_carriers(DURATION)
    carrier = band(len(samples), -700e3, -200e3, 0.1, 5)
    # what was there one symbol of 15 kHz before, 128 samples, and one LTE frame before
    samples += (np.roll(carrier, 128) + np.roll(carrier, 19200) + carrier).astype(np.complex64)
    recording = write_recording(tmp_path / "two", samples)
    done = radiofm("segment", recording, "--out", tmp_path / "out", "--model", model)
    assert done.returncode == 0 and done.stderr == ""
    lines = [json.loads(x) for x in (tmp_path / "out/two.jsonl").read_text().splitlines()]
    lte, nr = sorted(lines, key=lambda line: line["center_frequency"])
    assert lte["subcarrier_spacing"] == 15e3 and "subcarrier_spacing" not in nr
    assert {round(each["lag"], 7) for each in lte["evidence"]} == {66.7e-6, 10e-3}
    assert "symbols of 15 kHz" in done.stdout
    meta = json.loads((tmp_path / "out/two.sigmf-meta").read_text())
    assert any("symbols of 15 kHz" in a["core:comment"] for a in meta["annotations"])


def test_running_again_replaces_the_results(finished, model):
    _, out = finished
    again = radiofm("segment", out / "two.sigmf-meta", "--out", out.parent / "b", "--model", model)
    assert again.returncode == 0, again.stderr
    first, second = (
        [json.loads(line) for line in (folder / "two.jsonl").read_text().splitlines()]
        for folder in (out, out.parent / "b")
    )
    assert len(first) == 2 and first == second
    # the first run's annotations are not kept beside the second's
    described = json.loads((out.parent / "b" / "two.sigmf-meta").read_text())
    assert len(described["annotations"]) == 2


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory):
    """Half a minute of noise: more than a run does before it heeds a signal."""
    path = tmp_path_factory.mktemp("long") / "long.cu8"
    chunk = np.random.default_rng(0).integers(100, 156, round(2 * RATE) * 5, np.uint8)
    with path.open("wb") as file:
        for _ in range(6):
            file.write(chunk)
    yield path
    path.unlink()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_in_mid_run_writes_what_was_found_so_far(tmp_path, long_recording, model, number):
    out = tmp_path / "out"
    done = stopped_radiofm(
        "radiofm_core.outputs.results:RecordingResults.add_mask",
        number,
        *("segment", long_recording, "--out", out, "--model", model),
        *("--sample-rate", RATE, "--datatype", "cu8"),
        count=5,
    )
    assert done.returncode == 130 and done.stderr == ""
    assert "stopped" in done.stdout and "incomplete" in done.stdout
    assert leftovers(out) == [name.replace("two", "long") for name in NAMES]
    described = json.loads((out / "long.sigmf-meta").read_text())
    assert described["global"]["radiofm:complete"] is False
    mask = np.load(out / "long.mask.npz")["mask"]
    assert len(mask) >= 5 * 256 and len(mask) * 128 < 30 * RATE


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("radiofm_cli.command", signal.SIGINT),
        ("radiofm_cli.segmentation:open_recording", signal.SIGINT),
        ("matplotlib", signal.SIGINT),
        ("gnuradio.radiofm", signal.SIGTERM),
        ("torch", signal.SIGINT),
        ("radiofm_cli.segmentation:make_segmenter", signal.SIGTERM),
    ],
)
def test_stop_before_the_first_frame_leaves_nothing(tmp_path, long_recording, model, place, number):
    out = tmp_path / "out"
    done = stopped_radiofm(
        *(place, number, "segment", long_recording, "--out", out, "--model", model),
        *("--sample-rate", RATE, "--datatype", "cu8"),
    )
    assert done.returncode == 130 and done.stdout == ""
    assert done.stderr == "radiofm: error: stopped\n"
    assert leftovers(out) == []


def test_a_full_disk_leaves_nothing(tmp_path, model):
    recording = write_recording(tmp_path / "two", two_carriers(0.05))
    out = tmp_path / "out"
    out.mkdir()
    # the limit on a file's size does what a full disk does: a write fails half-way
    done = radiofm("segment", recording, "--out", out, "--model", model, limit_file_size=20_000)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "--out" in done.stderr and leftovers(out) in ([], ["two.sigmf-data"])


@pytest.mark.skipif(not REAL.is_dir(), reason="the real recordings (../shared/data/iq) are absent")
@pytest.mark.parametrize("kind", ["lte_hackrf", "lte_rtlsdr", "nr_vectors", "wifi_usrp"])
def test_real_recordings_run_to_the_end(tmp_path, model, kind):
    path = sorted((REAL / kind).glob("*.sigmf-meta"))[0]
    done = radiofm("segment", path, "--out", tmp_path, "--model", model)
    assert done.returncode == 0, done.stderr
    sigmf.fromfile(tmp_path / path.name).validate()
    samples = path.with_suffix(".sigmf-data").stat().st_size
    mask = np.load(tmp_path / f"{path.stem}.mask.npz")["mask"]
    assert mask.shape[1] == 256 and 0 < len(mask) * 128 <= samples
