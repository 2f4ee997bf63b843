# SPDX-License-Identifier: GPL-3.0-or-later
"""A measure of what an encoder has learned that needs no labels."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-7


def effective_rank(embeddings: Tensor) -> float:
    """RankMe (Garrido et al. 2023, arXiv 2210.02885, equations 1 and 2): in about how many
    directions the embeddings differ.

    The singular values of the embeddings are taken as shares of their sum; the result is the
    exponential of these shares' entropy: 1 if all embeddings lie on one line, the width of the
    embeddings if they fill all directions alike.

    How to choose a checkpoint with it, when there are no labels: train with a few settings (mask
    ratio, mask kinds, learning rate, steps), compare `effective_rank` in the logs, and take the
    highest one *of models of the same width, on the same frames*. A low value that no longer
    rises, or one that falls while the loss still falls, means that the encoder uses few of its
    directions: train on other settings, or take the checkpoint before the fall. A high value does
    not prove that the encoder is good (an untrained one can be high as well: look at the pictures
    too), and where there are labels, a validation score decides.

    Args:
        embeddings: (N, D), N several times D.

    Returns:
        1 .. D.
    """
    x = embeddings.double()
    # The squares of the singular values, from a D x D matrix: N is large.
    values = torch.linalg.eigvalsh(x.T @ x).clamp_min(0).sqrt()
    share = values / values.sum().clamp_min(torch.finfo(torch.double).tiny) + EPSILON
    return float(torch.exp(-(share * share.log()).sum()))
