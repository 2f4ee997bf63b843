# SPDX-License-Identifier: GPL-3.0-or-later
"""What bundles need of PyTorch that an older or another build lacks, such as Debian's packages.

TorchScript compiles the whole program of a bundle when it is loaded, branches that are never taken
included, and refuses it for an operator that it does not know. PyTorch 1.13 and later can run the
bundles of this package once they know the names below.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """PyTorch's operator of this name (since 2.0), of ``(..., tokens, features)``; no dropout.

    Raises:
        NotImplementedError: ``dropout_p``, ``is_causal`` or ``enable_gqa`` is given.
    """
    if dropout_p or is_causal or enable_gqa:
        raise NotImplementedError("attention with dropout, causal or grouped, needs PyTorch 2")
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = torch.matmul(query * factor, key.transpose(-2, -1))
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, -math.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return torch.matmul(torch.softmax(scores, -1), value)


def prepare() -> None:
    """Make this process's PyTorch ready for bundles."""
    add_missing_operators()
    # Builds with LLVM, as Debian's, would compile a model at its second frame, for minutes; those
    # that PyTorch publishes do not
    torch._C._jit_override_can_fuse_on_cpu(False)


# (schema, what computes it); None: in our bundles it is named in a branch that is never taken
_OPERATORS = (
    (
        "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, "
        "Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, "
        "float? scale=None, bool enable_gqa=False) -> Tensor",
        scaled_dot_product_attention,
    ),
    (
        "_upsample_lanczos2d_aa(Tensor input, SymInt[]? output_size, bool align_corners, "
        "float[]? scale_factors) -> Tensor",
        None,
    ),
)
# Operators live as long as what registered them
_registered: list = []


def add_missing_operators(namespace: str = "aten") -> list[str]:
    """Teach this process's PyTorch the operators of bundles that it lacks; returns their names."""
    # torch.library has no fragments before 2.0
    library = torch._C._dispatch_library("FRAGMENT", namespace, "")
    added = []
    for schema, function in _OPERATORS:
        name = schema.partition("(")[0]
        if torch._C._jit_get_schemas_for_operator(f"{namespace}::{name}"):
            continue
        library.define(schema)
        for device in ("CPU", "CUDA") if function is not None else ():
            library.impl(name, device, function)
        added.append(name)
    if added:
        _registered.append(library)
    return added
