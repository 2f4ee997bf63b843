# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom: the rooms of the Python code stand on floors, and imports lead downwards."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Where the packages' files are, by the names under which they are imported
PACKAGES = {
    "radiofm_core": "python/radiofm_core",
    "gnuradio.radiofm": "python/radiofm",
    "radiofm_qt": "python/radiofm_qt",
    "radiofm_web": "python/radiofm_web",
    "radiofm_net": "python/radiofm_net",
    "radiofm_sinks": "python/radiofm_sinks",
    "radiofm_cli": "python/radiofm_cli",
    "training": "training",
}
# A folder or file on a floor may import from the floors below, and from itself. Not from a
# neighbour. A file belongs to the longest path that it lies under: `radiofm_core` is what of it
# has no line of its own. What is on no floor of a tree, its files may not import.
FLOORS = {
    "python": (
        ("python/radiofm_core",),
        ("python/radiofm_core/spectrum", "python/radiofm_core/csi"),
        ("python/radiofm_core/tasks.py",),
        ("python/radiofm_core/bundle.py",),
        ("python/radiofm_core/inference.py",),
        ("python/radiofm_core/outputs",),
        ("python/radiofm_core/events",),
        ("python/radiofm_core/view", "python/radiofm_core/archive"),
        ("python/radiofm_qt", "python/radiofm_web", "python/radiofm_net"),
        ("python/radiofm_sinks",),
        ("python/radiofm/pmts", "python/radiofm/elsewhere.py"),
        ("python/radiofm/console_errors.py", "python/radiofm/polled_run.py"),
        ("python/radiofm/runtime",),
        ("python/radiofm/recorder",),
        ("python/radiofm/blocks",),
        ("python/radiofm/receivers.py",),
        ("python/radiofm/live_sources.py",),
        ("python/radiofm/reconnecting",),
        (
            "python/radiofm/flowgraphs.py",
            "python/radiofm/sensor_flowgraph.py",
            "python/radiofm/__init__.py",
        ),
        ("python/radiofm_cli",),
        ("python/radiofm_cli/bench",),
        ("python/radiofm_cli/commands",),
        ("python/radiofm_cli/command.py",),
        ("python/radiofm_cli/__init__.py",),
        ("python/radiofm_cli/__main__.py",),
    ),
    "training": (
        ("python/radiofm_core",),
        # the blocks' own way from masks to emissions
        ("python/radiofm/runtime",),
        ("training/engine",),
        ("training/encoder", "training/waveforms"),
        ("training/segmentation", "training/activity"),
        ("training/tasks.py",),
        ("training/command.py",),
        ("training/study",),
        ("training",),
    ),
}
# Compiled: no file of Python
BINDINGS = "gnuradio.radiofm.radiofm_python"
GNU_RADIO = ("gnuradio", "pmt", "radiofm_cli")

# Run in a process of its own: GNU Radio is found by nobody
WITHOUT_GNU_RADIO = """
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("gnuradio", "pmt"):
            raise ImportError(f"{name} is not to be imported")

sys.meta_path.insert(0, Refuse())
import radiofm_core, radiofm_net, radiofm_sinks, radiofm_web
names = [m.name for p in (radiofm_core, radiofm_net, radiofm_sinks, radiofm_web)
         for m in pkgutil.walk_packages(p.__path__, p.__name__ + ".")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def module_of(path: str) -> str:
    """The name under which a file is imported; a package's ``__init__.py`` has the package's."""
    package, folder = next((p, f) for p, f in PACKAGES.items() if path.startswith(f + "/"))
    rest = path.removeprefix(folder).removesuffix(".py").removesuffix("/__init__")
    return package + rest.replace("/", ".")


@cache
def files() -> dict[str, str]:
    """All files of the packages, by their modules' names."""
    found = (p for folder in PACKAGES.values() for p in (ROOT / folder).rglob("*.py"))
    paths = (str(path.relative_to(ROOT)) for path in found)
    return {module_of(path): path for path in paths}


def imported_names(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import anywhere in a file of ``package``; of ``from a import b``
    it is a.b. A module's name that is given to a call, as to ``import_module``, counts too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) + 1 - node.level] if node.level else []
            base += [node.module] if node.module else []
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Call):
            for given in node.args:
                is_name = isinstance(given, ast.Constant) and isinstance(given.value, str)
                if is_name and "." in given.value and given.value in files():
                    yield node.lineno, given.value


def file_of(name: str) -> str | None:
    """The file that holds a dotted name, itself a module or a name in one; None of others'."""
    if name.startswith(BINDINGS):
        return None
    return files().get(name) or files().get(name.rpartition(".")[0])


@cache
def parsed(path: str) -> tuple[tuple[int, str], ...]:
    """The imports of a file, see :func:`imported_names`."""
    module = module_of(path)
    package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
    return tuple(imported_names(ast.parse((ROOT / path).read_text()), package))


def imports(path: str) -> Iterator[tuple[int, str]]:
    """(line, file) of each import of one of our own files."""
    for line, name in parsed(path):
        imported = file_of(name)
        if imported is not None and imported != path:
            yield line, imported


def files_of(tree: str) -> list[str]:
    """The files of ``python`` or ``training``."""
    return sorted(path for path in files().values() if path.startswith(tree + "/"))


def room_of(path: str, floors: tuple[tuple[str, ...], ...]) -> tuple[int, str] | None:
    """(floor, room) of a file, or None where it has none."""
    rooms = [(number, room) for number, floor in enumerate(floors) for room in floor]
    own = [(n, room) for n, room in rooms if path == room or path.startswith(room + "/")]
    return max(own, key=lambda found: len(found[1]), default=None)


def wrong_way(tree: str) -> list[str]:
    """Each import that leads up, to a neighbour, or out of a tree."""
    floors, faults = FLOORS[tree], []
    for path in files_of(tree):
        own = room_of(path, floors)
        assert own is not None, f"{path} is in no room: give it one in FLOORS"
        for line, imported in imports(path):
            other = room_of(imported, floors)
            if other is None or (other != own and other[0] >= own[0]):
                faults.append(f"{path}:{line} imports {imported}")
    return faults


TREES = ("python", "training")


@pytest.mark.parametrize("tree", TREES)
def test_imports_lead_downwards(tree):
    assert wrong_way(tree) == []


@pytest.mark.parametrize("tree", TREES)
def test_no_files_import_each_other_in_a_circle(tree):
    graph = {path: {imported for _, imported in imports(path)} for path in files_of(tree)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("tree", FLOORS)
def test_each_room_has_files_and_imports_are_found(tree):
    rooms = {room_of(path, FLOORS[tree]) for path in files().values()}
    for number, floor in enumerate(FLOORS[tree]):
        for room in floor:
            assert (number, room) in rooms, f"{room} in FLOORS holds no file"
    assert sum(1 for path in files_of(tree) for _ in imports(path)) > len(files_of(tree))


def test_the_core_names_no_gnu_radio():
    named = [
        f"{path}:{line} imports {name}"
        for path in files_of("python/radiofm_core")
        for line, name in parsed(path)
        if name.partition(".")[0] in GNU_RADIO
    ]
    assert named == []


def test_the_core_and_the_browser_view_are_imported_without_gnu_radio():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_GNU_RADIO], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 60


# as they are written: (in the package, the line, what it names)
@pytest.mark.parametrize(
    ("package", "line", "named"),
    [
        ("radiofm_core.csi", "from ..inference import Model", "radiofm_core.inference.Model"),
        ("radiofm_core.csi", "from . import spec", "radiofm_core.csi.spec"),
        ("training", "def f():\n    import training.engine.loop", "training.engine.loop"),
        ("radiofm_cli", "g('gnuradio.radiofm.flowgraphs')", "gnuradio.radiofm.flowgraphs"),
        ("radiofm_cli", "if TYPE_CHECKING:\n    from .blocks import x", "radiofm_cli.blocks.x"),
    ],
)
def test_each_way_to_import_is_read(package, line, named):
    assert [name for _, name in imported_names(ast.parse(line), package)] == [named]
