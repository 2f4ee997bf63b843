# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading model bundles: one TorchScript ``.pt`` whose extra file ``radiofm.json`` says what it is.

Nothing is unpickled outside TorchScript's own restricted archive reader, and the description is
read and checked before any of the model's code is loaded. ``training/export.py`` writes bundles.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import BundleError, UsageError
from .spec import SpectrogramSpec

FORMAT_VERSION = 1
INFO_FILE = "radiofm.json"
TASK_SEGMENTATION = "spectrogram-segmentation"
MODELS_DIR = Path(__file__).parent / "models"
DEFAULT_MODEL = "segmenter-vit-tiny"
MAX_INFO_BYTES = 1 << 20
PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class ClassInfo:
    """A class of pixels: its name in messages and its colour (``#rrggbb``) in pictures."""

    name: str
    color: str


@dataclass(frozen=True)
class BundleInfo:
    """What a bundle says of itself (``radiofm.json``)."""

    name: str
    path: Path
    format_version: int
    task: str
    classes: tuple[ClassInfo, ...]
    spec: SpectrogramSpec
    precisions: tuple[str, ...]
    recipe: dict
    data_fingerprint: str
    git_revision: str
    licence: str
    metrics: dict = field(default_factory=dict)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes' names in mask order."""
        return tuple(c.name for c in self.classes)


_REQUIRED = {
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
}


def bundled_models() -> list[Path]:
    """The models that come with the package, by name."""
    return sorted(MODELS_DIR.glob("*.pt"))


def find_model(name_or_path: str | os.PathLike = "default") -> Path:
    """The file of a bundled model's name (``default``, or a stem in models/) or of a path.

    Raises BundleError if there is neither.
    """
    text = os.fspath(name_or_path)
    stem = DEFAULT_MODEL if text in ("", "default") else text
    for path in bundled_models():
        if path.stem == stem:
            return path
    path = Path(text)
    if path.is_file():
        return path
    names = ", ".join(p.stem for p in bundled_models()) or "none"
    raise BundleError(
        f"model {text!r} is neither a file nor a bundled model (bundled: {names}); "
        "give a model bundle's path or one of these names"
    )


def read_bundle_info(name_or_path: str | os.PathLike = "default") -> BundleInfo:
    """Read and check a bundle's description without loading its model.

    Raises BundleError: not a bundle, corrupted, another format version, inconsistent fields.
    """
    path = find_model(name_or_path)
    try:
        with zipfile.ZipFile(path) as archive:
            entry = _info_entry(archive, path)
            if entry.file_size > MAX_INFO_BYTES:
                raise BundleError(
                    f"{path}: {INFO_FILE} claims {entry.file_size} bytes, at most "
                    f"{MAX_INFO_BYTES} are allowed; this is no radiofm bundle"
                )
            raw = json.loads(archive.read(entry))
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise BundleError(
            f"{path} is not a readable model bundle ({error}); export one with "
            "`python -m training.export` or use a bundled model"
        ) from error
    return _parse_info(raw, path)


def _info_entry(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    suffix = f"/extra/{INFO_FILE}"
    found = [i for i in archive.infolist() if i.filename.endswith(suffix)]
    if len(found) != 1:
        raise BundleError(
            f"{path} is a zip file without {INFO_FILE}: a foreign model; export it with "
            "`python -m training.export` first"
        )
    return found[0]


def _parse_info(raw: object, path: Path) -> BundleInfo:
    if not isinstance(raw, dict):
        raise BundleError(f"{path}: {INFO_FILE} holds no JSON object; export the model again")
    for key, kind in _REQUIRED.items():
        if not isinstance(raw.get(key), kind):
            raise BundleError(
                f"{path}: {key!r} in {INFO_FILE} is missing or no {kind.__name__}; "
                "export the model again"
            )
    if raw["format_version"] != FORMAT_VERSION:
        raise BundleError(
            f"{path} has bundle format {raw['format_version']}, this version reads "
            f"{FORMAT_VERSION}; export the model again or update radiofm"
        )
    try:
        classes = tuple(ClassInfo(str(c["name"]), str(c["color"])) for c in raw["classes"])
        spec = SpectrogramSpec.from_dict(raw["spec"])
    except (KeyError, TypeError, UsageError, BundleError) as error:
        raise BundleError(f"{path}: wrong classes or spec in {INFO_FILE} ({error})") from error
    if spec.fingerprint != raw["spec_fingerprint"]:
        raise BundleError(
            f"{path}: spec fingerprint {raw['spec_fingerprint']} does not match its spec "
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
    )


class ModelBundle:
    """A loaded segmentation model on its device, at its precision."""

    def __init__(self, info: BundleInfo, module, device: str, precision: str):
        self.info = info
        self.device = device
        self.precision = precision
        self._module = module

    def segment(
        self, frames_db: np.ndarray, resolution: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Classify each pixel.

        Args:
            frames_db: float32 (batch, channels, rows, cols) in dB; rows a multiple of the
                spec's ``row_multiple``.
            resolution: (Hz per bin, seconds per row).

        Returns:
            mask uint8 (batch, rows, cols) of class indexes, and the winning class's
            probability, float32, same shape.
        """
        import torch

        with torch.inference_mode():
            x = torch.from_numpy(frames_db).to(self.device)
            res = torch.tensor(resolution, dtype=torch.float32, device=self.device)
            mask, confidence = self._module(x, res.expand(x.shape[0], 2))
            return mask.cpu().numpy(), confidence.cpu().numpy()


def load_bundle(
    name_or_path: str | os.PathLike = "default",
    device: str = "auto",
    precision: str = "auto",
    task: str = TASK_SEGMENTATION,
) -> ModelBundle:
    """Load a model for ``task`` on ``device`` (auto, cpu, cuda, cuda:N) at ``precision``.

    Raises:
        BundleError: unreadable, of another task, or without the wanted precision.
        UsageError: an unknown device or precision, or a device that is not there.
    """
    info = read_bundle_info(name_or_path)
    if info.task != task:
        raise BundleError(
            f"{info.path} is a model for {info.task!r}, this needs one for {task!r}; "
            "`radiofm models` lists what there is"
        )
    import torch

    device = _pick_device(device)
    precision = _pick_precision(precision, device, info)
    try:
        module = torch.jit.load(str(info.path), map_location=device).eval()
        module = module.to(torch.bfloat16 if precision == "bf16" else torch.float32)
        module = torch.jit.freeze(module)
    except Exception as error:  # torch raises RuntimeError and many others on broken archives
        reason = str(error).strip().splitlines()[0][:160]
        raise BundleError(
            f"{info.path}: the model inside cannot be loaded ({reason}); the file is corrupted "
            "or made for another PyTorch: export it again"
        ) from error
    return ModelBundle(info, module, device, precision)


def _pick_device(device: str) -> str:
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        raise UsageError(f"device {device!r} is unknown; use auto, cpu, cuda or cuda:N")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"device {device!r} is not there: PyTorch sees {torch.cuda.device_count()} CUDA "
            "devices; use auto or cpu"
        )
    return device


def _pick_precision(precision: str, device: str, info: BundleInfo) -> str:
    if precision not in PRECISIONS:
        raise UsageError(f"precision {precision!r} is unknown; use {', '.join(PRECISIONS)}")
    if precision == "auto":
        return "bf16" if "bf16" in info.precisions and bf16_is_fast(device) else "fp32"
    if precision not in info.precisions:
        raise BundleError(
            f"{info.path} offers precision {', '.join(info.precisions)}, not {precision!r}"
        )
    return precision


def bf16_is_fast(device: str) -> bool:
    """Whether ``device`` (cpu, cuda, cuda:N) computes in bfloat16 itself."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16") or has.get("bf16"))
