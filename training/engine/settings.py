# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recipe can set of a stage of training."""

from __future__ import annotations

from dataclasses import dataclass

MASK_KINDS = ("random", "time", "frequency", "region", "around")
ADAPTATIONS = ("full", "frozen", "last", "lora")
LOSSES = ("balanced", "plain")


@dataclass(frozen=True)
class StageConfig:
    """One stage of training: linear warm-up, cosine to ``final_share`` of the rate.

    ``batch`` is the frames of one step, whatever the machine: ``accumulate`` takes them in so
    many parts, and several processes share them. ``precision`` is ``auto`` (bf16 where the
    processor multiplies fast in it), ``bf16`` (where it has instructions for it) or ``fp32``.
    ``optimizer`` is ``adamw`` or ``muon`` (:func:`.optimizers.make_optimizer`).
    """

    steps: int
    batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: int = 100
    final_share: float = 0.0
    accumulate: int = 1
    precision: str = "auto"
    optimizer: str = "adamw"

    def __post_init__(self):
        for name in ("steps", "batch", "accumulate"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        _one_of("precision", self.precision, ("auto", "bf16", "fp32"))
        _one_of("optimizer", self.optimizer, ("adamw", "muon"))


@dataclass(frozen=True)
class PretrainConfig(StageConfig):
    """Masked modelling: each frame draws one of ``mask_kinds`` (name one twice and it is drawn
    twice as often). Every ``watch_every`` steps (0: each epoch, and at least four times) a
    picture is written and the effective rank measured. Every ``probe_every`` steps (0: never) a
    copy of the encoder goes through ``finetune`` and is scored on the validation frames."""

    mask_ratio: float = 0.75
    mask_kinds: tuple[str, ...] = ("random", "random", "time", "frequency")
    watch_every: int = 0
    probe_every: int = 0

    def __post_init__(self):
        super().__post_init__()
        if not 0.5 <= self.mask_ratio <= 0.9:
            raise ValueError(f"mask_ratio is {self.mask_ratio}; it must be within 0.5 .. 0.9")
        if not self.mask_kinds:
            raise ValueError(f"mask_kinds is empty; name some of {', '.join(MASK_KINDS)}")
        for kind in self.mask_kinds:
            _one_of("mask_kinds", kind, MASK_KINDS)


@dataclass(frozen=True)
class FinetuneConfig(StageConfig):
    """Supervised training.

    ``adapt`` says what of the encoder learns: ``full``, ``frozen`` (nothing), ``last``
    (``last_blocks`` blocks) or ``lora`` (low-rank additions to its linear layers, rank
    ``lora_rank``, weighed ``lora_alpha / lora_rank``). ``layer_decay`` multiplies the learning
    rate once for each block towards the input. ``loss`` is ``balanced`` (classes weighed, frames
    alike) or ``plain`` cross entropy. With ``patience`` above 0 the validation frames are scored
    every ``validate_every`` steps; training ends after so many scores without a better one,
    and the best weights are kept. ``watch_every`` above 0 scores them every so many steps for the
    logs alone. ``keep`` above 0 holds a model that goes on from another one to what that one says
    of its own classes, on all pixels that are of no other, with so much weight beside the labels
    ("Learning without Forgetting", arXiv 1606.09282).
    """

    adapt: str = "full"
    last_blocks: int = 2
    lora_rank: int = 8
    lora_alpha: float = 16.0
    layer_decay: float = 1.0
    loss: str = "balanced"
    validate_every: int = 200
    patience: int = 0
    watch_every: int = 0
    keep: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        _one_of("adapt", self.adapt, ADAPTATIONS)
        _one_of("loss", self.loss, LOSSES)
        for name in ("last_blocks", "lora_rank", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.keep < 0:
            raise ValueError(f"keep is {self.keep}; expected a weight of 0 or more")
        if not 0 < self.layer_decay <= 1:
            raise ValueError(f"layer_decay is {self.layer_decay}; it must be within 0 .. 1")


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{key} is {value!r}; expected one of {', '.join(known)}")
