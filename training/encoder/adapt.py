# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a pre-trained encoder learns in fine-tuning: all, nothing, the last blocks, or low-rank
additions ("LoRA: Low-Rank Adaptation of Large Language Models", arXiv 2106.09685)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..engine.settings import FinetuneConfig
from .vit import Block

LINEARS = ("qkv", "project", "expand", "contract")


class LoraLinear(nn.Module):
    """A linear layer that stays, and a product of two thin matrices beside it that learns.

    At first the product is zero. ``weight`` and ``bias`` are those of the layer.
    """

    def __init__(self, linear: nn.Linear, rank: int, alpha: float):
        super().__init__()
        self.linear = linear
        self.scale = alpha / rank
        self.down = nn.Parameter(torch.empty(rank, linear.in_features))
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        added = functional.linear(functional.linear(x, self.down), self.up)
        return self.linear(x) + self.scale * added

    def merged(self) -> nn.Linear:
        """One layer that computes the same."""
        with torch.no_grad():
            self.linear.weight += self.scale * (self.up @ self.down)
        return self.linear


def adapt(model: nn.Module, config: FinetuneConfig) -> None:
    """Let learn in ``model.encoder`` what ``config`` says, in place; the head always learns."""
    model.train()
    encoder = model.encoder
    # Only pre-training uses it, and several processes would wait for its gradient.
    if hasattr(encoder, "mask_token"):
        encoder.mask_token.requires_grad_(False)
    if config.adapt == "full":
        return
    encoder.requires_grad_(False)
    encoder.eval()  # batch norm keeps its statistics
    if config.adapt == "last":
        for module in (*list(encoder.blocks)[-config.last_blocks :], encoder.norm):
            module.requires_grad_(True)
    elif config.adapt == "lora":
        for block in _blocks(encoder):
            for name in LINEARS:
                layer = LoraLinear(getattr(block, name), config.lora_rank, config.lora_alpha)
                setattr(block, name, layer)


def release(model: nn.Module) -> None:
    """Make a plain model of what :func:`adapt` left, in place."""
    for block in _blocks(model.encoder):
        for name in LINEARS:
            layer = getattr(block, name)
            if isinstance(layer, LoraLinear):
                setattr(block, name, layer.merged())
    model.requires_grad_(True)
    model.train()


def layer_scale(model: nn.Module, decay: float) -> Callable[[str], float]:
    """The factor on the learning rate by a parameter's name: 1 for the head and the final norm,
    ``decay`` for the last block, then ``decay`` times less for each block towards the input
    (as BEiT, arXiv 2106.08254)."""
    depth = len(model.encoder.blocks)

    def scale(name: str) -> float:
        words = name.split(".")
        if words[0] != "encoder" or words[1] == "norm":
            return 1.0
        layer = int(words[2]) + 1 if words[1] == "blocks" else 0
        return decay ** (depth + 1 - layer)

    return scale


def _blocks(encoder: nn.Module) -> list[Block]:
    return [m for m in encoder.modules() if isinstance(m, Block)]


def count_parameters(model: nn.Module, config: FinetuneConfig) -> dict[str, int]:
    """``all``, and what fine-tuning changes or adds (``learning``); ``model`` is adapted by it."""
    count = sum(p.numel() for p in model.parameters())
    adapt(model, config)
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return {"all": count, "learning": learning}
