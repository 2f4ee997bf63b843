# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages: one version everywhere, what they need, and the wheel where there is no GNU Radio."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from radiofm_core.demo_files import demo_csi
from radiofm_core.version import __version__

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Debian's names of Python packages, where they are not python3-NAME
DEBIAN_NAMES = {"pyyaml": "yaml", "pyserial": "serial", "pyzmq": "zmq"}
# of the list of requirements what only tests and builds use
NOT_AT_RUN_TIME = {"sigmf", "shtab"}

# Run in a process of its own, which finds the wheel first and GNU Radio nowhere
WITHOUT_GNU_RADIO = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("gnuradio", "pmt"):
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
from radiofm_cli import main
import radiofm_core
assert radiofm_core.__file__.startswith(sys.argv[1]), radiofm_core.__file__
sys.exit(main(sys.argv[2:]))
"""


def direct_requirements() -> set[str]:
    """What requirements.txt names before what that needs in turn."""
    text = (ROOT / "requirements.txt").read_text().partition("# What these need in turn")[0]
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    names = {canonicalize_name(Requirement(line).name) for line in lines if line}
    return names - NOT_AT_RUN_TIME


def debian_control() -> str:
    return (ROOT / "packaging/debian/control").read_text()


def test_the_version_is_written_once():
    files = subprocess.run(
        ["git", "grep", "-lF", f'"{__version__}"', "--", "*.py", "*.toml", "*.txt", "packaging"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split()
    if not files:
        pytest.skip("this is no checkout of git")
    assert [path for path in files if not path.startswith("tests/")] == [
        "python/radiofm_core/version.py"
    ]


def test_cgrans_manifest_is_complete():
    manifest = yaml.safe_load((ROOT / "MANIFEST.yml").read_text())
    fields = {"title", "brief", "tags", "author", "copyright_owner", "license", "repo", "website"}
    assert fields | {"gr_supported_version", "description"} <= set(manifest)
    # CGRAN takes it as it is
    assert manifest["version"] == __version__
    assert manifest["file_format"] == 1
    assert all(isinstance(tag, str) for tag in manifest["tags"])


def test_the_wheel_needs_what_requirements_name():
    needed = {canonicalize_name(Requirement(r).name) for r in PROJECT["project"]["dependencies"]}
    assert needed == direct_requirements()


def test_the_debian_package_needs_what_requirements_name():
    names = {f"python3-{DEBIAN_NAMES.get(name, name)}" for name in direct_requirements()}
    depends = debian_control().partition("\nDepends:")[2].partition("\nRecommends:")[0]
    found = set(re.findall(r"python3-[\w-]+", depends))
    assert found == names


def test_the_conda_recipe_needs_what_requirements_name():
    recipe = yaml.safe_load((ROOT / "packaging/conda/recipe.yaml").read_text())
    run = recipe["requirements"]["run"]
    names = {canonicalize_name(re.split(r"[ <>=]", line)[0]) for line in run}
    conda_names = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
    assert {conda_names.get(name, name) for name in direct_requirements()} <= names
    assert "gnuradio-core" in names


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A folder with the wheel's files."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (path,) = folder.glob("*.whl")
    assert path.name == f"radiofm-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def radiofm(wheel: Path, *arguments: object) -> subprocess.CompletedProcess:
    words = [sys.executable, "-c", WITHOUT_GNU_RADIO, str(wheel), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, cwd=wheel.parent)


def test_the_wheel_has_what_the_program_reads(wheel):
    kept = {".pt", ".json", ".html", ".js", ".css", ".svg", ".npz", ".sigmf-meta", ".typed"}
    for package in (wheel / name for name in ("radiofm_core", "radiofm_web", "radiofm_sinks")):
        source = ROOT / "python" / package.name
        files = {p.relative_to(source) for p in source.rglob("*") if p.suffix in kept}
        assert {p for p in files if not (package / p).is_file()} == set()
    assert (wheel / "radiofm_core/demo/demo.sigmf-meta").is_file()
    assert not (wheel / "gnuradio").exists()


def test_without_gnu_radio_the_wheel_classifies_activity(wheel):
    done = radiofm(wheel, "activity", demo_csi(), "--out", "results", "--overwrite")
    assert done.returncode == 0, done.stderr
    lines = (wheel.parent / "results/room.jsonl").read_text().splitlines()
    assert any(json.loads(line).get("label") for line in lines)


def test_without_gnu_radio_the_wheel_describes_its_models(wheel):
    done = radiofm(wheel, "models", "--json")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 2


def test_without_gnu_radio_a_command_that_needs_it_says_so_in_one_line(wheel):
    demo = wheel / "radiofm_core/demo/demo.sigmf-meta"
    done = radiofm(wheel, "segment", demo, "--out", "none")
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1 and "GNU Radio" in errors[0]
    assert "Traceback" not in done.stderr


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A small checkout of git with a list of changes."""
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\n## Unreleased\n\n## 0.2.0 - 2026-01-31\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    names = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", *names, "commit", "-q", "-m", "x"], cwd=tmp_path, check=True)
    return tmp_path


def check_release(checkout: Path, version: str) -> subprocess.CompletedProcess:
    call = f'source "{ROOT}/dev" && cd "{checkout}" && check_release {version}'
    return subprocess.run(["bash", "-c", call], capture_output=True, text=True, timeout=300)


def test_a_release_is_of_a_commit_that_says_what_changed(checkout):
    assert check_release(checkout, "0.2.0").returncode == 0
    unnamed = check_release(checkout, "0.3.0")
    assert unnamed.returncode == 1 and "## 0.3.0" in unnamed.stderr
    (checkout / "more").touch()
    dirty = check_release(checkout, "0.2.0")
    assert dirty.returncode == 1 and "not committed" in dirty.stderr


def test_the_same_files_make_the_same_archive(tmp_path):
    for name in ("one", "two"):
        folder = tmp_path / name / "files"
        folder.mkdir(parents=True)
        for file in ("b", "a") if name == "one" else ("a", "b"):
            (folder / file).write_text(file)
    pack = 'pack "$0/one" files "$0/one.tar.xz"; pack "$0/two" files "$0/two.tar.xz"'
    call = f'source "{ROOT}/dev"; SOURCE_DATE_EPOCH=86400; {pack}'
    subprocess.run(["bash", "-c", call, tmp_path], check=True, timeout=300)
    assert (tmp_path / "one.tar.xz").read_bytes() == (tmp_path / "two.tar.xz").read_bytes()


def test_the_source_of_packages_is_whole(tmp_path):
    source = tmp_path / "source"
    script = ROOT / "packaging/stage_source.sh"
    subprocess.run([script, source], check=True, timeout=300)
    assert (
        f"@VERSION@) @SUITE@; urgency=medium\n\n  * Version {__version__};"
        in (source / "debian/changelog").read_text()
    )
    for path in ("CMakeLists.txt", "debian/rules", "packaging/share/man/man1/radiofm.1"):
        assert (source / path).is_file()
    assert "@" not in (source / "debian/control").read_text().replace("@localhost", "")
    named = (source / "debian/gr-radiofm.docs").read_text().split()
    named += (source / "debian/gr-radiofm.examples").read_text().split()
    assert [pattern for pattern in named if not list(source.glob(pattern))] == []
