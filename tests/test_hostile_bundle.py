# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles made to do harm are refused in one line, before their code runs, in little memory."""

import json
import os
import pickle
import subprocess
import sys
import zipfile

import pytest
import torch
from hostile_messages import ABSURD
from torch import nn

from radiofm_core.bundle import read_bundle_info
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import BundleError
from radiofm_core.inference import load_bundle
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.engine.bundle_file import export_bundle
from training.segmentation.classes import DEFAULT

LONG = b"\x8a\x08" + (2_500_000_000).to_bytes(8, "little")
# (4 elements, stride 1) of the tensor below, as TorchScript writes it
SHAPE = b"(K\x04t(K\x01t"
LONGEST = 300
MOST_MB = 300


class Weights(nn.Module):
    """Four weights, and an answer of another shape than a model's."""

    def __init__(self, answer: str = "mask"):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))
        self.answer = answer

    def forward(self, x: torch.Tensor, resolution: torch.Tensor):
        mask = torch.zeros_like(x[:, 0])
        if self.answer == "rows":
            mask = mask[:, :3]
        return mask.to(torch.uint8), mask


class Lone(nn.Module):
    """Answers one tensor where two are due."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x: torch.Tensor, resolution: torch.Tensor):
        return x


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def export(path, model=None, task="spectrogram-segmentation", spec=None):
    return export_bundle(
        path,
        model or Weights(),
        spec or SpectrogramSpec(),
        "small",
        {},
        "none",
        {},
        task,
        DEFAULT.infos,
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return export(tmp_path_factory.mktemp("bundle") / "good.pt")


def changed(source, target, change, packed=False, more=()):
    """A copy whose entries went through ``change(name, data)``, with ``more`` entries."""
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", kind) as new:
        for item in old.infolist():
            new.writestr(item.filename, change(item.filename, old.read(item)))
        for name, data in more:
            new.writestr(name, data)
    return target


def in_file(end, new):
    """A change of the entries whose names end so: to bytes, or by a function."""

    def change(name, data):
        if not name.endswith(end):
            return data
        return new(data) if callable(new) else new

    return change


def overlapping(source, target):
    """An archive whose directory lists its largest entry a thousand times over."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for item in old.infolist():
            new.writestr(item.filename, old.read(item))
        entry = max(new.infolist(), key=lambda item: item.file_size)
        for number in range(1000):
            again = zipfile.ZipInfo(f"{entry.filename}{number}")
            for field in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(again, field, getattr(entry, field))
            new.filelist.append(again)
            new.NameToInfo[again.filename] = again
        new._didModify = True
    return target


def hostile_archives(good, folder):
    """(file, words of its refusal) of each kind."""
    zeros = bytes(400_000_000)

    def path(name):
        return folder / f"{name}.pt"

    def same(name, data):
        return data

    pickled = {
        "names": (pickle.dumps(Touch(folder / "ran"), 2), "posix"),
        "nested": (b"\x80\x02" + b"(" * 10**6 + b"t" * 10**6 + b".", "deep"),
        "text": (b"\x80\x02X\xff\xff\xff\x7fabc.", "loaded"),
        "memo": (b"\x80\x02Nr\xff\xff\xff\x7fh\x00.", "loaded"),
        "array": (b"\x80\x05\x96" + (1 << 40).to_bytes(8, "little") + b".", "loaded"),
        "empty": (b"", "loaded"),
    }
    for name, (data, words) in pickled.items():
        yield changed(good, path(name), in_file("data.pkl", data)), words
        yield changed(good, path(f"c_{name}"), in_file("constants.pkl", data)), words
    for name, shape, words in (
        ("tensor", b"(" + LONG + b"t(K\x01t", "2500000000"),
        ("spread", b"(" + LONG + b"t(K\x00t", "2500000000"),
        ("negative", b"(J\xff\xff\xff\xfft(K\x01t", "-1"),
    ):
        change = in_file("data.pkl", lambda data, shape=shape: data.replace(SHAPE, shape))
        yield changed(good, path(name), change), words
    bomb = in_file("data/0", zeros)
    yield changed(good, path("bomb"), bomb, packed=True), "packed"
    yield (
        changed(good, path("more"), same, packed=True, more=[("good/extra/x", bytes(9))]),
        "packed",
    )
    yield overlapping(good, path("overlap")), "claim"
    for name in ("../../x/extra/y", "/tmp/x", "other/x", "good/../../x", "x"):
        yield changed(good, path(f"n{len(name)}"), same, more=[(name, b"x")]), "loaded"
    for name, text in (
        ("array", "[" * 100_000),
        ("object", '{"a":' * 100_000 + "1" + "}" * 100_000),
        ("digits", "1" * 100_000),
        ("long", "[" + "1," * 10**7 + "1]"),
        ("unicode", "\ud800"),
    ):
        data = text.encode(errors="surrogatepass")
        yield changed(good, path(f"j_{name}"), in_file("radiofm.json", data)), "bundle"


LOAD_ALL = """
import json, resource, sys
from pathlib import Path
from radiofm_core.inference import load_bundle
from radiofm_core.errors import BundleError
load_bundle({good!r}, "cpu")
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limit = used + {most_mb} * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in json.load(sys.stdin):
    try:
        load_bundle(path, "cpu")
        print("accepted", flush=True)
    except BundleError as error:
        print(json.dumps(str(error)), flush=True)
"""


def test_archives_that_lie_are_refused_in_little_memory(good, tmp_path):
    cases = list(hostile_archives(good, tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL.format(good=str(good), most_mb=MOST_MB)],
        input=json.dumps([str(path) for path, _ in cases]),
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(cases), done.stderr + str(cases[len(lines)][0])
    for line, (path, words) in zip(lines, cases, strict=True):
        told = json.loads(line) if line != "accepted" else line
        assert path.name in told and words in told, (path.name, told)
        assert "\n" not in told and len(told.replace(str(path), "")) < LONGEST
    assert not (tmp_path / "ran").exists()


def spoilt_infos(info: dict):
    """Descriptions in which one value, at any depth, is another one."""
    for key, value in info.items():
        for other in (*[v for v in ABSURD if not hasattr(v, "dtype")], "x\ny" * 100_000):
            yield {**info, key: other}
        if isinstance(value, dict):
            for inner in spoilt_infos(value):
                yield {**info, key: inner}
    for other in ([{}], [{"name": 1}], [[]], [{"name": "x" * 10**5, "color": []}], [None] * 9):
        yield {**info, "classes": other}


@pytest.mark.parametrize(
    ("task", "spec"),
    [("spectrogram-segmentation", SpectrogramSpec()), ("csi-activity", CsiSpec())],
)
def test_descriptions_of_any_kind_are_read_or_refused_in_one_line(tmp_path, task, spec):
    whole = export(tmp_path / "whole.pt", task=task, spec=spec)
    with zipfile.ZipFile(whole) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("radiofm.json"))
        info = json.loads(archive.read(name))
    refused, spoilt = 0, list(spoilt_infos(info))
    for one in spoilt:
        with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
            archive.writestr(name, json.dumps(one))
        try:
            read_bundle_info(tmp_path / "x.pt")
        except BundleError as error:
            refused += 1
            told = str(error).replace(str(tmp_path), "")
            assert "\n" not in told and len(told) < LONGEST, told[:LONGEST]
    assert refused > 0.7 * len(spoilt)


@pytest.mark.parametrize(("model", "told"), [(Weights("rows"), "(1, 3, 256)"), (Lone(), "fails")])
def test_code_that_does_not_fit_is_refused_when_the_block_is_made(tmp_path, model, told):
    from gnuradio import radiofm

    path = export(tmp_path / "other.pt", model)
    with pytest.raises(BundleError) as caught:
        radiofm.spectrogram_segmenter(str(path))
    assert told in str(caught.value) and path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_good_bundle_passes(good):
    assert load_bundle(good, "cpu").info.name == "small"
