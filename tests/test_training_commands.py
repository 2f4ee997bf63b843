# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages as commands: what is wrong is told in one line, before anything is made."""

import subprocess
import sys
from pathlib import Path

import pytest

from training.engine.task import STAGES
from training.tasks import TASKS

ROOT = Path(__file__).parents[1]


def command(stage: str, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", f"training.{stage}", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_every_task_has_every_stage_and_every_stage_is_a_command():
    for task in TASKS.values():
        assert tuple(task.stages) == STAGES
    for stage in STAGES:
        assert f'run_stage("{stage}"' in (ROOT / f"training/{stage}.py").read_text()


@pytest.mark.parametrize("stage", ["finetune", "export"])
def test_a_command_without_a_recipe_trains_nothing(stage):
    done = command(stage)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "--recipe" in done.stderr


def test_a_stage_that_the_recipe_does_not_have_is_one_line(tmp_path):
    recipe = tmp_path / "r.yaml"
    base = ROOT / "training/recipes/debug.yaml"
    recipe.write_text(f"base: {base}\npretrain: null\nfolder: {tmp_path / 'out'}\n")
    done = command("pretrain", "--recipe", recipe)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: recipe debug has no stage pretrain")
    assert not (tmp_path / "out").exists()
