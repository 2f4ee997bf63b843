# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry script and what it installs from."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
DEV = ROOT / "dev"
VERBS = (
    "demo",
    "test",
    "bench",
    "soak",
    "fuzz",
    "install",
    "weights",
    "grc",
    "build",
    "shell",
    "help",
)


def dev(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([DEV, *arguments], capture_output=True, text=True, timeout=60)


def function(call: str, cwd=ROOT) -> str:
    """Call a function of the script; returns what it printed."""
    done = subprocess.run(
        ["bash", "-c", f'source "{DEV}" && cd "{cwd}" && {call}'],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_help_names_every_command():
    text = dev("help").stdout
    assert all(re.search(rf"^  {verb}\b", text, re.MULTILINE) for verb in VERBS)
    assert dev().stdout == text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["frobnicate"], "frobnicate"),
        (["fuzz", "x"], "'x' is none of"),
        (["fuzz", "x", "y"], "'y'"),
        (["install"], "prefix"),
        (["install", "here"], "here"),
        (["soak", "long"], "long"),
    ],
)
def test_wrong_usage_ends_with_one_error_and_exit_code_2(arguments, told):
    done = dev(*arguments)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and told in errors[0]


def test_a_step_runs_again_only_after_a_change(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a").write_text("1")
    first = function("hash_of source", tmp_path)
    assert first == function("hash_of source", tmp_path)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("compiled")
    assert function("hash_of source", tmp_path) == first
    (folder / "a").write_text("2")
    changed = function("hash_of source", tmp_path)
    (folder / "a").rename(folder / "b")
    renamed = function("hash_of source", tmp_path)
    assert len({first, changed, renamed, function("hash_of source -- x", tmp_path)}) == 4


def test_a_hash_of_words_reads_no_files(tmp_path):
    before = function("hash_of -- word", tmp_path)
    (tmp_path / "new").write_text("content")
    assert function("hash_of -- word", tmp_path) == before


def requirements(name: str) -> dict[str, str]:
    lines = [line.strip() for line in (ROOT / name).read_text().splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", "-r"))]
    wanted = [Requirement(line) for line in lines]
    assert all(re.fullmatch(r"==[\w.]+", str(one.specifier)) for one in wanted), lines
    # Some are for some machines only
    here = [one for one in wanted if one.marker is None or one.marker.evaluate()]
    return {one.name: str(one.specifier).removeprefix("==") for one in here}


LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-training.txt")


@pytest.mark.parametrize("name", LISTS)
def test_the_packages_here_are_the_pinned_ones(name):
    for package, pinned in requirements(name).items():
        assert version(package).split("+")[0] == pinned, package


def test_numpy_is_one_that_gnu_radio_was_built_for():
    assert int(version("numpy").split(".")[0]) < 2


def test_nothing_that_is_missing_is_needed():
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, timeout=120
    )
    ours = {package.lower() for name in LISTS for package in requirements(name)}
    # the system's own packages are not this project's to mend
    broken = [line for line in done.stdout.splitlines() if line.split(" ")[0].lower() in ours]
    assert broken == []


def test_ci_runs_what_developers_run():
    assert 'dev" test' in (ROOT / ".ci" / "run").read_text()
    assert ".ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()
