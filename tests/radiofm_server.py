# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that has imported what ``radiofm`` needs, and forks for each command of the tests.

The imports (PyTorch, matplotlib, GNU Radio) take seconds, most commands of the tests nothing
beside. Each line on standard input is a job as JSON, see :func:`radiofm_command.radiofm`; the
answers are the child's process number, and how it ended.
"""

import atexit
import importlib
import json
import os
import resource
import signal
import sys
import warnings

import stopped_radiofm

# from Python 3.12 on: libraries hold threads of their own, which a child does without
warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)


def preload() -> None:
    """What the commands import at last when they run."""
    for module in (
        "matplotlib.backends.backend_agg",
        "radiofm_cli.command",
        "radiofm_core.inference",
        "radiofm_core.outputs.activity_results",
        "radiofm_core.outputs.results",
    ):
        importlib.import_module(module)
    from radiofm_cli import blocks

    blocks.import_flowgraphs()


def next_job() -> dict | None:
    """In a child: its job. In this process: None, at the end of the input."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return json.loads(line)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return None


def take_over(job: dict) -> None:
    """Make this process what a shell would have started."""
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, job["stdout"], os.O_WRONLY),
        (2, job["stderr"], os.O_WRONLY),
    ):
        file = os.open(path, flags)
        os.dup2(file, number)
        os.close(file)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    if job["limit_file_size"]:
        # ignored, the signal becomes the error EFBIG of a write
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit_file_size"],) * 2)
    if job["stop"]:
        stopped_radiofm.watch(*job["stop"])


def run(arguments: list[str]) -> int:
    """The exit code of the command, with all that it printed written."""
    from radiofm_cli import main

    try:
        code = main(arguments)
    except SystemExit as end:
        # argparse's
        code = end.code
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code or 0


if __name__ == "__main__":
    preload()
    job = next_job()
    if job is not None:
        take_over(job)
        # not through the exit of C++: GNU Radio's waits for threads that a fork leaves behind
        os._exit(run(job["arguments"]))
