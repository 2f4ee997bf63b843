# SPDX-License-Identifier: GPL-3.0-or-later
"""The native core, built with the address and undefined-behaviour sanitizers: no find may come."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build/sanitize"
SANITIZERS = "address,undefined,float-cast-overflow"
# Random inputs for each program of tests/native, the same ones each time
INPUTS = {
    "spec": 20_000,
    "clock": 20_000,
    "groups": 20_000,
    "evidence": 2_000,
    "formats": 20_000,
    "kernel": 2_000,
    "blocks": 200,
    "pipe": 3_000,
    "store": 300,
}
FLOWGRAPHS = ("tests/test_framer_input.py", "tests/test_recording_source.py")
# What has no samples to go wrong with, or waits for seconds
NOT_HERE = "not (parallel or endless or stops_at_once or slow_taker)"


def run(*command, **environment) -> str:
    """What a command printed; its failure is the test's."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


@pytest.fixture(scope="module")
def build() -> Path:
    """The folder with the library and the programs."""
    run(
        *("cmake", "-S", ".", "-B", BUILD, "-G", "Ninja", "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -g1"),
        f"-DRADIOFM_SANITIZE={SANITIZERS}",
    )
    run("cmake", "--build", BUILD, "--target", "gnuradio-radiofm", "native_checks")
    return BUILD


@pytest.mark.parametrize("program", INPUTS)
def test_hostile_inputs_find_nothing(build, program):
    count = INPUTS[program]
    # leaks are looked for where a debugger may look at a process, which not all containers allow
    options = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    out = run(build / f"tests/native/native_{program}", count, **options)
    assert f"{count} inputs" in out


def test_real_flowgraphs_find_nothing(build):
    compiler = os.environ.get("CXX", "c++")
    runtime = run(compiler, "-print-file-name=libasan.so").strip()
    library = next((build / "gr-radiofm/lib").glob("libgnuradio-radiofm.so.*.*.*"))
    # Python keeps memory until its end
    options = {"LD_PRELOAD": f"{runtime} {library}", "ASAN_OPTIONS": "detect_leaks=0"}
    look = "from gnuradio import radiofm; print(open('/proc/self/maps').read())"
    mapped = set(run(sys.executable, "-c", look, **options).split())
    assert [path for path in mapped if "libgnuradio-radiofm" in path] == [str(library.resolve())]
    out = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("-k", NOT_HERE, *FLOWGRAPHS),
        **options,
    )
    assert " passed" in out and "failed" not in out
