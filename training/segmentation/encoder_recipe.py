# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe of an encoder: what it is pre-trained by, and what is learnt from it to score it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from radiofm_core.bundle import TASK_ENCODER
from radiofm_core.errors import UsageError

from .recipe import Recipe


@dataclass(frozen=True)
class EncoderRecipe(Recipe):
    """A run of pre-training. ``finetune`` is its probe: what a segmenter that starts from the
    encoder learns from a share ``label_share`` of ``train``."""

    task: ClassVar[str] = TASK_ENCODER

    def __post_init__(self):
        super().__post_init__()
        if self.pretrain is None:
            raise UsageError(
                f"recipe {self.name}: an encoder is what pre-training makes; add the section "
                "`pretrain`"
            )
        if self.model.kind != "patch":
            raise UsageError(
                f"recipe {self.name}: model kind {self.model.kind!r}; only encoders of the kind "
                "patch are exported"
            )
        for name in ("refine", "judge"):
            if getattr(self, name) is not None:
                raise UsageError(
                    f"recipe {self.name}: an encoder has no stage {name}; leave it out, and "
                    "`start` a segmenter's recipe from the encoder"
                )
