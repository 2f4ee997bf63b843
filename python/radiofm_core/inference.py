# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading the models inside bundles, and calling them: TorchScript is known here alone."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import numpy as np

from .archive_check import check_archive
from .bundle import TASK_ACTIVITY, TASK_SEGMENTATION, BundleInfo, read_bundle_info
from .errors import BundleError, UsageError

if TYPE_CHECKING:  # torch takes a second to import, and only those who load a model need it
    from torch import Tensor

    from .csi.spec import CsiSpec
    from .spectrum.spec import SpectrogramSpec

PRECISIONS = ("auto", "fp32", "bf16")

# Whether this process was forked from one that had PyTorch
_is_fork = False


def _note_fork() -> None:
    global _is_fork
    _is_fork = _is_fork or "torch" in sys.modules


os.register_at_fork(after_in_child=_note_fork)


class Model:
    """A loaded model on its device, at its precision."""

    def __init__(self, info: BundleInfo, module, device: str, precision: str):
        self.info = info
        self.device = device
        self.precision = precision
        self._module = module

    def _to_device(self, values: Tensor) -> Tensor:
        """A host's tensor on the model's device; a GPU fetches it from pinned memory itself."""
        if self.device == "cpu":
            return values
        return values.pin_memory().to(self.device, non_blocking=True)


def fetched_together(mask: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """A mask (uint8) and confidences (float32) of one shape in the host's memory, by one copy."""
    import torch

    both = torch.cat([mask.flatten(), confidence.flatten().view(torch.uint8)]).cpu()
    count = mask.numel()
    values = both[count:].clone().view(torch.float32)
    return both[:count].view(mask.shape), values.view(confidence.shape)


def _check_shapes(answers: tuple, expected: tuple[int, ...]) -> None:
    shapes = [tuple(answer.shape) for answer in answers]
    if any(shape != expected for shape in shapes):
        told = ", ".join(map(str, shapes))
        raise BundleError(f"the model answered the shape {told}, not {expected}")


class SegmentationModel(Model):
    """A model for ``spectrogram-segmentation``."""

    @staticmethod
    def empty(spec: SpectrogramSpec) -> tuple[np.ndarray, tuple[float, float]]:
        """What :meth:`segment` takes, of one empty frame."""
        shape = (1, len(spec.channels), spec.rows, spec.cols)
        rate = spec.sample_rate_min
        resolution = spec.resolution(rate, spec.hops_per_row(rate))
        return np.full(shape, spec.floor_db, np.float32), resolution

    @classmethod
    def example(cls, spec: SpectrogramSpec) -> tuple:
        """The same as the module takes it."""
        import torch

        frames, resolution = cls.empty(spec)
        return torch.from_numpy(frames), torch.tensor([resolution])

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

        Raises BundleError if the model answers other shapes.
        """
        import torch

        with torch.inference_mode():
            x = self._to_device(torch.from_numpy(frames_db))
            res = torch.tensor(resolution, dtype=torch.float32, device=self.device)
            mask, confidence = self._module(x, res.expand(x.shape[0], 2))
            expected = (len(frames_db), *frames_db.shape[2:])
            _check_shapes((mask, confidence), expected)
            if mask.is_cuda and (mask.dtype, confidence.dtype) == (torch.uint8, torch.float32):
                mask, confidence = fetched_together(mask, confidence)
            return mask.cpu().numpy(), confidence.cpu().numpy()


class ActivityModel(Model):
    """A model for ``csi-activity``."""

    @staticmethod
    def empty(spec: CsiSpec) -> tuple[np.ndarray, int]:
        """What :meth:`classify` takes, of one window of one antenna without phase."""
        return np.ones((1, spec.rows, spec.subcarriers, 1), np.float32), 1

    @classmethod
    def example(cls, spec: CsiSpec) -> tuple:
        """The same as the module takes it."""
        import torch

        values, antennas = cls.empty(spec)
        return torch.from_numpy(values), antennas

    def classify(self, values: np.ndarray, antennas: int) -> np.ndarray:
        """What is going on in each window.

        Args:
            values: float32 (batch, rows, columns, channels), as in
                :class:`radiofm_core.csi.windows.CsiWindow`, of the same kind of link each.
            antennas: how many of the channels are amplitudes.

        Returns:
            Probabilities, float32 (batch, classes).

        Raises BundleError if the model answers another shape.
        """
        import torch

        with torch.inference_mode():
            x = self._to_device(torch.from_numpy(values))
            shares = self._module(x, antennas)
            _check_shapes((shares,), (len(values), len(self.info.classes)))
            return shares.float().cpu().numpy()


_MODELS = {TASK_SEGMENTATION: SegmentationModel, TASK_ACTIVITY: ActivityModel}


def load_bundle(
    name_or_path: str | os.PathLike = "default",
    device: str = "auto",
    precision: str = "auto",
    task: str = TASK_SEGMENTATION,
) -> SegmentationModel | ActivityModel:
    """Load a model for ``task`` on ``device`` (auto, cpu, cuda, cuda:N) at ``precision``.

    Nothing is unpickled outside TorchScript's own restricted archive reader, and nothing is read
    by it before :func:`check_archive` has looked. Yet a model is a program: what it computes is
    its maker's affair.

    In a process that was forked from one with PyTorch, models compute with one thread: the
    parent's other threads are not there, and PyTorch would wait for them for ever. Processes that
    are to use all cores are started anew (``spawn``).

    Raises:
        BundleError: unreadable, of another task, or without the wanted precision.
        UsageError: an unknown device or precision, or a device that is not there.
    """
    info = read_bundle_info(name_or_path, task)
    import torch

    from .packed_weights import freeze_packed

    device = _pick_device(device)
    precision = _pick_precision(precision, device, info)
    check_archive(info.path)
    kind = _MODELS[task]
    if _is_fork:
        torch.set_num_threads(1)
    try:
        module = torch.jit.load(str(info.path), map_location=device).eval()
        module = module.to(torch.bfloat16 if precision == "bf16" else torch.float32)
        if device == "cpu" and precision == "bf16":
            module = freeze_packed(module, kind.example(info.spec))
        else:
            module = torch.jit.freeze(module)
    except Exception as error:  # torch raises RuntimeError and many others on broken archives
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
        raise BundleError(
            f"{info.path}: the model inside cannot be loaded ({reason}); the file is corrupted "
            "or made for another PyTorch: export it again"
        ) from error
    return kind(info, module, device, precision)


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
