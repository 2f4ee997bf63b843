# SPDX-License-Identifier: GPL-3.0-or-later
"""A segmenter that was taught a class, with the judge of emissions that it had before.

A learned judge knows the classes that it was trained on. Of a new one there are far too few
emissions to train another; so the votes of the pixels say whether an emission is of the new class,
and the judge says which of the others it is if it is not."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from radiofm_core.bundle import BundleInfo
from radiofm_core.spectrum.verdict import vote_count

from ...engine.bundle_file import weights_of
from ..model import CalibratedSegmenter, ModelConfig
from ..patch_model import EmissionJudge, PatchSegmenter

# Where a bundle's weights have its judge: one that was trained, or one of this module
TRAINED, TAUGHT = "emissions.", "taught."
KNOWN = "known."


class TaughtJudge(nn.Module):
    """Probabilities of the classes of an emission, the new one last, from a judge of the others.

    Args:
        known: gives log probabilities, but for a constant, of the classes before the last.
        classes: how many there are, the new one among them.
    """

    def __init__(self, known: nn.Module, classes: int):
        super().__init__()
        self.known = known
        self.votes = vote_count(classes) // 2

    def forward(self, features: Tensor) -> Tensor:
        """float32 (emissions, features) to log probabilities (emissions, classes)."""
        votes = self.votes
        new = features[:, votes - 1 : votes].clamp(0.0, 1.0)
        # What the pixels say of the other classes, given that it is none of the new
        left = (1.0 - new).clamp_min(1e-6)
        others = features[:, : votes - 1] / left
        # log probabilities come over 4 among the features
        logs = (features[:, votes : 2 * votes - 1] - left.log() / 4.0).clamp_max(0.0)
        known = torch.cat([others, logs, features[:, 2 * votes :]], dim=1)
        probabilities = self.known(known).softmax(dim=1) * left
        return torch.cat([probabilities, new], dim=1).clamp_min(1e-6).log()


class TaughtSegmenter(PatchSegmenter):
    """A :class:`.patch_model.PatchSegmenter` with such a judge."""

    def __init__(
        self, config: ModelConfig, channels: int, classes: int, lags: int, known: nn.Module
    ):
        super().__init__(config, channels, classes, lags)
        self.taught = TaughtJudge(known, classes)

    @torch.jit.export
    def judge(self, features: Tensor) -> Tensor:
        """Features of emissions, float32 (N, features), to probabilities (N, classes)."""
        return self.taught(features).softmax(dim=1)


def with_judge(model: CalibratedSegmenter, config: ModelConfig, start: BundleInfo) -> nn.Module:
    """``model``, which was trained from the bundle ``start`` with a class more, with its judge of
    emissions; as it is where that has none."""
    known = judge_of(start)
    if known is None or not isinstance(model, PatchSegmenter):
        return model
    spec = start.spec
    channels, lags = len(spec.channels), len(spec.evidence_lags)
    taught = TaughtSegmenter(config, channels, model.classes, lags, known)
    taught.load_state_dict(
        model.state_dict() | {f"{TAUGHT}{k}": v for k, v in taught.taught.state_dict().items()}
    )
    return taught.eval()


def judge_of(info: BundleInfo) -> nn.Module | None:
    """A bundle's judge of emissions, to be trained no further; None of one without."""
    weights = weights_of(info)
    classes, lags = len(info.classes), len(info.spec.evidence_lags)
    for prefix in (TRAINED, TAUGHT):
        own = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        if own:
            judge = _judge(own, classes, lags)
            judge.load_state_dict({k: v.float() for k, v in own.items()})
            return judge.eval()
    return None


def _judge(weights: dict[str, Tensor], classes: int, lags: int) -> nn.Module:
    if not any(name.startswith(KNOWN) for name in weights):
        return EmissionJudge(classes, lags)
    below = {k.removeprefix(KNOWN): v for k, v in weights.items()}
    return TaughtJudge(_judge(below, classes - 1, lags), classes)
