# SPDX-License-Identifier: GPL-3.0-or-later
"""A study of activity classifiers: its runs are cross-validations, its report has their scores."""

import json

import numpy as np
import pytest
import yaml
from csi_room import Receiver, Room

from radiofm_core.errors import UsageError
from training.study.__main__ import perform, write_report
from training.study.plan import read_study

RECIPE = {
    "task": "csi-activity",
    "name": "small",
    "seed": 1,
    "folds": 2,
    "model": {"dim": 16, "depth": 1, "heads": 2, "stem_widths": [4, 8]},
    "pretrain": {"steps": 2, "batch": 4, "warmup": 1},
    "finetune": {"steps": 2, "batch": 4, "warmup": 1},
}


@pytest.fixture
def study_file(tmp_path):
    """Four recordings, still and then walking, in which a label holds for two seconds."""
    data = tmp_path / "data"
    data.mkdir()
    for seed in range(4):
        still, walking = (
            Receiver(layout="ht20", amplitude_only=True, loss=0.0, seed=seed).packets(
                Room(seed, speed=speed), 2.0
            )
            for speed in (0.0, 1.0)
        )
        amplitude = np.stack([p.csi[0] for p in (*still, *walking)])
        path = data / f"{seed}.npz"
        np.savez(path, amplitude=amplitude, time_s=np.arange(len(amplitude)) / 100)
        labels = "start_s,end_s,label\n0,2,STILL\n2,4,WALKING\n"
        path.with_name(path.name + ".labels.csv").write_text(labels)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(RECIPE | {"data": {"train": {"csi": str(data)}}}))
    study = {
        "name": "small",
        "recipe": str(recipe),
        "seeds": [1, 2],
        "labels": {1: {}},
        "variants": {"masked": {}, "scratch": {"pretrain": None}},
        "groups": [{"title": "Begin", "variants": ["scratch", "masked"], "labels": [1]}],
        "reach": 0.9,
        "folder": str(tmp_path / "runs"),
        "records": str(tmp_path / "records.jsonl"),
        "report": str(tmp_path / "REPORT.md"),
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    return path


def test_every_run_is_scored_on_recordings_it_was_not_tuned_on(study_file, tmp_path):
    study = read_study(study_file)
    perform(study, study.runs)
    records = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]
    assert [r["run"] for r in records] == [r.name for r in study.runs]
    for record in records:
        found = record["scores"]["validation"]
        # seven windows of half a second in each span of two seconds, in four recordings
        assert found["answers"] == 4 * 2 * 7
        assert np.sum(found["confusion"]) == found["answers"]
        assert found["accuracy"] == pytest.approx(
            np.trace(found["confusion"]) / found["answers"], abs=1e-4
        )
        assert len(found["accuracy_by_fold"]) == 2
        assert ("pretrain" in record["seconds"]) == (record["variant"] == "masked")
    text = write_report(study, "study.yaml").read_text()
    mean = np.mean([r["scores"]["validation"]["accuracy"] for r in records[:1] + records[2:3]])
    assert f"| scratch | 100 % | 2 | {mean:.3f}" in text
    assert "4 of 4 runs" in text and "None." in text


def test_an_unknown_task_is_one_line(study_file, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("csi-activity", "csi-gestures"))
    with pytest.raises(UsageError, match="csi-gestures"):
        read_study(study_file)
