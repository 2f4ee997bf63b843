# SPDX-License-Identifier: GPL-3.0-or-later
"""A class of one's own from 20 marked bursts: the page's commands in miniature, from recordings to
a model that finds the bursts that nobody marked; and the judge that a taught model keeps."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from chirp_bursts import CENTER_HZ, WIDTH_HZ, Burst, samples_with_bursts, write_marked

from radiofm_cli.command import run
from radiofm_core.bundle import read_bundle_info
from radiofm_core.spectrum.verdict import feature_count, vote_count
from training.segmentation.patch_model import EmissionJudge
from training.segmentation.teach.judge import TaughtJudge

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/teach.md"
# What users can set, too, and what this test can wait for
SMALL = ["--steps", "160", "--frames", "64"]
RECORDINGS, BURSTS, MARKED = 4, 7, 5
FIGURES = ("taught f1", "taught iou", "taught mean_iou", "before mean_iou")


def page_commands() -> list[list[str]]:
    text = PAGE.read_text()
    found = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [shlex.split(textwrap.dedent(one)) for one in found]


def teach(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "training.teach", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def mark(path: Path, bursts: list[Burst]) -> None:
    """As a user corrects what `radiofm segment` wrote: annotations that meet one of the bursts give
    way to one around it."""
    fields = json.loads(path.read_text())

    def meets(annotation: dict, burst: Burst) -> bool:
        start = annotation["core:sample_start"]
        low = CENTER_HZ + burst.low_hz
        return (
            start < burst.stop
            and start + annotation["core:sample_count"] > burst.start
            and annotation["core:freq_lower_edge"] < low + WIDTH_HZ
            and annotation["core:freq_upper_edge"] > low
        )

    kept = [a for a in fields["annotations"] if not any(meets(a, burst) for burst in bursts)]
    new = [burst.annotation("drone") for burst in bursts]
    fields["annotations"] = sorted(kept + new, key=lambda a: a["core:sample_start"])
    path.write_text(json.dumps(fields))


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The page, step by step: (folder, bursts by recording, what teaching printed)."""
    folder = tmp_path_factory.mktemp("teach")
    bursts = {}
    for number in range(RECORDINGS):
        iq, bursts[f"r{number}"] = samples_with_bursts(BURSTS, number)
        write_marked(folder / "my_recordings" / f"r{number}", [], iq)
    setting_up, segmenting, teaching, using = page_commands()
    assert setting_up == ["./dev", "training"]
    printed = ""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert segmenting[0] == using[0] == ".venv/bin/radiofm"
        assert run(segmenting[1:]) == 0
        for name, there in bursts.items():
            mark(folder / "marked" / f"{name}.sigmf-meta", there[:MARKED])
        assert teaching[:3] == [".venv/bin/python", "-m", "training.teach"]
        done = teach(folder, *teaching[3:], *SMALL)
        assert done.returncode == 0, done.stderr[-2000:]
        printed = done.stdout
        assert run(using[1:]) == 0
    return folder, bursts, printed


def bundle_of(folder: Path) -> Path:
    return folder / "build/training/drone/drone.pt"


def test_the_page_takes_few_commands():
    assert 3 <= len(page_commands()) <= 6


def test_it_learns_the_class_and_keeps_the_others(lesson):
    folder, _, printed = lesson
    info = read_bundle_info(bundle_of(folder))
    assert info.class_names == ("noise", "lte", "nr", "wifi", "other", "drone")
    scores = info.metrics["taught"]
    assert scores["class"] == "drone" and scores["taught f1"] >= 0.8
    # of 64 generated frames there are 16 to tell what the old classes lose
    assert scores["taught mean_iou"] >= scores["before mean_iou"] - 0.1
    assert scores["scratch mean_iou"] < scores["taught mean_iou"]
    assert "20 marks in 4 recordings (4 at 2.4 MS/s)" in printed
    assert printed.strip().endswith("build/training/drone/drone.pt")
    assert re.search(r"taught +\d+ of \d+ +[01]\.\d{3}", printed)


def test_the_blocks_find_bursts_that_nobody_marked(lesson):
    folder, bursts, _ = lesson
    found, there = 0, 0
    for name, own in bursts.items():
        lines = (folder / "found" / f"{name}.jsonl").read_text().splitlines()
        emissions = [json.loads(line) for line in lines]
        told = [e for e in emissions if e.get("label") == "drone"]
        for burst in own[MARKED:]:
            middle = CENTER_HZ + burst.low_hz + WIDTH_HZ / 2
            there += 1
            found += any(
                e["start_offset"] < burst.stop
                and e["end_offset"] > burst.start
                and abs(e["center_frequency"] - middle) < WIDTH_HZ / 2
                for e in told
            )
    assert there == RECORDINGS * (BURSTS - MARKED) and found >= 0.75 * there


def test_the_same_command_goes_on_and_another_lesson_overwrites_nothing(lesson):
    folder, _, printed = lesson
    weights = bundle_of(folder).with_name("finetune.pt")
    stamp = weights.stat().st_mtime_ns
    scores = [read_bundle_info(bundle_of(folder)).metrics["taught"][k] for k in FIGURES]
    arguments = ["marked", "--class", "drone", *SMALL, "--no-scratch"]
    again = teach(folder, *arguments)
    assert again.returncode == 0 and weights.stat().st_mtime_ns == stamp
    taught = [line for line in printed.splitlines() if line.strip().startswith("taught")]
    assert taught[0].split() in [line.split() for line in again.stdout.splitlines()]
    told = [read_bundle_info(bundle_of(folder)).metrics["taught"][k] for k in FIGURES]
    assert told == scores

    before = bundle_of(folder).read_bytes()
    for other, words in (
        (["marked", "--class", "lte"], "give the new class a name of its own"),
        (["marked", "--class", "drone", "--steps", "99"], "name another folder with --out"),
        (["marked", "--class", "drone", "--labels", "d"], "--labels: expected LABEL:CLASS"),
        (["marked", "--class", "drone", "--steps", "0"], "--steps 0: expected"),
        (["nowhere", "--class", "drone"], "nowhere is not a folder"),
    ):
        done = teach(folder, *other)
        assert done.returncode == 2 and words in done.stderr
        assert done.stderr.splitlines()[-1].startswith("error: ")
    assert bundle_of(folder).read_bytes() == before


# ---- the judge


def features_with_votes(votes: np.ndarray, rest: np.ndarray) -> torch.Tensor:
    """Of emissions, from votes (N, classes but noise) and the other features."""
    logs = np.log(np.maximum(votes, 1e-6)) / 4
    return torch.from_numpy(np.concatenate([votes, logs, rest], 1).astype(np.float32))


@pytest.fixture(scope="module")
def judges():
    torch.manual_seed(3)
    known = EmissionJudge(5, 11).eval()
    return known, TaughtJudge(known, 6).eval()


def test_without_votes_for_the_new_class_the_judge_says_what_it_said(judges):
    known, taught = judges
    rng = np.random.default_rng(1)
    votes, rest = rng.dirichlet(np.ones(4), 7), rng.random((7, feature_count(5, 11) - 8))
    before = known(features_with_votes(votes, rest)).softmax(1)
    for share in (0.0, 0.4, 1.0):
        shown = np.concatenate([votes * (1 - share), np.full((7, 1), share)], 1)
        after = taught(features_with_votes(shown, rest)).softmax(1)
        assert torch.allclose(after[:, 5], torch.full((7,), share), atol=1e-4)
        if share < 1:
            expected = before * (1 - share)
            assert torch.allclose(after[:, :5], expected, atol=1e-3)
    assert vote_count(6) == 10


def test_a_class_is_taught_after_another(judges):
    _, taught = judges
    twice = torch.jit.script(TaughtJudge(taught, 7).eval())
    found = twice(torch.rand(3, feature_count(7, 11))).softmax(1)
    assert found.shape == (3, 7) and torch.allclose(found.sum(1), torch.ones(3))
