# SPDX-License-Identifier: GPL-3.0-or-later
"""The optimisers that a stage of training can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from .muon import Muon
from .settings import StageConfig

BETAS = (0.9, 0.95)


def make_optimizer(
    parameters: Iterable[tuple[str, nn.Parameter]],
    config: StageConfig,
    scale: Callable[[str], float] = lambda name: 1.0,
) -> torch.optim.Optimizer:
    """The stage's optimiser, of named parameters that want a gradient; no decay of biases, norms
    and tokens. Each of its groups has ``scale``, a factor on the learning rate by a parameter's
    name.

    ``muon``: :class:`.muon.Muon` for the matrices of transformer blocks, AdamW for all else.
    """
    hidden: dict[tuple, list] = {}
    rest: dict[tuple, list] = {}
    for name, p in parameters:
        if p.requires_grad:
            key = (config.weight_decay if p.ndim > 1 else 0.0, scale(name))
            is_hidden = config.optimizer == "muon" and p.ndim == 2 and "blocks." in name
            (hidden if is_hidden else rest).setdefault(key, []).append(p)
    adamw = torch.optim.AdamW(_groups(rest), betas=BETAS)
    if not hidden:
        return adamw
    return Both(Muon(_groups(hidden)), adamw)


def _groups(by_key: dict[tuple, list]) -> list[dict]:
    return [{"params": p, "weight_decay": d, "scale": s} for (d, s), p in by_key.items()]


class Both(torch.optim.Optimizer):
    """Two optimisers, each of parameters of its own, as one."""

    def __init__(self, one: torch.optim.Optimizer, other: torch.optim.Optimizer):
        self.parts = (one, other)
        super().__init__([{"params": g["params"]} for p in self.parts for g in p.param_groups], {})
        self._share()

    def _share(self) -> None:
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step of both."""
        loss = None if closure is None else closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict:
        """Of both."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict) -> None:
        """What :meth:`state_dict` gave."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share()
