# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told to those who lack a part: the step of the way in which they installed this."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import radiofm_core
from radiofm_core.installation import PACKAGES, Way, find_installation

ROOT = Path(__file__).parent.parent
SITE = Path(radiofm_core.__file__).parent.parent
OURS = ("radiofm_cli", "radiofm_core", "radiofm_net", "radiofm_sinks", "radiofm_web")
# Each way to install: where radiofm_core lies, and the file that tells
LAYOUTS = {
    Way.CHECKOUT: (".venv/lib/python3.11/site-packages", "dev"),
    Way.PREFIX: ("opt/radio/lib/python3.11/dist-packages", "opt/radio/lib/radiofm/files"),
    Way.DEBIAN: ("usr/lib/python3/dist-packages", "var/lib/dpkg/info/gr-radiofm.list"),
    Way.CONDA: (
        "opt/conda/lib/python3.12/site-packages",
        "opt/conda/conda-meta/gnuradio-radiofm-0.1.0-py312_0.json",
    ),
    Way.WHEEL: (
        "usr/lib/python3.11/site-packages",
        "usr/lib/python3.11/site-packages/radiofm-0.1.0.dist-info/METADATA",
    ),
    Way.OTHER: ("usr/lib/python3/dist-packages", "var/lib/dpkg/info/other.list"),
}
PIP = f"`{shlex.quote(sys.executable)} -m pip install"
# (modules, what is told) by the way; {} is the folder that all lies in
STEPS = {
    Way.CHECKOUT: {
        ("zmq",): "run `rm -rf {}/.venv/.steps && {}/dev build`",
        ("pyarrow",): "run `{}/.venv/bin/python -m pip install -r {}/requirements-parquet.txt`",
        ("PyQt5", "pyqtgraph"): "apt install --reinstall python3-pyqt5 python3-pyqtgraph`",
        ("gnuradio.uhd",): "apt install --reinstall gnuradio`",
        (): "run `rm -rf {}/.venv/.steps && {}/dev build`",
    },
    Way.PREFIX: {
        ("zmq",): "run `./dev install {}/opt/radio` in the source tree again",
        ("numpy",): "apt install --reinstall python3-numpy`",
        ("pyarrow",): f"{PIP} --target {{}}/opt/radio/lib/radiofm/packages pyarrow` as root",
        ("gnuradio",): "apt install --reinstall gnuradio`",
        (): "run `./dev install {}/opt/radio` in the source tree again",
    },
    Way.DEBIAN: {
        ("zmq",): "run `apt install --reinstall python3-zmq` as root",
        ("paho.mqtt.client",): "run `apt install --reinstall python3-paho-mqtt` as root",
        ("dask", "distributed"): "run `apt install --reinstall python3-distributed` as root",
        ("pyarrow",): f"{PIP} --target {{}}/usr/lib/radiofm/packages pyarrow` as root",
        ("gnuradio.zeromq",): "run `apt install --reinstall gnuradio` as root",
        ("radiofm_sinks.mqtt",): "run `apt install --reinstall gr-radiofm` as root",
        (): "run `apt install --reinstall gr-radiofm` as root",
    },
    Way.CONDA: {
        ("torch",): "run `conda install -c conda-forge pytorch`",
        ("gnuradio.soapy",): "run `conda install -c conda-forge gnuradio-soapy`",
        (): "run `conda install --force-reinstall gnuradio-radiofm`",
    },
    Way.WHEEL: {
        ("zmq",): f"run {PIP} pyzmq`",
        ("gnuradio.soapy",): "install gr-soapy",
        (): "not part of the wheel",
    },
    Way.OTHER: {
        ("something.new",): f"run {PIP} something`",
        ("PyQt5", "pyqtgraph"): "install PyQt5 and pyqtgraph",
        (): "build and install gr-radiofm again",
    },
}


def lay_out(folder: Path, way: Way) -> Path:
    """The folder of Python packages of an installation in ``folder``."""
    site, mark = (folder / path for path in LAYOUTS[way])
    site.mkdir(parents=True)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return site


@pytest.mark.parametrize(
    ("way", "modules"), [(way, modules) for way, steps in STEPS.items() for modules in steps]
)
def test_each_way_of_installing_has_its_own_step(tmp_path, way, modules):
    found = find_installation(lay_out(tmp_path, way) / "radiofm_core")
    assert found.way is way
    told = found.how_to_install(*modules) if modules else found.how_to_mend()
    assert STEPS[way][modules].replace("{}", str(tmp_path)) in told
    assert ("./dev" in told or "/dev " in told) == ("dev" in STEPS[way][modules])


def test_the_source_itself_is_a_checkout_and_paths_are_short_in_it(tmp_path, monkeypatch):
    assert find_installation(ROOT / "python/radiofm_core").way is Way.CHECKOUT
    package = lay_out(tmp_path, Way.CHECKOUT) / "radiofm_core"
    monkeypatch.chdir(tmp_path)
    told = find_installation(package).how_to_mend()
    assert told == "run `rm -rf .venv/.steps && ./dev build`"


def test_a_folder_with_spaces_can_be_typed(tmp_path):
    package = lay_out(tmp_path / "my radio", Way.CHECKOUT) / "radiofm_core"
    command = find_installation(package).how_to_mend().partition("`")[2].rstrip("`")
    folder = str(tmp_path / "my radio")
    assert shlex.split(command) == [
        "rm",
        "-rf",
        f"{folder}/.venv/.steps",
        "&&",
        f"{folder}/dev",
        "build",
    ]


SENSOR = ("sensor", "--server", "tcp://127.0.0.1:1", "--keys", "x", "--source", "file=-")


@pytest.mark.parametrize(
    ("way", "module", "arguments"),
    [
        *((way, "zmq", SENSOR) for way in Way if way is not Way.CHECKOUT),
        (Way.DEBIAN, "aiohttp", ("doctor",)),
        (Way.WHEEL, "scipy", ("doctor",)),
    ],
)
def test_commands_tell_the_step_of_their_own_installation(tmp_path, way, module, arguments):
    """The installed packages, seen as if they lay elsewhere, where a module is missing."""
    site = lay_out(tmp_path, way)
    for name in OURS:
        (site / name).symlink_to(SITE / name)
    script = (
        "import sys\n"
        f"sys.modules[{module!r}] = None\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        "from radiofm_cli import main\n"
        f"sys.exit(main({list(arguments)!r}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    assert done.returncode in (0, 1), done.stderr
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if f"of {module} " in line]
    assert find_installation(site / "radiofm_core").how_to_install(module) in line
    assert "dev build" not in done.stdout + done.stderr


def test_no_other_text_names_a_step_of_installing():
    step = re.compile(r"dev (build|weights|install)|pip install|(apt|apt-get|conda) install")
    literals = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "python").rglob("*.py"))
        if path.name != "installation.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if step.search(line) and not line.lstrip().startswith(("#", "``"))
    ]
    assert literals == []


def test_packages_have_the_names_under_which_ours_ask_for_them():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    known = {canonicalize_name(package.name): package for package in PACKAGES.values()}
    assert needed <= set(known)
    control = (ROOT / "packaging/debian/control").read_text()
    recipe = yaml.safe_load((ROOT / "packaging/conda/recipe.yaml").read_text())
    conda = {re.split(r"[ <>=]", line)[0] for line in recipe["requirements"]["run"]}
    for name in needed:
        assert re.search(rf"\b{known[name].debian}\b", control), name
        assert known[name].conda in conda, name
    for package in PACKAGES.values():
        if package.requirements:
            listed = (ROOT / package.requirements).read_text().lower()
            assert re.search(rf"^{package.name.lower()}==", listed, re.MULTILINE), package.name
