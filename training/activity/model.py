# SPDX-License-Identifier: GPL-3.0-or-later
"""Activity classifiers: what all have, and the spectrogram encoder on what changes in a window.

Shapes: B batch, R rows (time), W columns (subcarriers), C channels of a window
(:class:`radiofm_core.csi.windows.CsiWindow`), V views, D token width. TorchScript compiles all
of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from radiofm_core.csi.spec import CsiSpec

from ..encoder.inputs import PATCH
from ..encoder.sizes import Sizes
from ..encoder.vit import Encoder

# Amplitudes below this share of the window's median are taken for it: a subcarrier in a deep fade
# is noise
LEAST_AMPLITUDE = 0.03
# dB for one unit of the encoder's input: bodies move a channel by some dB
DB_PER_UNIT = 5.0
LARGEST = 3.0
# dB of a change by one neper, and so of a phase that turns by one radian: what is small beside
# the channel changes both by as much
DB_PER_NEPER = 8.685889638
# Of the Doppler spectrum of a patch, 0 Hz among them
DOPPLER_LINES = PATCH // 2 + 1
# Added to powers in a Doppler spectrum (units of the encoder's input, squared): less is noise
LEAST_POWER = 1e-3


@dataclass(frozen=True)
class ModelConfig(Sizes):
    """Sizes of a classifier: ``stem`` (:class:`StemActivityClassifier`) or ``plain``
    (:mod:`training.activity.plain_model`). ``dropout``: before the last layer."""

    dropout: float = 0.3

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it must be within 0 .. 1")


class Views(nn.Module):
    """What an encoder is shown of a window: (B, R, W, C) to float32 (B, V, 1, R', W'), R' and W'
    whole patches."""

    def learn(self, batches: Iterable[Tensor], antennas: int) -> None:
        """Take what has to be known of the training set from its windows, (B, R, W, C) each;
        nothing, where not told otherwise."""


class Motion(Views):
    """A window as views of its motion: what differs from its own mean over time, for each antenna
    and for the phases between antennas, on a grid of whole patches."""

    def __init__(self):
        super().__init__()
        self.least, self.largest = LEAST_AMPLITUDE, LARGEST
        self.db_per_unit, self.db_per_neper = DB_PER_UNIT, DB_PER_NEPER
        self.patch = PATCH

    def forward(self, values: Tensor, antennas: int) -> Tensor:
        """(B, R, W, C) to float32 (B, V, 1, R', W'), V = antennas or 2 antennas - 1.

        One unit is DB_PER_UNIT dB of amplitude, or the phase that is as large a change.
        """
        values = values.float()
        level = 20.0 * torch.log10(values[..., :antennas].clamp_min(self.least))
        views = level - level.mean(1, keepdim=True)
        if values.shape[3] > antennas:
            others = antennas - 1
            turned = torch.complex(
                values[..., antennas : antennas + others], values[..., antennas + others :]
            )
            phase = torch.angle(turned * turned.mean(1, keepdim=True).conj())
            views = torch.cat([views, phase * self.db_per_neper], dim=3)
        x = (views / self.db_per_unit).clamp(-self.largest, self.largest).permute(0, 3, 1, 2)
        more_rows, more_cols = -x.shape[2] % self.patch, -x.shape[3] % self.patch
        top, left = more_rows // 2, more_cols // 2
        x = functional.pad(x, (left, more_cols - left, top, more_rows - top), mode="replicate")
        return x[:, :, None]


class ActivityClassifier(nn.Module):
    """What all classifiers have: ``views`` (:class:`Views`), an ``encoder`` of them, and a
    ``temperature``, which is 1 until the recipe's export calibrates it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("temperature", torch.ones(()))

    def logits(self, values: Tensor, antennas: int, received: Tensor) -> Tensor:
        """(B, R, W, C), rows with packets of their own (B, R) bool, to float32 (B, classes)."""
        raise NotImplementedError

    def forward(self, values: Tensor, antennas: int, received: Tensor) -> Tensor:
        """The exported call: as :meth:`logits`, to probabilities, float32 (B, classes)."""
        return (self.logits(values, antennas, received) / self.temperature.float()).softmax(dim=1)


class Reception(nn.Module):
    """Tells the tokens where packets were received: how many of a patch's rows have packets of
    their own, and of the window's. The others are interpolated, and fast changes are missing."""

    def __init__(self, dim: int):
        super().__init__()
        self.patch = PATCH
        self.expand = nn.Linear(3, dim)
        self.contract = nn.Linear(dim, dim)
        # at first it tells nothing
        nn.init.zeros_(self.contract.weight)
        nn.init.zeros_(self.contract.bias)

    def forward(self, received: Tensor, rows: int, cols: int) -> Tensor:
        """(B, R) bool to (B, rows cols, D), a window of rows x cols patches."""
        share = received.to(self.expand.weight.dtype)
        more = rows * self.patch - share.shape[1]
        top = more // 2
        padded = functional.pad(share[:, None], (top, more - top), mode="replicate")[:, 0]
        of_patch = padded.unflatten(1, (rows, self.patch)).mean(2)
        of_window = share.mean(1, keepdim=True).expand_as(of_patch)
        # one more for each time that packets come half as often
        octaves = -torch.log2(of_window.clamp_min(0.01))
        told = torch.stack([of_patch, of_window, octaves], dim=2)
        told = self.contract(functional.gelu(self.expand(told)))
        return told[:, :, None].expand(-1, -1, cols, -1).flatten(1, 2)


class StemActivityClassifier(ActivityClassifier):
    """Encoder on each view, tokens pooled over the window and over its middle, a linear layer."""

    def __init__(self, config: ModelConfig, classes: int, spec: CsiSpec):
        super().__init__()
        # Rows tell rhythms up to half their rate
        highest = spec.rate_hz / 2
        sizes = (config.stem_widths, config.dim, config.depth, config.heads)
        self.views = Motion()
        self.encoder = Encoder(1, *sizes, True, highest)
        self.reception = Reception(config.dim)
        self.patch = PATCH
        self.dim = config.dim
        step_hz = spec.span_hz / (spec.subcarriers - 1)
        # Hz per column and seconds per row; no buffer, since float16 ends at 65,504
        self.resolution = [step_hz, 1 / spec.rate_hz]
        self.drop = nn.Dropout(config.dropout)
        self.classify = nn.Linear(2 * config.dim, classes)

    def logits(self, values: Tensor, antennas: int, received: Tensor) -> Tensor:
        """(B, R, W, C), rows with packets of their own (B, R) bool, to float32 (B, classes)."""
        views = self.views(values, antennas)
        b, v = views.shape[0], views.shape[1]
        x = views.flatten(0, 1)
        resolution = torch.tensor(self.resolution, device=x.device).expand(x.shape[0], 2)
        also = self.reception(received, x.shape[2] // self.patch, x.shape[3] // self.patch)
        also = also[:, None].expand(-1, v, -1, -1).flatten(0, 1)
        tokens = self.encoder.encode(x, resolution, also=also)[2]
        pooled = pool(tokens).unflatten(0, (b, v)).mean(1)
        return self.classify(self.drop(pooled)).float()


def pool(tokens: Tensor) -> Tensor:
    """(B, D, R/16, W/16) to (B, 2 D): the mean of all, and of those in the middle third of the
    time, which is what is asked for."""
    third = tokens.shape[2] // 3
    middle = tokens[:, :, third : tokens.shape[2] - third]
    return torch.cat([tokens.mean((2, 3)), middle.mean((2, 3))], dim=1)


class MaskedActivity(nn.Module):
    """Masked modelling of motion: the encoder, and a linear layer that guesses the Doppler spectra
    of hidden patches.

    What a channel's values are in a patch follows from those around it for a fraction of a turn
    of its paths' phases only; how fast they turn lasts longer.
    """

    def __init__(self, classifier: StemActivityClassifier):
        super().__init__()
        self.encoder, self.views = classifier.encoder, classifier.views
        self.resolution = classifier.resolution
        self.guess = nn.Linear(classifier.dim, DOPPLER_LINES)

    def forward(self, views: Tensor, masked: Tensor) -> tuple[Tensor, Tensor]:
        """Guess what is hidden.

        Args:
            views: (B, 1, R, W), of :class:`Motion`.
            masked: (B, T) bool, True where a patch is hidden.

        Returns:
            Guess and truth, as :func:`doppler_spectra` gives it.
        """
        resolution = torch.tensor(self.resolution, device=views.device)
        tokens = self.encoder.encode(views, resolution.expand(len(views), 2), masked)[2]
        guess = self.guess(tokens.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return guess.float(), doppler_spectra(views)


def doppler_spectra(views: Tensor) -> Tensor:
    """log10 of each patch's power by frequency: views of :class:`Motion`, (B, 1, R, W), to
    float32 (B, DOPPLER_LINES, R/16, W/16). Lines are a sixteenth of the rows' rate apart, the
    first is 0 Hz; powers of the columns are averaged."""
    rows, cols = views.shape[2] // PATCH, views.shape[3] // PATCH
    patches = views[:, 0].float().unflatten(2, (cols, PATCH)).unflatten(1, (rows, PATCH))
    power = torch.fft.rfft(patches, dim=2).abs().square() / PATCH
    return torch.log10(power.mean(4) + LEAST_POWER).transpose(1, 2)
