# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry script and what it installs from."""

import re
import shutil
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
    "uninstall",
    "weights",
    "grc",
    "docs",
    "matrix",
    "screenshots",
    "deb",
    "release",
    "build",
    "shell",
    "help",
)


def dev(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([DEV, *arguments], capture_output=True, text=True, timeout=300)


def function(call: str, cwd=ROOT) -> str:
    """Call a function of the script; returns what it printed."""
    done = subprocess.run(
        ["bash", "-c", f'source "{DEV}" && cd "{cwd}" && {call}'],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout.strip()


LOGS = {
    "== test session starts ==\n\n=== no tests ran in 0.31s ===\n": "no tests ran in 0.31s",
    # a warning of apt before it is not why
    "W: an index is old\n\nno tests ran in 2.00s\n": "no tests ran in 2.00s",
    "collected 9 items\n\n=== 9 deselected in 0.45s ===\n": "9 deselected in 0.45s",
    "E: Unable to locate package a|b\nlast words\n": "E: Unable to locate package a|b",
    "=== no tests ran in 0.01s ===\nERROR: not found: x.py\n\n": "ERROR: not found: x.py",
    "Killed\n\n": "Killed",
    "": "it printed nothing",
}


@pytest.mark.parametrize("log", LOGS)
def test_a_row_of_the_matrix_says_why_there_are_no_counts(tmp_path, log):
    (tmp_path / "log").write_text(log)
    assert function("counts_of log", tmp_path) == ""
    row = function("row_failed debian:13 './dev test' log 2> told", tmp_path)
    reason = LOGS[log].replace("|", " ")
    assert row == f"| debian:13 | ./dev test failed: {reason} | | | | | - | not had | - |"
    assert (tmp_path / "told").read_text().rstrip().endswith(f"./dev test failed: {LOGS[log]}")


@pytest.mark.parametrize(
    "arguments", [("nothing.py",), ("-q", "nothing.py"), ("-k", "no", "one.py")]
)
def test_where_pytest_runs_no_test_the_matrix_says_so(tmp_path, arguments):
    (tmp_path / "nothing.py").touch()
    (tmp_path / "one.py").write_text("def test_this():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 5
    (tmp_path / "log").write_text(done.stdout)
    assert function("counts_of log", tmp_path) == ""
    told = function("reason_in log", tmp_path)
    assert re.fullmatch(r"(no tests ran|1 deselected) in [\d.]+s", told)


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
        (["uninstall"], "prefix"),
        (["uninstall", "here"], "here"),
        (["soak", "long"], "long"),
        (["docs", "bild"], "bild"),
        (["deb", "bild"], "bild"),
        (["release", "now"], "now"),
        (["matrix", "debian:1"], "debian:1"),
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


@pytest.fixture
def copied(tmp_path):
    """(the original's folder, its copy's): each with a .venv; a file of the same path in both."""
    folders = tmp_path / "the original", tmp_path / "copy"
    for folder in folders:
        (folder / ".venv" / "lib").mkdir(parents=True)
        (folder / "build").mkdir()
        for name in ("stale.py", "new.py", "a name\\with 'all'.py", "line\nend.py"):
            (folder / ".venv" / "lib" / name).write_text("installed")
        copy_dev(folder)
    return folders


def copy_dev(folder: Path) -> None:
    """The script and its parts alone: what it would build and install is not there."""
    shutil.copy(DEV, folder)
    shutil.copytree(ROOT / "dev.d", folder / "dev.d", ignore=shutil.ignore_patterns("__pycache__"))


def build(folder: Path, installed: list[str]) -> None:
    """Run the last step of the build; ``installed`` is what CMake says it installed."""
    (folder / "manifest").write_text("\n".join(installed))
    call = "cp manifest build/install_manifest.txt"
    stubs = f"hash_of() {{ echo x; }}; compile_for() {{ :; }}; quietly() {{ {call}; }}"
    subprocess.run(
        ["bash", "-c", f"source ./dev; {stubs}; build_into_venv"],
        cwd=folder,
        check=True,
        timeout=300,
    )


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("earlier", ["its own", "as the copy's"])
def test_a_build_in_a_copied_folder_leaves_the_original_alone(copied, earlier):
    original, copy = copied
    venv = original / ".venv"
    stale = [str(venv / "lib" / "stale.py"), str(venv / "lib" / "line\nend.py")]
    if earlier == "its own":
        build(original, stale)
        (copy / "build/venv_manifest.txt").write_text(
            (original / "build/venv_manifest.txt").read_text()
        )
    else:  # absolute paths, as earlier versions of the script wrote them
        (copy / "build/venv_manifest.txt").write_text("\n".join(sorted(stale)) + "\n")
    before = files_below(original)
    build(copy, [str(copy / ".venv/lib/new.py")])
    assert files_below(original) == before
    assert (copy / ".venv/lib/new.py").exists()


def test_only_what_lies_in_the_own_environment_is_removed(copied, tmp_path):
    outside, folder = copied
    (folder / ".venv/out").symlink_to(outside / ".venv")
    (folder / ".venv/link").symlink_to(outside / ".venv/lib/new.py")
    (folder / ".venv/dead").symlink_to("nowhere")
    listed = [
        *(outside / ".venv/lib/stale.py", folder / ".venv/../../the original/.venv/lib/new.py"),
        *("../../the original/.venv/lib/stale.py", "lib/../../../the original/dev", "..", "lib"),
        *("out/lib/new.py", "nowhere/../lib/new.py", f"{folder}/dev", "../dev", "", "/"),
        *(folder / ".venv/lib/stale.py", "link", "dead", "lib/a name\\with 'all'.py"),
    ]
    (folder / "build/venv_manifest.txt").write_text("\n".join(sorted(map(str, listed))) + "\n")
    before = files_below(outside)
    build(folder, [f"{folder}/.venv/lib/new.py", f"{folder}/.venv/lib/line\nend.py"])
    assert files_below(outside) == before and (folder / "dev").exists()
    assert files_below(folder / ".venv/lib") == {"new.py", "line\nend.py"}
    assert not (folder / ".venv/link").is_symlink() and not (folder / ".venv/dead").is_symlink()


def test_a_build_folder_that_leads_elsewhere_is_left_alone(tmp_path):
    other = tmp_path / "other"
    (other / "CMakeFiles").mkdir(parents=True)
    (other / "CMakeCache.txt").write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n")
    here = tmp_path / "here"
    here.mkdir()
    (here / "build").symlink_to(other)
    done = subprocess.run(
        ["bash", "-c", f'source "{DEV}" && cd "{here}" && quietly() {{ :; }}; compile_for / build'],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (other / "CMakeFiles").exists() and (other / "CMakeCache.txt").exists()
    assert done.returncode == 1 and done.stderr.startswith("error: build leads to")


def test_a_build_folder_that_came_along_starts_anew(tmp_path):
    (tmp_path / "build/CMakeFiles").mkdir(parents=True)
    (tmp_path / "build/CMakeCache.txt").write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n")
    function("quietly() { :; }; compile_for / build", tmp_path)
    assert list((tmp_path / "build").iterdir()) == []


def requirements(name: str) -> dict[str, str]:
    lines = [line.strip() for line in (ROOT / name).read_text().splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", "-r"))]
    wanted = [Requirement(line) for line in lines]
    assert all(re.fullmatch(r"==[\w.]+", str(one.specifier)) for one in wanted), lines
    # Some are for some machines only
    here = [one for one in wanted if one.marker is None or one.marker.evaluate()]
    return {one.name: str(one.specifier).removeprefix("==") for one in here}


LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-training.txt")
LISTS += ("requirements-docs.txt", "requirements-parquet.txt", "requirements-dask.txt")


@pytest.mark.parametrize("name", LISTS)
def test_the_packages_here_are_the_pinned_ones(name):
    for package, pinned in requirements(name).items():
        assert version(package).split("+")[0] == pinned, package


def test_numpy_is_one_that_gnu_radio_was_built_for():
    # a module that was built for another major version cannot be imported
    text = "import numpy; from gnuradio import blocks; blocks.vector_source_f([1, 2])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_nothing_that_is_missing_is_needed():
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, timeout=300
    )
    ours = {package.lower() for name in LISTS for package in requirements(name)}
    # the system's own packages are not this project's to mend
    broken = [line for line in done.stdout.splitlines() if line.split(" ")[0].lower() in ours]
    assert broken == []


def test_ci_runs_what_developers_run():
    assert 'dev" test' in (ROOT / ".ci" / "run").read_text()
    assert ".ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()
