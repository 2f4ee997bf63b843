# SPDX-License-Identifier: GPL-3.0-or-later
"""Model bundles: one TorchScript ``.pt`` whose extra file ``radiofm.json`` says what it is.

The description is read and checked here, before any of the model's code is loaded by
:mod:`radiofm_core.inference`. ``training/export.py`` writes bundles.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path

from .errors import BundleError, UsageError, reason_of
from .fields import shown
from .model import BundleInfo, ClassInfo
from .tasks import ACTIVITY, DEFAULT, ENCODER, SEGMENTATION, TASKS

FORMAT_VERSION = 1
INFO_FILE = "radiofm.json"
TASK_SEGMENTATION, TASK_ENCODER, TASK_ACTIVITY = SEGMENTATION.name, ENCODER.name, ACTIVITY.name
MODELS_DIR = Path(__file__).parent / "models"
MAX_INFO_BYTES = 1 << 20
# A mask's pixel is a byte
MAX_CLASSES = 256
_COLOR = re.compile("#[0-9a-fA-F]{6}")

# The fields of INFO_FILE
_KINDS = {
    "name": str,
    "format_version": int,
    "task": str,
    "classes": list,
    "spec": dict,
    "spec_fingerprint": str,
    "precisions": list,
    "recipe": dict,
    "data_fingerprint": str,
    "git_revision": str,
    "licence": str,
    "metrics": dict,
    "provenance": dict,
}
# What is taken for what older bundles lack
_ABSENT = {"provenance": {}}


def bundled_models() -> list[Path]:
    """The models that come with the package, by name."""
    return sorted(MODELS_DIR.glob("*.pt"))


def find_model(name_or_path: str | os.PathLike = "default", task: str = DEFAULT.name) -> Path:
    """The file of a bundled model's name (``default``: the one for ``task``, or a stem in
    models/) or of a path.

    Raises BundleError if there is neither, UsageError for an unknown ``task`` and for what is no
    name.
    """
    if task not in TASKS:
        raise UsageError(f"task: expected one of {', '.join(TASKS)}, got {task!r}")
    try:
        text = os.fspath(name_or_path)
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise UsageError(f"model: expected a name or a file's path, got {shown(name_or_path)}")
    stem = TASKS[task].default_model if text in ("", "default") else text
    for path in bundled_models():
        if path.stem == stem:
            return path
    path = Path(text)
    if path.is_file():
        return path
    names = ", ".join(p.stem for p in bundled_models()) or "none"
    if text in ("", "default"):
        raise BundleError(
            f"no default model for {task!r} is bundled (bundled: {names}); name a model bundle"
        )
    raise BundleError(
        f"model {text!r} is neither a file nor a bundled model (bundled: {names}); "
        "give a model bundle's path or one of these names"
    )


def read_bundle_info(
    name_or_path: str | os.PathLike = "default", task: str | None = None
) -> BundleInfo:
    """Read and check a bundle's description without loading its model.

    Args:
        name_or_path: as for :func:`find_model`.
        task: what the model must be for; None: for anything.

    Raises:
        BundleError: not a bundle, corrupted, another format version or task, inconsistent
            fields.
        UsageError: an unknown task.
    """
    info = _read(find_model(name_or_path, task or DEFAULT.name))
    if task is not None and info.task != task:
        raise BundleError(
            f"{info.path} is a model for {info.task!r}, this needs one for {task!r}; "
            "`radiofm models` lists what there is"
        )
    return info


def _read(path: Path) -> BundleInfo:
    try:
        with zipfile.ZipFile(path) as archive:
            entry = _info_entry(archive, path)
            if entry.file_size > MAX_INFO_BYTES:
                raise BundleError(
                    f"{path}: {INFO_FILE} claims {entry.file_size} bytes, at most "
                    f"{MAX_INFO_BYTES} are allowed; this is not a radiofm bundle"
                )
            raw = json.loads(archive.read(entry))
            # half a character, which no file or terminal takes
            json.dumps(raw, ensure_ascii=False).encode()
    except BundleError:
        raise
    # also RecursionError, zlib.error, RuntimeError (encrypted): an archive can break its reader
    except Exception as error:
        raise BundleError(
            f"{path} is not a readable model bundle ({reason_of(error)}); export one with "
            "`python -m training.export` or use a bundled model"
        ) from error
    return _parse_info(raw, path)


def _info_entry(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    suffix = f"/extra/{INFO_FILE}"
    found = [i for i in archive.infolist() if i.filename.endswith(suffix)]
    if len(found) != 1:
        raise BundleError(
            f"{path} is a zip file without {INFO_FILE}: not a model bundle; export it with "
            "`python -m training.export` first"
        )
    return found[0]


def _classes(raw: list, least: int) -> tuple[ClassInfo, ...]:
    """Raises BundleError, KeyError or TypeError."""
    classes = tuple(ClassInfo(c["name"], c["color"]) for c in raw)
    for one in classes:
        if not (isinstance(one.name, str) and one.name and one.name.isprintable()):
            raise BundleError(f"class name: expected printable text, got {one.name!r}")
        if not (isinstance(one.color, str) and _COLOR.fullmatch(one.color)):
            raise BundleError(
                f"colour of {one.name!r}: expected one such as #23c4ff, got {one.color!r}"
            )
    most = MAX_CLASSES if least else 0
    if not least <= len(classes) <= most or len({one.name for one in classes}) < len(classes):
        raise BundleError(
            f"expected {least} to {most} classes of different names, got {len(classes)} classes"
        )
    return classes


def _parse_info(raw: object, path: Path) -> BundleInfo:
    if not isinstance(raw, dict):
        raise BundleError(f"{path}: {INFO_FILE} is not a JSON object; export the model again")
    raw = _ABSENT | raw
    for key, kind in _KINDS.items():
        if not isinstance(raw.get(key), kind):
            raise BundleError(
                f"{path}: {key!r} in {INFO_FILE}: expected {kind.__name__}, got "
                f"{shown(raw.get(key))}; "
                "export the model again"
            )
    if raw["format_version"] != FORMAT_VERSION:
        raise BundleError(
            f"{path} has bundle format {shown(raw['format_version'])}, this version reads "
            f"{FORMAT_VERSION}; export the model again or update radiofm"
        )
    if raw["task"] not in TASKS:
        raise BundleError(
            f"{path} is a model for the task {shown(raw['task'])}, this version knows "
            f"{', '.join(TASKS)}; update radiofm"
        )
    if not raw["precisions"] or not all(isinstance(p, str) for p in raw["precisions"]):
        raise BundleError(
            f"{path}: 'precisions' in {INFO_FILE}: expected a list of text; export it again"
        )
    try:
        classes = _classes(raw["classes"], int(TASKS[raw["task"]].has_classes))
        spec = TASKS[raw["task"]].spec.from_dict(raw["spec"])
    # whatever its numbers do to the spec's arithmetic
    except Exception as error:
        raise BundleError(
            f"{path}: wrong classes or spec in {INFO_FILE} ({reason_of(error)})"
        ) from error
    if spec.fingerprint != raw["spec_fingerprint"]:
        raise BundleError(
            f"{path}: spec fingerprint {shown(raw['spec_fingerprint'])} does not match its spec "
            f"({spec.fingerprint}); export the model again"
        )
    return BundleInfo(
        name=raw["name"],
        path=path,
        format_version=raw["format_version"],
        task=raw["task"],
        classes=classes,
        spec=spec,
        precisions=tuple(raw["precisions"]),
        recipe=raw["recipe"],
        data_fingerprint=raw["data_fingerprint"],
        git_revision=raw["git_revision"],
        licence=raw["licence"],
        metrics=raw["metrics"],
        provenance=raw["provenance"],
    )
