# SPDX-License-Identifier: GPL-3.0-or-later
"""The optimiser Muon, at the speed that the processor has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from radiofm_core.inference import has_bf16

from . import processes

MOMENTUM = 0.95
# Of the polynomial a x + b x^3 + c x^5 that takes singular values of up to 1 to about 1
A, B, C = 3.4445, -4.7750, 2.0315
ROUNDS = 5
# As large as AdamW's steps: root mean square of an entry
STEP_RMS = 0.2


class Muon(torch.optim.Optimizer):
    """Muon of matrices ("Muon: An optimizer for hidden layers in neural networks", Keller Jordan,
    2024): momentum, made orthogonal, and, after "Muon is Scalable for LLM Training" (arXiv
    2502.16982), as large as AdamW's steps.

    ``torch.optim.Muon`` does it in bfloat16, which is slow on a processor without instructions for
    it; this one does it in bfloat16 where there are such, and in
    float32 elsewhere and where several processes must come to the same weights. Matrices of one
    size are taken in one go. Steps agree but for rounding.

    Args:
        groups: of parameters (matrices), with ``weight_decay`` and ``lr``.
    """

    def __init__(self, groups: Iterable[dict]):
        super().__init__(groups, {"lr": 1e-3, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    alike.setdefault(p.shape, []).append(p)
            for shape, parameters in alike.items():
                steps = orthogonal(torch.stack([self._momentum(p) for p in parameters]))
                size = group["lr"] * STEP_RMS * max(shape) ** 0.5
                for p, step in zip(parameters, steps, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(step.to(p.dtype), alpha=-size)
        return loss

    def _momentum(self, p: Tensor) -> Tensor:
        """A step in the gradient's units, after Nesterov."""
        state = self.state[p]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(p)
        kept = state["momentum_buffer"].lerp_(p.grad, 1 - MOMENTUM)
        return p.grad.lerp(kept, MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices (N, rows, cols) with singular values of about 1 in place of their own, by Newton and
    Schulz' iteration."""
    is_half = has_bf16(matrices.device.type) and processes.world() == 1
    x = matrices.to(torch.bfloat16 if is_half else torch.float32)
    is_tall = x.shape[1] > x.shape[2]
    x = x.mT if is_tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(ROUNDS):
        squares = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(squares, squares, squares, beta=B, alpha=C), x, beta=A)
    return x.mT if is_tall else x
