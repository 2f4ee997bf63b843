# SPDX-License-Identifier: GPL-3.0-or-later
"""Training on several hosts: two network namespaces joined by a cable, a ``torchrun`` in each."""

import contextlib
import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from own_data import make_recording

from training.engine import processes

ROOT = Path(__file__).parents[1]
STEPS, SAVED_AT, HELD_AT = 60, 20, 30
# One process adds up a batch's gradients in another order than two do, in float32 (7 digits), and
# 60 steps of AdamW carry that on; a batch of other frames or masks changes the loss by percents
ROUNDING = 1e-3
# Long enough for any machine: what is waited for are files and ends of processes
PATIENCE_S = 300


def ip(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(["ip", *words], capture_output=True, text=True)


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, str]]:
    """Addresses by the names of the namespaces, each of which sees the other and nothing else."""
    if shutil.which("ip") is None:
        pytest.skip("no network namespaces without the command ip (package iproute2)")
    addresses = {f"radiofm{os.getpid()}{side}": f"10.213.7.{n}" for n, side in ((1, "a"), (2, "b"))}
    first, second = addresses
    try:
        for name in addresses:
            made = ip("netns", "add", name)
            if made.returncode:
                pytest.skip(f"no network namespaces here ({made.stderr.strip()}); run as root")
        cable = ("type", "veth", "peer", "name", "cable", "netns", second)
        made = ip("link", "add", "cable", "netns", first, *cable)
        if made.returncode:
            pytest.skip(f"namespaces cannot be joined here ({made.stderr.strip()})")
        for name, address in addresses.items():
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield addresses
    finally:
        for name in addresses:
            ip("netns", "del", name)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    for seed in range(6):
        make_recording(folder / f"r{seed}", seed)
    return folder


def write_recipe(folder: Path, recordings: Path, accumulate: int = 1) -> Path:
    """Pre-training of a small model on the recordings, in ``folder``/runs."""
    source = {"recordings": str(recordings), "rows": 64}
    fields = {
        "name": "hosts",
        "seed": 1,
        "folder": "runs",
        "benchmark": None,
        "model": {"kind": "patch", "dim": 24, "depth": 1, "heads": 2, "stem_widths": [4, 8],
                  "decoder_dim": 8, "decoder_depth": 1, "decoder_heads": 2},
        "data": {"train": source, "validation": source | {"share": 0.25}},
        "pretrain": {"steps": STEPS, "batch": 4, "accumulate": accumulate, "warmup": 5,
                     "precision": "fp32", "watch_every": STEPS},
        "finetune": {"steps": 1, "batch": 2},
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(fields))
    return path


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *sys.path])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **more}


def start(
    hosts: dict[str, str], recipe: Path, folders: tuple[Path, Path] | None = None, **more: str
) -> list[subprocess.Popen]:
    """The two torchruns, each in its namespace, working in ``folders``."""
    meeting = f"{next(iter(hosts.values()))}:29511"
    started = []
    for number, (name, address) in enumerate(hosts.items()):
        words = [
            *("ip", "netns", "exec", name, sys.executable, "-m", "torch.distributed.run"),
            *("--nnodes=2", f"--node-rank={number}", "--nproc-per-node=1"),
            *(f"--master-addr={meeting.split(':')[0]}", f"--master-port={meeting.split(':')[1]}"),
            *(f"--local-addr={address}", ROOT / "tests/host_run.py", "--recipe", recipe),
        ]
        folder = folders[number] if folders else recipe.parent
        started.append(
            subprocess.Popen(
                [str(word) for word in words],
                cwd=folder,
                env=environment(GLOO_SOCKET_IFNAME="cable", **more),
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return started


def stop(process: subprocess.Popen) -> None:
    """Kill a torchrun and its worker, which is in a process group of its own."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in found.stdout.splitlines()]
    for number in (process.pid, *(child for child, parent in pairs if parent == process.pid)):
        with contextlib.suppress(ProcessLookupError):  # it may have ended
            os.kill(number, signal.SIGKILL)


def ended(process: subprocess.Popen) -> tuple[int, list[str]]:
    """Exit status, and the lines that a torchrun and its worker wrote."""
    try:
        _, errors = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        stop(process)
        pytest.fail(f"it hangs:\n{process.communicate()[1][-3000:]}")
    return process.returncode, errors.splitlines()


def held_process(path: Path, processes: list[subprocess.Popen]) -> int:
    """Wait until a worker says that it is held; returns its number."""
    end = time.monotonic() + PATIENCE_S
    while not path.exists():
        if time.monotonic() > end or any(p.poll() is not None for p in processes):
            for process in processes:
                stop(process)
            pytest.fail("\n".join(p.communicate()[1][-3000:] for p in processes))
        time.sleep(0.05)
    return int(path.read_text())


def curve(recipe: Path) -> dict[int, float]:
    """Losses by step."""
    with (recipe.parent / "runs/hosts/pretrain.csv").open(newline="") as file:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file) if row["loss"]}


def weights(recipe: Path) -> dict[str, torch.Tensor]:
    return torch.load(recipe.parent / "runs/hosts/pretrain.pt")["weights"]


def errors_of(lines: list[str]) -> list[str]:
    """The lines of the training itself; torchrun tells more in its own words."""
    return [line for line in lines if line.startswith("error: ")]


@pytest.fixture(scope="module")
def undisturbed(hosts, recordings, tmp_path_factory) -> Path:
    """The recipe of a training on two hosts that nothing happened to."""
    recipe = write_recipe(tmp_path_factory.mktemp("undisturbed"), recordings)
    for process in start(hosts, recipe):
        status, lines = ended(process)
        assert status == 0, lines
    return recipe


def test_two_hosts_learn_as_one_process_does(undisturbed, recordings, tmp_path):
    alone = write_recipe(tmp_path / "alone", recordings, accumulate=2)
    subprocess.run(
        [sys.executable, ROOT / "tests/host_run.py", "--recipe", alone],
        cwd=alone.parent,
        env=environment(),
        check=True,
        capture_output=True,
    )
    ours, theirs = curve(undisturbed), curve(alone)
    assert list(ours) == list(theirs) == [20, 40, 60]
    assert ours == pytest.approx(theirs, rel=ROUNDING)
    assert ours[60] < 0.9 * ours[20]


@pytest.mark.parametrize("lost", [0, 1])
def test_a_killed_worker_ends_the_other_one_and_both_go_on(
    hosts, undisturbed, recordings, tmp_path, lost
):
    recipe, mark = write_recipe(tmp_path / "killed", recordings), tmp_path / "held"
    started = start(hosts, recipe, HELD=f"{lost} {HELD_AT} {mark}")
    worker = held_process(mark, started)
    if lost == 0:  # the whole host, with the meeting point
        stop(started[0])
    else:
        os.kill(worker, signal.SIGKILL)
    (_, words), (status, lines) = ended(started[lost]), ended(started[1 - lost])
    assert not errors_of(words) and status != 0
    [line] = errors_of(lines)
    assert f"process {1 - lost} of 2 has lost another one" in line and "again" in line
    # nothing but the line: no traceback of the training, only torchrun's own
    assert not any("training/" in line for line in lines)
    saved = torch.load(recipe.parent / "runs/hosts/pretrain.resume.ckpt", weights_only=True)
    assert saved["global_step"] == SAVED_AT and list(curve(recipe)) == [20]
    for process in start(hosts, recipe):
        status, lines = ended(process)
        assert status == 0, lines
    assert curve(recipe) == curve(undisturbed)
    ours, theirs = weights(recipe), weights(undisturbed)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)
    assert not list(tmp_path.rglob("*.resume.ckpt"))


def test_a_host_that_falls_silent_is_missed(hosts, recordings, tmp_path):
    recipe, mark = write_recipe(tmp_path / "silent", recordings), tmp_path / "held"
    started = start(hosts, recipe, HELD=f"1 {HELD_AT} {mark}", MISSED_S="5")
    held_process(mark, started)
    first = next(iter(hosts))
    ip("-n", first, "link", "set", "cable", "down")  # no packet tells that the other is gone
    try:
        status, lines = ended(started[0])
    finally:
        stop(started[1])
        ended(started[1])
        ip("-n", first, "link", "set", "cable", "up")
    assert status != 0
    [line] = errors_of(lines)
    assert "process 0 of 2 has lost another one" in line and "cannot be reached" in line


def test_hosts_without_a_common_folder_are_refused_before_training(hosts, recordings, tmp_path):
    recipe = write_recipe(tmp_path / "first", recordings)
    (tmp_path / "second").mkdir()
    started = start(hosts, recipe, folders=(tmp_path / "first", tmp_path / "second"))
    for process in started:
        status, lines = ended(process)
        [line] = errors_of(lines)
        assert status != 0 and "runs/hosts is not one folder for all hosts" in line
        assert "1 of 2 processes" in line
    assert not (tmp_path / "first/runs/hosts/pretrain.csv").exists()


@pytest.mark.parametrize(
    "words", ["Application timeout caused pair closure", "Connection closed by peer [10.0.0.2]:1"]
)
def test_what_pytorch_says_of_a_host_that_is_gone_is_known(monkeypatch, words):
    monkeypatch.setattr(processes, "world", lambda: 2)
    lost = pytest.raises(processes.LostProcessError, match="has lost another one")
    with lost, processes.missing():
        raise RuntimeError(words)
    with pytest.raises(RuntimeError, match="shape"), processes.missing():
        raise RuntimeError("shape")
