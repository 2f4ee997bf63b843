# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm doctor``: it knows every package that a command or an output may ask for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from radiofm_cli import checks
from radiofm_cli.parts import PARTS, Part
from radiofm_core.installation import PACKAGES, how_to_install, package_of

ROOT = Path(__file__).parent.parent
# Where they are imported, Python can do without: the checks of checks.py are about them
ALWAYS_NEEDED = {"numpy", "torch", "scipy", "matplotlib", "tqdm", "gnuradio", "pmt"}
OURS = {"radiofm_cli", "radiofm_core", "radiofm_net", "radiofm_qt", "radiofm_sinks", "radiofm_web"}
# Runs the command where modules cannot be imported
WITHOUT = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
from radiofm_cli import main
sys.exit(main(sys.argv[2:]))
"""


def radiofm_without(modules: set[str], *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, ",".join(sorted(modules)), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


def imported() -> set[str]:
    """The packages of others that files in python/ import anywhere."""
    found = set()
    for path in (ROOT / "python").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - OURS - {"compression"}


def test_doctor_looks_at_every_package_that_is_imported_anywhere():
    looked_at = {module.partition(".")[0] for part in PARTS for module in part.modules}
    # Dask's own package is one with its scheduler's
    assert imported() - ALWAYS_NEEDED - looked_at == {"dask"}
    assert imported() - {"pmt"} <= {module.partition(".")[0] for module in PACKAGES}


def test_doctor_tells_what_is_missing_what_for_and_what_to_do():
    optional = {module.partition(".")[0] for part in PARTS for module in part.modules}
    # part of newer Pythons, a package of others in older ones
    of_others = {"compression"} - set(sys.stdlib_module_names)
    done = radiofm_without(optional | of_others, "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = {line[9:].partition("  ")[0].strip(): line for line in done.stdout.splitlines()}
    for part in PARTS:
        line = lines[part.name]
        if part.instead and part.instead.partition(".")[0] in sys.stdlib_module_names:
            assert line.startswith("ok")
            continue
        assert line.startswith("missing") and part.use in line
        assert how_to_install(*part.modules) in line
    assert "no faults found" in done.stdout


def test_doctor_tells_the_versions_of_what_is_there():
    for part in PARTS:
        if part.missing():
            continue
        outcome, text = checks.check_part(part)
        assert outcome is checks.Outcome.GOOD and part.use in text
        if not part.instead:
            assert all(package_of(module).name in text for module in part.modules)


def test_a_module_that_breaks_as_it_is_imported_is_missing(tmp_path, monkeypatch):
    (tmp_path / "built_for_another.py").write_text("raise AttributeError('_ARRAY_API not found')")
    monkeypatch.syspath_prepend(tmp_path)
    outcome, text = checks.check_part(Part("x", ("built_for_another",), "this and that"))
    assert outcome is checks.Outcome.OPTIONAL
    assert text.startswith("no this and that (_ARRAY_API not found); run")


def test_doctor_tells_of_a_zeromq_without_keys(monkeypatch):
    (part,) = (part for part in PARTS if "zmq" in part.modules)
    monkeypatch.setattr("zmq.has", lambda capability: capability != "curve")
    outcome, text = checks.check_part(part)
    assert outcome is checks.Outcome.OPTIONAL and "without CURVE" in text


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("yaml", ("watch", "--config", "x.yaml")),
        ("jsonschema", ("events", "x.jsonl")),
    ],
)
def test_what_needs_a_missing_package_says_so_in_one_line(tmp_path, module, arguments):
    words = [str(tmp_path / word) if "." in word else word for word in arguments]
    Path(words[-1]).write_text("{}\n")
    done = radiofm_without({module}, *words)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and package_of(module).name in line
    assert how_to_install(module) in line
