# SPDX-License-Identifier: GPL-3.0-or-later
"""How this copy was installed, and so what is to be done where a part of it is missing."""

from __future__ import annotations

import enum
import shlex
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


class Way(enum.Enum):
    """Of installing: ``./dev build``, ``./dev install PREFIX``, the packages of docs/packages.md,
    and what is none of these, as CMake by itself."""

    CHECKOUT = "checkout"
    PREFIX = "prefix"
    DEBIAN = "debian"
    CONDA = "conda"
    WHEEL = "wheel"
    OTHER = "other"


@dataclass(frozen=True)
class Package:
    """What a module of another project comes with.

    Attributes:
        name: PyPI's, or what GNU Radio calls its part.
        debian, conda: these systems' names; empty where they have none.
        requirements: the list of a checkout that names it; empty where the system's is used.
        is_ours_to_bring: ``./dev install`` brings it along.
    """

    name: str
    debian: str = ""
    conda: str = ""
    requirements: str = "requirements.txt"
    is_ours_to_bring: bool = True


def _system(name: str, debian: str, conda: str) -> Package:
    return Package(name, debian, conda, "", False)


# By the module that is imported
PACKAGES = {
    "aiohttp": Package("aiohttp", "python3-aiohttp", "aiohttp"),
    "dask": Package("dask", "python3-distributed", "distributed", "requirements-dask.txt", False),
    "distributed": Package(
        "distributed", "python3-distributed", "distributed", "requirements-dask.txt", False
    ),
    "jsonschema": Package("jsonschema", "python3-jsonschema", "jsonschema"),
    "matplotlib": Package(
        "matplotlib", "python3-matplotlib", "matplotlib-base", is_ours_to_bring=False
    ),
    "numpy": Package("numpy", "python3-numpy", "numpy", is_ours_to_bring=False),
    "paho": Package("paho-mqtt", "python3-paho-mqtt", "paho-mqtt"),
    "prometheus_client": Package(
        "prometheus_client", "python3-prometheus-client", "prometheus_client"
    ),
    "pyarrow": Package("pyarrow", "", "pyarrow", "requirements-parquet.txt", False),
    "scipy": Package("scipy", "python3-scipy", "scipy", is_ours_to_bring=False),
    "serial": Package("pyserial", "python3-serial", "pyserial"),
    "torch": Package("torch", "python3-torch", "pytorch"),
    "tqdm": Package("tqdm", "python3-tqdm", "tqdm"),
    "yaml": Package("PyYAML", "python3-yaml", "pyyaml"),
    "zmq": Package("pyzmq", "python3-zmq", "pyzmq"),
    "zstandard": Package("zstandard", "python3-zstandard", "zstandard"),
    "PyQt5": _system("PyQt5", "python3-pyqt5", "pyqt"),
    "pyqtgraph": _system("pyqtgraph", "python3-pyqtgraph", "pyqtgraph"),
    "gnuradio": _system("GNU Radio", "gnuradio", "gnuradio-core"),
    "gnuradio.soapy": _system("gr-soapy", "gnuradio", "gnuradio-soapy"),
    "gnuradio.uhd": _system("gr-uhd", "gnuradio", "gnuradio-uhd"),
    "gnuradio.zeromq": _system("gr-zeromq", "gnuradio", "gnuradio-zeromq"),
}


@dataclass(frozen=True)
class Installation:
    """A copy of radiofm.

    Attributes:
        way: how it was installed.
        folder: the checkout; the prefix of an installation for all users or of conda; else the
            folder that ``radiofm_core`` lies in.
    """

    way: Way
    folder: Path

    def how_to_mend(self) -> str:
        """What brings our own files back, as the end of a sentence."""
        return {
            Way.CHECKOUT: self._build,
            Way.PREFIX: self._install_again,
            Way.DEBIAN: lambda: "run `apt install --reinstall gr-radiofm` as root",
            Way.CONDA: lambda: "run `conda install --force-reinstall gnuradio-radiofm`",
            Way.WHEEL: lambda: (
                "GNU Radio and our blocks are not part of the wheel, docs/packages.md names the "
                "packages that have them"
            ),
            Way.OTHER: lambda: "build and install gr-radiofm again",
        }[self.way]()

    def how_to_install(self, *modules: str) -> str:
        """What brings modules of other projects, as the end of a sentence.

        Args:
            modules: as they are imported; one that is not in ``PACKAGES`` counts as the package
                that it is in, and else by its own name. Of ours, see :meth:`how_to_mend`.
        """
        if any(module.startswith(("radiofm", "gnuradio.radiofm")) for module in modules):
            return self.how_to_mend()
        packages = [package_of(module) for module in modules]
        if all(package.requirements == "" for package in packages):
            return self._from_system(packages)
        return {
            Way.CHECKOUT: self._into_checkout,
            Way.PREFIX: self._into_prefix,
            Way.DEBIAN: self._into_debian,
            Way.CONDA: _by_conda,
            Way.WHEEL: _by_pip,
            Way.OTHER: _by_pip,
        }[self.way](packages)

    def _from_system(self, packages: list[Package]) -> str:
        """GNU Radio and Qt are the system's wherever apt installs the rest."""
        if self.way is Way.CONDA:
            return _by_conda(packages)
        if self.way in (Way.CHECKOUT, Way.PREFIX, Way.DEBIAN):
            return _by_apt(packages)
        return f"install {' and '.join(package.name for package in packages)}"

    def _build(self) -> str:
        """The stamps of what was done once go first: a step that is done is not done again."""
        return f"run `rm -rf {self._path('.venv/.steps')} && {self._path('dev')} build`"

    def _install_again(self) -> str:
        return f"run `./dev install {shlex.quote(str(self.folder))}` in the source tree again"

    def _into_checkout(self, packages: list[Package]) -> str:
        lists = sorted({package.requirements for package in packages} - {"requirements.txt"})
        if not lists:
            return self._build()
        words = " ".join(f"-r {self._path(name)}" for name in lists)
        return f"run `{self._path('.venv/bin/python')} -m pip install {words}`"

    def _into_prefix(self, packages: list[Package]) -> str:
        if all(package.is_ours_to_bring for package in packages):
            return self._install_again()
        if all(package.debian for package in packages):
            return _by_apt(packages)
        return _by_pip(packages, self.folder / "lib/radiofm/packages")

    def _into_debian(self, packages: list[Package]) -> str:
        if all(package.debian for package in packages):
            return _by_apt(packages)
        return _by_pip(packages, self.folder.parents[1] / "radiofm/packages")

    def _path(self, name: str) -> str:
        """A file of the checkout as one would type it here."""
        if self.folder == Path.cwd():
            return f"./{name}" if name == "dev" else name
        return shlex.quote(str(self.folder / name))


def find_installation(package: Path) -> Installation:
    """That of an installed folder of ``radiofm_core``, as ``PREFIX/lib/python3/dist-packages/
    radiofm_core``; what lies around it tells."""
    beside, above = package.parent, [*package.parents, *[Path("/")] * 5]
    prefix, root = above[3], above[4]
    if prefix.name == ".venv" and (root / "dev").is_file():
        return Installation(Way.CHECKOUT, root)
    if beside.name == "python" and (above[1] / "dev").is_file():
        return Installation(Way.CHECKOUT, above[1])
    if (above[2] / "radiofm/files").is_file():
        return Installation(Way.PREFIX, prefix)
    if (root / "var/lib/dpkg/info/gr-radiofm.list").is_file():
        return Installation(Way.DEBIAN, beside)
    if next((prefix / "conda-meta").glob("gnuradio-radiofm-*.json"), None):
        return Installation(Way.CONDA, prefix)
    if next(beside.glob("radiofm-*.dist-info"), None):
        return Installation(Way.WHEEL, beside)
    return Installation(Way.OTHER, beside)


def package_of(module: str) -> Package:
    """What a module comes with; see :meth:`Installation.how_to_install`."""
    first = module.partition(".")[0]
    return PACKAGES.get(module) or PACKAGES.get(first) or Package(first)


def how_to_install(*modules: str) -> str:
    """:meth:`Installation.how_to_install` of this copy."""
    return _here().how_to_install(*modules)


def how_to_mend() -> str:
    """:meth:`Installation.how_to_mend` of this copy."""
    return _here().how_to_mend()


@cache
def _here() -> Installation:
    return find_installation(Path(__file__).absolute().parent)


def _by_apt(packages: list[Package]) -> str:
    names = dict.fromkeys(package.debian for package in packages)
    return f"run `apt install --reinstall {' '.join(names)}` as root"


def _by_conda(packages: list[Package]) -> str:
    names = dict.fromkeys(package.conda or package.name for package in packages)
    return f"run `conda install -c conda-forge {' '.join(names)}`"


def _by_pip(packages: list[Package], target: Path | None = None) -> str:
    names = dict.fromkeys(package.name for package in packages)
    into = f" --target {shlex.quote(str(target))}" if target else ""
    who = " as root" if target else ""
    return f"run `{shlex.quote(sys.executable)} -m pip install{into} {' '.join(names)}`{who}"
