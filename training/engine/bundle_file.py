# SPDX-License-Identifier: GPL-3.0-or-later
"""Model bundles as files: TorchScript and ``radiofm.json``, written, told scores, taken apart."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from radiofm_core.archive_check import check_archive
from radiofm_core.bundle import FORMAT_VERSION, INFO_FILE, BundleInfo, ClassInfo, read_bundle_info
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import BundleError, UsageError
from radiofm_core.inference import load_bundle
from radiofm_core.model import Model
from radiofm_core.spectrum.spec import SpectrogramSpec

from .recipe import RecipeBase
from .revision import git_revision

PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class Origin:
    """Where weights come from.

    ``data_fingerprint``: of the data that they were trained on. ``provenance``: what a bundle says
    of them, if the recipe did not train them at this revision.
    """

    data_fingerprint: str
    provenance: dict = field(default_factory=dict)


def export_scored(
    recipe: RecipeBase,
    classes: tuple[ClassInfo, ...],
    model: nn.Module,
    origin: Origin,
    metrics: dict,
    score: Callable[[Model], dict],
) -> Path:
    """Write ``<name>.pt`` in the recipe's run folder, load that file in each precision that it
    offers, ``score`` what was loaded, and write the scores into it, below ``metrics``; returns its
    path."""
    path = export_bundle(
        recipe.run_folder / f"{recipe.name}.pt",
        model,
        recipe.spec,
        recipe.name,
        recipe.to_dict(),
        origin.data_fingerprint,
        {},
        recipe.task,
        classes,
        origin.provenance,
    )
    found = {}
    for precision in PRECISIONS:
        print(f"{path} in {precision}")
        found[precision] = score(load_bundle(path, "cpu", precision, recipe.task))
    set_metrics(path, metrics | found)
    print(f"wrote {path}")
    return path


def export_bundle(
    path: str | os.PathLike,
    model: nn.Module,
    spec: SpectrogramSpec | CsiSpec,
    name: str,
    recipe: dict,
    data_fingerprint: str,
    metrics: dict,
    task: str,
    classes: tuple[ClassInfo, ...],
    provenance: dict | None = None,
) -> Path:
    """Script ``model`` and write the bundle, its weights as float16; returns its path.

    ``model.forward`` is what :mod:`radiofm_core.inference` calls for ``task``. The file appears
    under its name only when it is whole. ``provenance``: see :class:`Origin`.
    """
    path = Path(path)
    info = {
        "name": name,
        "format_version": FORMAT_VERSION,
        "task": task,
        "classes": [asdict(info) for info in classes],
        "spec": spec.to_dict(),
        "spec_fingerprint": spec.fingerprint,
        "precisions": list(PRECISIONS),
        "recipe": recipe,
        "data_fingerprint": data_fingerprint,
        "git_revision": git_revision(),
        "licence": "GPL-3.0-or-later",
        "metrics": metrics,
    }
    if provenance:
        info["provenance"] = provenance
    scripted = torch.jit.script(copy.deepcopy(model).eval().cpu()).half()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    torch.jit.save(scripted, str(part), _extra_files={INFO_FILE: json.dumps(info, indent=1)})
    # TorchScript's debugging records hold paths of this machine
    _rewrite(part, lambda name, data: None if name.endswith(".debug_pkl") else data)
    part.replace(path)
    return path


def set_metrics(path: Path, metrics: dict) -> None:
    """Write ``metrics`` into a bundle; the model stays as it is, byte by byte."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(path.read_bytes())

    def entry(name: str, data: bytes) -> bytes:
        if not name.endswith(f"/extra/{INFO_FILE}"):
            return data
        return json.dumps(json.loads(data) | {"metrics": metrics}, indent=1).encode()

    _rewrite(part, entry)
    part.replace(path)


def _rewrite(bundle: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Put ``change(name, content)`` in place of each entry; None leaves it out."""
    other = bundle.with_name(bundle.name + ".new")
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(other, "w") as new:
        for entry in old.infolist():
            content = change(entry.filename, old.read(entry))
            if content is not None:
                new.writestr(zipfile.ZipInfo(entry.filename), content)
    other.replace(bundle)


def digest_of_bundle(info: BundleInfo) -> str:
    """16 hexadecimal digits that change with any byte of a bundle."""
    return hashlib.sha256(info.path.read_bytes()).hexdigest()[:16]


def weights_of(info: BundleInfo) -> dict[str, Tensor]:
    """Those of a bundle's model, by name; raises BundleError where it cannot be loaded."""
    try:
        check_archive(info.path)
        return torch.jit.load(str(info.path), map_location="cpu").state_dict()
    except Exception as error:  # as in load_bundle
        raise BundleError(f"{info.path}: the model inside cannot be loaded; export it again") from (
            error
        )


def take_weights(model: nn.Module, recipe: RecipeBase, bundle: str) -> Origin:
    """Put the weights and the calibration of a ``bundle`` into the recipe's ``model``.

    Raises:
        BundleError: no readable model bundle for the recipe's task.
        UsageError: of another spec or network.
    """
    info = read_bundle_info(bundle, recipe.task)
    if info.spec.fingerprint != recipe.spec.fingerprint:
        raise UsageError(
            f"{info.path} has spec {info.spec.fingerprint}, recipe {recipe.name} has "
            f"{recipe.spec.fingerprint}; take a bundle of the same spec"
        )
    # Scripting keeps buffers that a state dict leaves out.
    weights = {k: v.float() for k, v in weights_of(info).items() if k in model.state_dict()}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"{info.path} holds another network than recipe {recipe.name}; "
            "set `model` and `classes` as they are there"
        ) from error
    provenance = {
        "weights": f"from the bundle {info.name}, not retrained",
        "weights_git_revision": info.git_revision,
        "weights_recipe": info.recipe,
        "weights_provenance": info.provenance,
    }
    return Origin(info.data_fingerprint, provenance)
