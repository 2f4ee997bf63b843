# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing for all users and removing it again; folders that are copied, moved, have spaces."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = "lib/python3/dist-packages"


def call(text: str, folder: Path, *arguments) -> subprocess.CompletedProcess:
    """Call functions of the script that lies in ``folder``."""
    return subprocess.run(
        ["bash", "-c", f"source ./dev; ldconfig() {{ :; }}; {text}", "-", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def checkout(tmp_path):
    """The script and its parts, in a folder with a space."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    shutil.copy(ROOT / "dev", folder)
    shutil.copytree(ROOT / "dev.d", folder / "dev.d")
    return folder


def write(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def state_of(folder: Path) -> dict:
    """What every file and folder below is; without times, which change with what is beside."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes(),
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def stage(checkout):
    """What is to be installed, as `cmake --install` and copy_packages.py leave it."""
    stage = write(
        checkout / "stage",
        *("bin/radiofm", "lib/libgnuradio-radiofm.so.1", f"{PYTHON}/radiofm_core/tasks.py"),
        *(f"{PYTHON}/gnuradio/radiofm/__init__.py", "share/gnuradio/grc/blocks/one.block.yml"),
        *("lib/radiofm/packages/torch/__init__.py", f"{PYTHON}/radiofm_core/of this version.py"),
    )
    (stage / "lib/libgnuradio-radiofm.so").symlink_to("libgnuradio-radiofm.so.1")
    return stage


PREFIXES = ("usr/local", "with a space", "not/there/yet")


@pytest.mark.parametrize("name", PREFIXES)
def test_uninstall_leaves_the_prefix_as_it_was(checkout, stage, tmp_path, name):
    above = tmp_path / "disk"
    prefix = above / name
    above.mkdir()
    if name != "not/there/yet":
        write(prefix, "bin/other", f"{PYTHON}/other/__init__.py", "share/gnuradio/grc/blocks/b.yml")
        (prefix / "lib/empty").mkdir()
        (prefix / "bin/dead").symlink_to("nowhere")
    before = state_of(above)
    done = call('put_into "$1" "$2"', checkout, prefix, stage)
    assert done.returncode == 0, done.stderr
    wanted = {path.relative_to(stage) for path in stage.rglob("*")}
    assert wanted <= {path.relative_to(prefix) for path in prefix.rglob("*")}
    # Python compiles what is imported
    write(prefix, f"{PYTHON}/radiofm_core/__pycache__/tasks.cpython-311.opt-1.pyc")
    assert call('cmd_uninstall "$1/"', checkout, prefix).returncode == 0
    assert state_of(above) == before


def test_a_later_version_takes_the_place_of_the_one_before(checkout, stage, tmp_path):
    prefix = write(tmp_path / "prefix", "bin/other")
    before = state_of(prefix)
    assert call('put_into "$1" "$2"', checkout, prefix, stage).returncode == 0
    (stage / PYTHON / "radiofm_core/of this version.py").unlink()
    (stage / "lib/radiofm/packages/torch/__init__.py").unlink()
    write(stage, "share/man/man1/radiofm.1", "lib/radiofm/packages/new.py")
    done = call('put_into "$1" "$2"', checkout, prefix, stage)
    assert done.returncode == 0, done.stderr
    there = set(state_of(prefix))
    assert f"{PYTHON}/radiofm_core/of this version.py" not in there
    assert "share/man/man1/radiofm.1" in there and "lib/radiofm/packages/new.py" in there
    assert "lib/radiofm/packages/torch/__init__.py" not in there
    assert call('cmd_uninstall "$1"', checkout, prefix).returncode == 0
    assert state_of(prefix) == before


@pytest.mark.parametrize("there", ["bin/radiofm", "lib/radiofm/something"])
def test_files_of_others_are_not_replaced(checkout, stage, tmp_path, there):
    prefix = write(tmp_path / "prefix", there)
    before = state_of(prefix)
    done = call('put_into "$1" "$2"', checkout, prefix, stage)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ") and there.rpartition("/something")[0] in done.stderr
    assert state_of(prefix) == before


def test_an_install_that_stopped_half_way_can_be_removed(checkout, stage, tmp_path):
    prefix = write(tmp_path / "prefix", "bin/other")
    before = state_of(prefix)
    done = call(
        'tar() { [[ $1 == -C && $3 == -x ]] && return 1; command tar "$@"; }; put_into "$1" "$2"',
        checkout,
        prefix,
        stage,
    )
    assert done.returncode != 0 and (prefix / "lib/radiofm/files").exists()
    write(prefix, "bin/radiofm", "lib/radiofm/packages/torch/half")
    assert call('cmd_uninstall "$1"', checkout, prefix).returncode == 0
    assert state_of(prefix) == before


def test_uninstall_removes_nothing_that_install_did_not_put_there(checkout, tmp_path):
    prefix = write(tmp_path / "prefix", "bin/other")
    done = call('cmd_uninstall "$1"', checkout, prefix)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert str(prefix) in done.stderr
    outside = write(tmp_path / "outside", "file")
    write(prefix, "lib/radiofm/folders")
    (prefix / "lib/radiofm/folders").write_text(f"{tmp_path}/outside\n{prefix}/bin\n")
    (prefix / "lib/radiofm/files").write_text("../outside/file\nbin/../../outside/file\n")
    assert call('cmd_uninstall "$1"', checkout, prefix).returncode == 0
    assert (outside / "file").exists() and (prefix / "bin/other").exists()


def test_without_root_the_whole_command_to_run_is_told(checkout):
    call_it = "can_be_root() { return 1; }; is_installed() { return 1; }; need_packages one two"
    done = call(call_it, checkout)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == (
        "error: system packages are missing; as root run: apt-get update && "
        "apt-get install -y --no-install-recommends one two xterm\n"
    )


def test_packages_of_an_installation_come_before_the_systems(tmp_path):
    core = tmp_path / PYTHON / "radiofm_core"
    core.mkdir(parents=True)
    for name in ("__init__.py", "own_packages.py"):
        shutil.copy(ROOT / "python/radiofm_core" / name, core)
    write(tmp_path / "lib/radiofm/packages")
    (tmp_path / "lib/radiofm/packages").mkdir(parents=True)
    (tmp_path / "lib/radiofm/packages/yaml.py").write_text("ours = True")
    text = (
        "import json, sys; before = list(sys.path); import radiofm_core, yaml;"
        "print(json.dumps([before, sys.path, yaml.ours]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": str(tmp_path / PYTHON)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    before, after, ours = json.loads(done.stdout)
    assert ours and [one for one in after if one not in before] == [
        str(tmp_path / "lib/radiofm/packages")
    ]


def test_copied_packages_are_whole_and_leave_numpy_to_the_system(tmp_path):
    (tmp_path / "list").write_text(
        "# a comment\njsonschema\nscipy==0.1  # another\nx; python_version < '3'\n"
    )
    folder = tmp_path / "packages"
    done = subprocess.run(
        [sys.executable, ROOT / "dev.d/copy_packages.py", tmp_path / "list", folder],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    there = {path.name for path in folder.iterdir()}
    # what it needs in turn, too
    assert {"jsonschema", "referencing", "rpds", "attr"} <= there
    assert not {"numpy", "scipy"} & there


def test_the_command_runs_in_a_folder_with_spaces(tmp_path):
    copy = tmp_path / "an environment"
    (copy / "bin").mkdir(parents=True)
    for name in ("bin/radiofm", "pyvenv.cfg"):
        shutil.copy(Path(sys.prefix) / name, copy / name)
    (copy / "bin/python3").symlink_to(os.path.realpath(sys.executable))
    (copy / "lib").symlink_to(Path(sys.prefix) / "lib")
    link = tmp_path / "link"
    link.symlink_to(copy / "bin/radiofm")
    for command in (copy / "bin/radiofm", link):
        done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0 and done.stdout.startswith("radiofm "), done.stderr


@pytest.mark.parametrize("name", ["moved", "moved to a folder with spaces", "moved" + 30 * "/deep"])
def test_a_moved_environment_is_mended_without_the_network(checkout, tmp_path, name):
    done = call('"$SYSTEM_PYTHON" -m venv --without-pip "$VENV"', checkout)
    assert done.returncode == 0, done.stderr
    python = checkout / ".venv/bin/python3"
    program = "import sys; print(sys.prefix)\n"
    scripts = {
        "plain": f"#!{python}\n{program}",
        "by_shell": f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n{program}",
    }
    for script, text in scripts.items():
        (checkout / ".venv/bin" / script).write_text(text)
        (checkout / ".venv/bin" / script).chmod(0o755)
    write(checkout, ".venv/bin/other", ".venv/lib/kept")
    assert call('mark_done python "$("$SYSTEM_PYTHON" --version)"', checkout).returncode == 0
    moved = tmp_path / name
    moved.parent.mkdir(parents=True, exist_ok=True)
    checkout.rename(moved)
    done = call("make_venv; make_venv", moved)
    assert done.returncode == 0 and done.stderr.count("==>") == 1, done.stderr
    for script in scripts:
        ran = subprocess.run([moved / ".venv/bin" / script], capture_output=True, text=True)
        assert ran.stdout.strip() == str(moved / ".venv"), ran.stderr
    assert (moved / ".venv/bin/other").read_text() == ".venv/bin/other"
    assert (moved / ".venv/lib/kept").exists()


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("===== 3 failed, 20 passed, 4 skipped, 2 errors in 61.20s (0:01:01) =====", "20 | 5 | 4"),
        ("7 passed in 1.50s", "7 | 0 | 0"),
        ("error: run: .venv/bin/ruff format .", ""),
    ],
)
def test_the_matrix_counts_what_pytest_counted(checkout, line, counts):
    (checkout / "log").write_text(f"text\n1 passed, as a test printed\n{line}\n")
    done = call("counts_of log", checkout)
    assert done.stdout.strip() == counts, done.stderr
