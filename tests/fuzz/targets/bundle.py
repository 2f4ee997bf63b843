# SPDX-License-Identifier: GPL-3.0-or-later
"""Model bundles: the archive and the description in it."""

import argparse
import contextlib
import io
import json
import zipfile

from fuzz import archive, json_tree
from fuzz.harness import may_refuse, written
from radiofm_cli.commands import models
from radiofm_core.bundle import INFO_FILE
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import BundleError
from radiofm_core.spectrum.spec import SpectrogramSpec


def seeds() -> dict[str, bytes]:
    """A bundle of each task, without a model."""
    texts = {
        "segmenter": described("spectrogram-segmentation", SpectrogramSpec()),
        "activity": described("csi-activity", CsiSpec()),
    }
    packed = {name: pack(text) for name, text in texts.items()}
    members = [("x/data.pkl", b"..."), (f"x/extra/{INFO_FILE}", texts["activity"])]
    return packed | {"compressed": archive.pack(members, zipfile.ZIP_DEFLATED)}


def described(task: str, spec) -> bytes:
    """A description as ``training.export`` writes it."""
    fields = {
        "name": "x",
        "format_version": 1,
        "task": task,
        "classes": [{"name": "noise", "color": "#000000"}, {"name": "lte", "color": "#23c4ff"}],
        "spec": spec.to_dict(),
        "spec_fingerprint": spec.fingerprint,
        "precisions": ["fp32"],
        "recipe": {"finetune": {"epochs": 3}, "seed": 1},
        "data_fingerprint": "0",
        "git_revision": "0",
        "licence": "GPL-3.0-or-later",
        "metrics": {
            "fp32": {"validation": {"mean_iou": 0.9, "iou": {"lte": 0.9}}},
            "benchmark": {"name": "b", "whole": {"all": {"accuracy": 0.9, "recall": {"lte": 1}}}},
        },
        "provenance": {"weights": "elsewhere", "changed": {"head": None}},
    }
    return json.dumps(fields).encode()


def pack(text: bytes) -> bytes:
    """A bundle's archive around a description."""
    return archive.pack([(f"x/extra/{INFO_FILE}", text)])


def _terminal() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


mutate = archive.mutator(json_tree.mutate)


def run(data: bytes) -> None:
    """Show what is in it, as ``radiofm models`` does."""
    path = written("x.pt", data)
    for as_json in (False, True):
        options = argparse.Namespace(models=[path], json=as_json)
        with may_refuse(BundleError), contextlib.redirect_stdout(_terminal()):
            models.run(options)
