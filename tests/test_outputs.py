# SPDX-License-Identifier: GPL-3.0-or-later
"""Results: what is written is what was found, whole or not at all, with memory that stays flat."""

import io
import json
import resource
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import sigmf

from radiofm_core import keys
from radiofm_core.bundle import BundleInfo, ClassInfo
from radiofm_core.errors import OutputError
from radiofm_core.outputs.emission_lines import EmissionSpool, emission_line
from radiofm_core.outputs.files import PendingFile, prepare_folder
from radiofm_core.outputs.mask_archive import MaskArchive
from radiofm_core.outputs.overview import MAX_CELLS, Overview
from radiofm_core.outputs.results import RecordingResults
from radiofm_core.spectrum.detections import FrameGeometry
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec

RATE = 19.2e6
ROW = 1536
ROWS = 256
FRAME = ROWS * ROW
CLASSES = (
    ClassInfo("noise", "#5b6270"),
    ClassInfo("lte", "#23c4ff"),
    ClassInfo("nr", "#ffa01e"),
    ClassInfo("other", "#ff4fa3"),
)
NAMES = tuple(c.name for c in CLASSES)
INFO = BundleInfo(
    "test", Path("test.pt"), 1, "", CLASSES, SpectrogramSpec(), ("fp32",), {}, "", "", ""
)


def frame_dict(index: int, center: float = 1.8e9, rows: int = ROWS) -> dict:
    seconds, rest = divmod(index * FRAME, int(RATE))
    return {
        keys.ROWS: rows,
        keys.COLS: 256,
        keys.CHANNELS: 1,
        keys.FRAME_INDEX: index,
        keys.SAMPLE_OFFSET: index * FRAME,
        keys.SAMPLE_RATE: RATE,
        keys.CENTER_FREQUENCY: center,
        keys.RX_TIME: (seconds, rest / RATE),
        keys.ROW_SAMPLES: ROW,
    }


def geometry(index: int, **options) -> FrameGeometry:
    return FrameGeometry.from_frame(frame_dict(index, **options))


def mask_of(index: int) -> np.ndarray:
    """A carrier that moves from frame to frame."""
    mask = np.zeros((ROWS, 256), np.uint8)
    mask[:, 10 + index % 50 : 100 + index % 50] = 1 + index % 3
    return mask


def end_event(start: int, end: int, burst_id: int = 0, label: str = "lte", **more) -> dict:
    return {
        "event": "end",
        "burst_id": burst_id,
        "label": label,
        "confidence": 0.912345,
        "center_frequency": 1.8e9,
        "bandwidth": 4.5e6,
        "start_time": start / RATE,
        "duration": (end - start) / RATE,
        "start_offset": start,
        "end_offset": end,
        "snr_db": 17.123,
        "pwr_db": -30.0,
        "active_time": (end - start) / RATE,
        "bursts": 3,
        **more,
    }


@pytest.fixture
def recording(tmp_path):
    """A recording of ten frames."""
    folder = tmp_path / "in"
    folder.mkdir()
    np.random.default_rng(1).integers(-9, 9, (10 * FRAME, 2), np.int8).tofile(folder / "x.ci8")
    return open_recording(folder / "x.ci8", RATE, 1.8e9, "ci8")


def test_mask_archive_gives_back_every_row(tmp_path):
    archive = MaskArchive(tmp_path, NAMES)
    for index in range(7):
        archive.add(mask_of(index)[: 200 if index == 6 else ROWS], geometry(index))
    file = io.BytesIO()
    archive.write(file)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        expected = np.concatenate([mask_of(index) for index in range(7)])[: 6 * ROWS + 200]
        assert np.array_equal(stored["mask"], expected)
        assert np.allclose(stored["time_s"], np.arange(len(expected)) * ROW / RATE, atol=1e-12)
        assert np.allclose(stored["frequency_hz"], 1.8e9 + (np.arange(256) - 128) * RATE / 256)
        assert tuple(stored["classes"]) == NAMES
        assert stored["segment_row"].tolist() == [0]
    archive.close()
    assert list(tmp_path.iterdir()) == []


def test_mask_archive_tells_where_the_receiver_was_retuned(tmp_path):
    archive = MaskArchive(tmp_path, NAMES)
    for index, center in enumerate((1.8e9, 1.8e9, 2.6e9)):
        archive.add(mask_of(index), geometry(index, center=center))
    file = io.BytesIO()
    archive.write(file)
    file.seek(0)
    with np.load(file) as stored:
        assert stored["segment_row"].tolist() == [0, 2 * ROWS]
        assert stored["segment_center_frequency_hz"].tolist() == [1.8e9, 2.6e9]
        assert stored["frequency_hz"][128] == 1.8e9


def test_times_keep_their_digits_long_after_1970(tmp_path):
    archive = MaskArchive(tmp_path, NAMES)
    late = FrameGeometry(0, RATE, 0.0, (1_800_000_000, 0.123456789), ROW)
    archive.add(mask_of(0), late)
    file = io.BytesIO()
    archive.write(file)
    file.seek(0)
    with np.load(file) as stored:
        times = stored["time_s"] - 1_800_000_000
    # a double of this size holds a quarter of a microsecond
    assert np.allclose(times, 0.123456789 + np.arange(ROWS) * ROW / RATE, atol=3e-7)


def test_empty_archive_is_readable(tmp_path):
    file = io.BytesIO()
    MaskArchive(tmp_path, NAMES).write(file)
    file.seek(0)
    with np.load(file) as stored:
        assert stored["mask"].shape == (0, 256) and stored["time_s"].shape == (0,)


def test_memory_stays_flat_over_a_long_recording(tmp_path):
    frames = 1500
    archive, spool = MaskArchive(tmp_path, NAMES), EmissionSpool(tmp_path)
    overview = Overview(frames * FRAME, 256, len(NAMES))
    power = np.full((ROWS, 256), -60, np.float32)
    mask = mask_of(1)
    tracemalloc.start()
    for index in range(frames):
        if index == 200:
            before = tracemalloc.get_traced_memory()[0]
        archive.add(mask, geometry(index))
        if index % 10 == 0:
            overview.add_power(power, geometry(index))
            overview.add_mask(mask, geometry(index))
        for number in range(5):
            spool.add(end_event(index * FRAME, index * FRAME + 9, number))
    grown = tracemalloc.get_traced_memory()[0] - before
    with (tmp_path / "mask.npz").open("w+b") as file:
        archive.write(file)
        spool.write(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert grown < 500_000
    # neither the 98 MB of mask nor the emissions are ever in memory at once
    assert peak - before < 8_000_000


def test_overview_of_a_short_recording_is_exact():
    overview = Overview(3 * FRAME + 700, 256, len(NAMES))
    for index in range(3):
        overview.add_power(np.full((ROWS, 256), -10.0 * index, np.float32), geometry(index))
        overview.add_mask(mask_of(index), geometry(index))
    assert overview.cell_samples == ROW and overview.cells == 3 * ROWS + 1
    assert np.array_equal(
        overview.classes()[: 3 * ROWS], np.concatenate([mask_of(i) for i in range(3)])
    )
    power = overview.power_db()
    assert np.allclose(power[ROWS : 2 * ROWS], -10) and np.isnan(power[-1]).all()
    assert overview.stretches() == [(0, 3 * ROWS, 1.8e9)]


def test_overview_of_a_long_recording_is_its_mean():
    frames = 50
    overview = Overview(frames * FRAME, 256, len(NAMES))
    for index in range(frames):
        center = 1.8e9 if index < 25 else 2.6e9
        level = -60.0 if index < 25 else -20.0
        overview.add_power(np.full((ROWS, 256), level, np.float32), geometry(index, center=center))
        overview.add_mask(np.full((ROWS, 256), index >= 25, np.uint8), geometry(index))
    assert overview.cells <= MAX_CELLS
    first, second = overview.stretches()
    assert (first[2], second[2]) == (1.8e9, 2.6e9) and first[1] == second[0]
    assert np.allclose(overview.power_db()[: first[1] - 1], -60)
    assert np.allclose(overview.power_db()[second[0] + 1 :], -20)
    assert (overview.classes()[second[0] + 1 :] == 1).all()


def test_emissions_come_out_by_start(tmp_path):
    spool = EmissionSpool(tmp_path)
    spool.add(end_event(500, 900, 1))
    spool.add(end_event(100, 950, 0))
    spool.add({**end_event(0, 1, 7), "event": "start"})
    spool.add({**end_event(0, 1, 8), "merged_into": 0})
    assert [e["burst_id"] for e in spool.emissions()] == [0, 1] and len(spool) == 2
    spool.add(end_event(700, 960, 2))
    assert [e["start_offset"] for e in spool.emissions()] == [100, 500, 700]


def test_a_line_is_json_in_a_fixed_order_without_nan():
    event = dict(reversed(end_event(0, 9, snr_db=float("nan")).items()))
    fields = json.loads(emission_line(event))
    assert list(fields)[:4] == ["event", "burst_id", "label", "confidence"]
    assert fields["snr_db"] is None and fields["confidence"] == 0.9123


def fill(results: RecordingResults) -> None:
    for index in range(10):
        power = np.where(mask_of(index) > 0, -30, -70).astype(np.float32)
        results.add_frame(frame_dict(index), power[None])
        results.add_mask(frame_dict(index), mask_of(index))
    for number in range(40):
        results.add_event(end_event(number * FRAME // 4, number * FRAME // 4 + 900, number, "nr"))
    results.add_event(end_event(0, 10 * FRAME, 99, "lte"))


def test_all_results_appear_at_the_end_and_together(tmp_path, recording):
    out = tmp_path / "out"
    results = RecordingResults(out, recording, INFO)
    fill(results)
    assert list(out.iterdir()) == []
    paths = results.finish()
    assert results.prominent(1)[0]["label"] == "lte"
    results.discard()
    names = ["x.jsonl", "x.mask.npz", "x.png", "x.sigmf-data", "x.sigmf-meta"]
    assert sorted(p.name for p in out.iterdir()) == names
    assert len(paths["jsonl"].read_text().splitlines()) == 41
    described = sigmf.fromfile(paths["sigmf"])
    described.validate()
    found = described.get_annotations()
    starts = [a["core:sample_start"] for a in found]
    assert starts == sorted(starts) and len({a["radiofm:burst_id"] for a in found}) == 41


def test_results_that_are_given_up_leave_nothing(tmp_path, recording):
    results = RecordingResults(tmp_path / "out", recording, INFO)
    fill(results)
    results.discard()
    assert list((tmp_path / "out").iterdir()) == []


def test_frames_without_a_mask_are_counted(tmp_path, recording):
    results = RecordingResults(tmp_path / "out", recording, INFO)
    for index in (0, 1, 4):
        results.add_mask(frame_dict(index), mask_of(index))
    assert (results.frames, results.dropped) == (3, 2)


def test_own_annotations_of_the_recording_are_kept_and_stay_valid(tmp_path):
    data = np.random.default_rng(1).integers(-9, 9, (10 * FRAME, 2), np.int8)
    data.tofile(tmp_path / "y.sigmf-data")
    meta = {
        "global": {
            "core:datatype": "ci8",
            "core:sample_rate": RATE,
            "core:version": "1.2.5",
            "core:offset": 5000,
            "core:extensions": [{"name": "antenna", "version": "1.0.0", "optional": True}],
        },
        "captures": [{"core:sample_start": 5000, "core:frequency": 1.8e9}],
        "annotations": [
            {"core:sample_start": 5000 + 2 * FRAME, "core:label": "mine"},
            {"core:sample_start": 5000, "core:generator": "radiofm 0.0.1 (old)"},
        ],
    }
    (tmp_path / "y.sigmf-meta").write_text(json.dumps(meta))
    results = RecordingResults(tmp_path / "out", open_recording(tmp_path / "y"), INFO)
    fill(results)
    described = json.loads(results.finish(complete=False)["sigmf"].read_text())
    sigmf.fromfile(tmp_path / "out" / "y.sigmf-meta").validate()
    numbers = [a.get("radiofm:burst_id") for a in described["annotations"]]
    assert numbers.count(None) == 1 and len(set(numbers)) == 42
    assert described["annotations"][0]["core:sample_start"] == 5000
    assert described["global"]["radiofm:complete"] is False
    assert [e["name"] for e in described["global"]["core:extensions"]] == ["antenna", "radiofm"]


def described_captures(folder: Path, captures: list[dict], annotations: list[dict], **used):
    """Write a recording, use it as ``used`` says, and return what its results describe."""
    data = np.random.default_rng(1).integers(-9, 9, (10 * FRAME, 2), np.int8)
    data.tofile(folder / "y.sigmf-data")
    top = {"core:datatype": "ci8", "core:sample_rate": RATE, "core:version": "1.2.5"}
    if captures:
        top["core:offset"] = captures[0]["core:sample_start"]
    meta = {"global": top, "captures": captures, "annotations": annotations}
    (folder / "y.sigmf-meta").write_text(json.dumps(meta))
    recording = open_recording(folder / "y", **used)
    results = RecordingResults(folder / "out", recording, INFO)
    for index in range(10):
        start = index * FRAME
        center = [c.center_frequency for c in recording.captures if c.sample_start <= start][-1]
        results.add_frame(frame_dict(index, center), np.full((1, ROWS, 256), -70, np.float32))
        results.add_mask(frame_dict(index, center), mask_of(index))
        more = {"center_frequency": center + 2e6, "bandwidth": 4e6}
        results.add_event(end_event(start, start + FRAME, index, **more))
    path = results.finish()["sigmf"]
    sigmf.fromfile(path).validate()
    return json.loads(path.read_text())


@pytest.mark.parametrize("center", [None, 100e6])
def test_captures_are_written_as_they_were_used(tmp_path, center):
    captures = [
        {
            "core:sample_start": 500,
            "core:frequency": 1_800_000_000,
            "core:datetime": "2026-01-01T00:00:00Z",
        },
        {"core:sample_start": 500 + 4 * FRAME},
        {"core:sample_start": 500 + 7 * FRAME, "core:frequency": 2.6e9},
    ]
    own = [
        {
            "core:sample_start": 500 + k * FRAME,
            "core:freq_lower_edge": f,
            "core:freq_upper_edge": f + 1,
        }
        for k, f in ((0, 1.8e9), (5, 1.8e9), (8, 2.6e9))
    ]
    own.append({"core:sample_start": 501, "core:label": "whole span"})
    described = described_captures(tmp_path, captures, own, center_frequency=center)
    found = [capture["core:frequency"] for capture in described["captures"]]
    assert found == ([1.8e9, 1.8e9, 2.6e9] if center is None else 3 * [100e6])
    starts = [capture["core:sample_start"] for capture in described["captures"]]
    assert starts == [capture["core:sample_start"] for capture in captures]
    assert described["captures"][0]["core:datetime"] == "2026-01-01T00:00:00Z"
    boxes = [a for a in described["annotations"] if "core:freq_lower_edge" in a]
    assert len(boxes) == 13
    for box in boxes:
        capture = np.searchsorted(starts, box["core:sample_start"], "right") - 1
        assert abs(box["core:freq_lower_edge"] - found[capture]) <= RATE / 2
        assert abs(box["core:freq_upper_edge"] - found[capture]) <= RATE / 2


def test_other_overrides_are_in_the_description_too(tmp_path):
    used = {"sample_rate": RATE / 2, "datatype": "cu8", "center_frequency": 5e6}
    described = described_captures(tmp_path, [], [], **used)
    top = described["global"]
    assert (top["core:sample_rate"], top["core:datatype"]) == (RATE / 2, "cu8")
    assert described["captures"] == [{"core:sample_start": 0, "core:frequency": 5e6}]


def test_annotations_of_a_capture_without_a_frequency_stay(tmp_path):
    box = {"core:sample_start": 0, "core:freq_lower_edge": 1e9, "core:freq_upper_edge": 1.1e9}
    described = described_captures(
        tmp_path, [{"core:sample_start": 0}], [box], center_frequency=1.05e9
    )
    assert described["captures"][0]["core:frequency"] == 1.05e9
    assert described["annotations"][0]["core:freq_lower_edge"] == 1e9


def test_description_without_data_says_so_and_stays_valid(tmp_path):
    data = np.random.default_rng(1).integers(-9, 9, (FRAME, 2), np.int8).tobytes()
    (tmp_path / "z.sigmf-data").write_bytes(b"header" * 4 + data)
    meta = {
        "global": {"core:datatype": "ci8", "core:sample_rate": RATE, "core:version": "1.2.5"},
        "captures": [{"core:sample_start": 0, "core:header_bytes": 24}],
        "annotations": [],
    }
    (tmp_path / "z.sigmf-meta").write_text(json.dumps(meta))
    results = RecordingResults(tmp_path / "out", open_recording(tmp_path / "z"), INFO)
    results.add_mask(frame_dict(0), mask_of(0))
    results.add_frame(frame_dict(0), np.zeros((1, ROWS, 256), np.float32))
    path = results.finish()["sigmf"]
    assert json.loads(path.read_text())["global"]["core:metadata_only"] is True
    assert not (tmp_path / "out" / "z.sigmf-data").exists()
    sigmf.SigMFFile(metadata=path.read_text()).validate()


def test_a_write_that_fails_leaves_nothing_under_a_final_name(tmp_path, recording):
    results = RecordingResults(tmp_path / "out", recording, INFO)
    fill(results)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # what a full disk does: the picture cannot be written to its end
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"x\.png.*--out"):
            results.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        results.discard()
    assert [p.name for p in (tmp_path / "out").iterdir() if p.suffix != ".sigmf-data"] == []


def test_pending_file_appears_by_commit_only(tmp_path):
    pending = PendingFile(tmp_path / "a.txt")
    pending.file.write(b"x")
    assert not (tmp_path / "a.txt").exists()
    pending.commit()
    assert (tmp_path / "a.txt").read_bytes() == b"x"
    lost = PendingFile(tmp_path / "b.txt")
    lost.discard()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file/deeper"):
        prepare_folder(tmp_path / "file" / "deeper")
