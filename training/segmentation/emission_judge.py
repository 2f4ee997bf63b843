# SPDX-License-Identifier: GPL-3.0-or-later
"""How the part of a segmenter is trained that judges emissions as a whole
(:class:`.patch_model.EmissionJudge`).

It learns on the emissions that the segmenter itself finds in generated frames, as the blocks find
them; what an emission is, most of its scored pixels tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.verdict import features, vote_count

from ..engine.loop import learning_rate
from ..engine.settings import StageConfig
from ..waveforms.span import IGNORE
from .data.store import FrameSet
from .patch_model import EmissionJudge
from .shown import WAYS, Segment, batches_of, groups_of, shown

# An emission is of a class if so much of its scored pixels are, and so many are scored: pixels, and
# a share of all of its
LEAST_SHARE, LEAST_SCORED, LEAST_SCORED_SHARE = 0.6, 16, 0.5
# Noise on the (normalised) features
JITTER = 0.2
# How many of the emissions are shown with the votes of another one: on the air the network is wrong
# more often than in generated frames, and then the samples have to tell
OTHERS_VOTES = 0.1


def collect(
    segment: Segment, frames: FrameSet, spec: SpectrogramSpec, class_names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 (N, features) and classes int64 (N,) of the emissions that ``segment`` finds
    in ``frames``, each shown in all
    ways of :data:`.shown.WAYS`.

    Raises UsageError where the project's native part is not installed.
    """
    found, told = [], []
    for index in tqdm(batches_of(np.arange(len(frames))), desc="judge", unit="batch"):
        batch = frames.batch(index)
        for way in WAYS:
            seen = shown(batch, way, spec)
            answer = segment(seen.level, seen.resolution, seen.evidence)
            for n in range(len(index)):
                groups = groups_of(seen, n, answer, spec, class_names)
                truths = _truths(groups.group_of, batch.truth[n].numpy(), len(groups.bands))
                each = zip(groups.statistics, groups.shapes, truths, strict=True)
                for statistics, shape, truth in each:
                    if truth is not None:
                        found.append(features(statistics, shape))
                        told.append(truth)
    return np.array(found, np.float32), np.array(told, np.int64)


def _truths(group_of: np.ndarray, truth: np.ndarray, groups: int) -> list[int | None]:
    """The class of most scored pixels of each group; None where it is not clear."""
    out: list[int | None] = []
    for group in range(groups):
        own = truth[group_of == group]
        counts = np.bincount(own[own != IGNORE], minlength=1)
        best = int(counts.argmax())
        enough = max(LEAST_SCORED, LEAST_SCORED_SHARE * len(own))
        clear = counts.sum() >= enough and counts[best] >= LEAST_SHARE * counts.sum()
        out.append(best if clear else None)
    return out


def train(
    judge: EmissionJudge, found: np.ndarray, truth: np.ndarray, config: StageConfig, seed: int
) -> None:
    """Train ``judge`` in place on the features ``found`` (N, features) of emissions of the classes
    ``truth`` (N,)."""
    x, y = torch.from_numpy(found), torch.from_numpy(truth)
    judge.mean.copy_(x.mean(0))
    judge.scale.copy_(x.std(0).clamp_min(0.05))
    votes = vote_count(judge.net[-1].out_features)
    draw = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    search = torch.optim.AdamW(judge.parameters(), weight_decay=config.weight_decay)
    judge.train()
    for step in tqdm(range(config.steps), desc="judge", unit="step"):
        chosen = torch.randint(len(x), (config.batch,), generator=draw)
        for group in search.param_groups:
            group["lr"] = learning_rate(step, config)
        shown = x[chosen]
        others = torch.randint(len(x), (config.batch,), generator=draw)
        is_wrong = torch.rand(config.batch, 1, generator=draw) < OTHERS_VOTES
        shown[:, :votes] = torch.where(is_wrong, x[others, :votes], shown[:, :votes])
        hidden = judge.normalised(shown)
        hidden = hidden + JITTER * torch.randn(hidden.shape, generator=draw)
        loss = functional.cross_entropy(judge.net(hidden), y[chosen])
        search.zero_grad()
        loss.backward()
        search.step()
    judge.eval()
