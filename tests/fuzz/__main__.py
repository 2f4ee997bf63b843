# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m fuzz TARGET [--seconds N] [--runs N]``: coverage-guided fuzzing of one target.

Goes on after an exception and keeps the first input of each kind in ``build/fuzz/TARGET``; a crash
of the interpreter, a hang or a lack of memory ends it. Exit code 0 if there was none of it.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
import warnings
from pathlib import Path
from random import Random
from types import ModuleType

import atheris

# What is looked at to find inputs that do something new
COVERED = ["radiofm_core", "training", "gnuradio.radiofm"]
FOLDER = Path("build/fuzz")
# CPU seconds; libFuzzer's own limit counts those of other processes as well
SLOW_S = 1.0
HANG_S = 25
MOST_MEMORY_MB = 2048
REAL_FILES = Path("../shared/data/csi/formats")


def main() -> None:
    """Fuzz the target that the arguments name."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("target")
    limits = parser.add_mutually_exclusive_group()
    limits.add_argument("--seconds", type=int, default=60)
    limits.add_argument("--runs", type=int)
    options = parser.parse_args()
    with atheris.instrument_imports(include=COVERED):
        from . import harness

        if options.target not in harness.target_names():
            parser.error(f"{options.target!r} is none of {', '.join(harness.target_names())}")
        target = harness.load_target(options.target)
    warnings.simplefilter("error")
    folder = FOLDER / options.target
    most = getattr(target, "MOST_BYTES", harness.MOST_BYTES)
    corpora = [_begin(folder, target, most), harness.CORPUS / options.target]
    faults = Faults(folder, target.run)
    limit = f"-runs={options.runs}" if options.runs else f"-max_total_time={options.seconds}"
    words = [
        *(sys.argv[0], limit, f"-max_len={most}", f"-timeout={HANG_S}", "-print_final_stats=1"),
        *(f"-rss_limit_mb={MOST_MEMORY_MB}", f"-artifact_prefix={folder}/"),
        *(str(path) for path in corpora if path.is_dir()),
    ]
    mutate = getattr(target, "mutate", None)
    if mutate is None:
        atheris.Setup(words, faults.run)
    else:

        def mutated(data: bytes, most: int, seed: int) -> bytes:
            return mutate(data, most, Random(seed), atheris.Mutate)[:most]

        atheris.Setup(words, faults.run, custom_mutator=mutated)
    atheris.Fuzz()


def _begin(folder: Path, target: ModuleType, most: int) -> Path:
    """The folder of inputs to begin with, and to add to: seeds, earlier inputs, earlier faults."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for kind in ("fault-*", "crash-*", "oom-*", "timeout-*"):
        for found in folder.glob(kind):
            found.rename(corpus / found.name)
    for name, content in {**target.seeds(), **_real_files(target, most)}.items():
        (corpus / f"seed-{name}").write_bytes(content)
    return corpus


def _real_files(target: ModuleType, most: int) -> dict[str, bytes]:
    """The beginnings of the real recordings that a target names, where they are."""
    paths = [REAL_FILES / name for name in getattr(target, "REAL_FILES", ())]
    return {path.name: path.read_bytes()[:most] for path in paths if path.is_file()}


class Faults:
    """Runs a target and keeps what goes wrong, one input of each kind."""

    def __init__(self, folder: Path, run):
        self._folder = folder
        self._run = run
        self._known: set[str] = set()

    def run(self, data: bytes) -> None:
        """Run one input."""
        start = time.process_time()
        try:
            self._run(data)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._keep(f"{type(error).__name__} {Path(place.filename).stem} {place.lineno}", data)
            return
        took = time.process_time() - start
        if took > SLOW_S:
            self._keep(f"slow {int(took)} s", data)

    def _keep(self, kind: str, data: bytes) -> None:
        if kind in self._known:
            return
        self._known.add(kind)
        path = self._folder / f"fault-{kind.replace(' ', '-')}"
        path.write_bytes(data)
        print(f"FAULT {kind}: kept in {path}", file=sys.stderr)
        traceback.print_exc()


if __name__ == "__main__":
    main()
