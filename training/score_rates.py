# SPDX-License-Identifier: GPL-3.0-or-later
"""How accurate a model is with fewer packets: slower senders, and losses in bursts.

``.venv/bin/python -m training.score_rates MODEL`` scores a bundle (a name or a file) on
the test set of the shipped model's recipe, as it was recorded and with packets left out;
``--picture FILE`` draws the curve.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from radiofm_core.bundle import TASK_ACTIVITY
from radiofm_core.errors import InputError
from radiofm_core.inference import load_bundle

from .activity.data.clips import Clip
from .activity.data.losses import burst_losses, slower
from .activity.data.windows import scored_set
from .activity.scores import answers, as_loaded, scores
from .command import run
from .tasks import read_recipe

RECIPE = Path("training/recipes/activity.yaml")
RATES_HZ = (100.0, 70.0, 50.0, 40.0, 30.0, 25.0, 20.0, 15.0, 10.0)
# Half of the packets are lost in the bursts, so the rate of those that come is half of the sender's
BURST_RATES_HZ = (100.0, 70.0, 50.0, 40.0)


def variants(clips: list[Clip]) -> Iterator[tuple[str, float, list[Clip]]]:
    """What is done to the packets, at which rate, and the clips."""
    for rate_hz in RATES_HZ:
        yield "even", rate_hz, _changed(clips, rate_hz, None)
    for rate_hz in BURST_RATES_HZ:
        yield "half lost in bursts", rate_hz, _changed(clips, rate_hz, np.random.default_rng(1))


def _changed(clips: list[Clip], rate_hz: float, rng) -> list[Clip]:
    found = []
    for clip in clips:
        packets = slower(clip.packets, rate_hz) if rate_hz < RATES_HZ[0] else clip.packets
        found.append(replace(clip, packets=burst_losses(packets, rng) if rng else packets))
    return found


def measure(model) -> list[tuple[str, float, dict]]:
    """The scores of each variant; of what gives no window, none."""
    recipe = read_recipe(RECIPE)
    recipe = replace(recipe, spec=model.info.spec)
    names = model.info.class_names
    found = []
    for what, rate_hz, clips in variants(recipe.data.clips("test")):
        try:
            windows = scored_set(clips, recipe.spec, names)
        except InputError as error:
            print(f"{what}, {rate_hz:g} packets/s: {error}")
            continue
        result = scores(*answers(as_loaded(model), windows, recipe), names)
        found.append((what, rate_hz, result))
        print(
            f"{what}, {rate_hz:g} packets/s: accuracy {result['accuracy']:.3f} of "
            f"{result['answers']} windows, calibration error {result['calibration_error']:.3f}"
        )
    return found


def draw(found: list[tuple[str, float, dict]], path: Path) -> None:
    """The accuracy over the rate, a line for each kind."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 3.2), layout="constrained")
    for what in dict.fromkeys(what for what, _, _ in found):
        points = [(rate, result["accuracy"]) for kind, rate, result in found if kind == what]
        axes.plot(*zip(*points, strict=True), marker="o", label=what)
    axes.set(xlabel="packets sent per second", ylabel="accuracy of five activities", ylim=(0, 1.02))
    axes.set_xscale("log", base=2)
    ticks = sorted({rate for _, rate, _ in found})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(prog="python -m training.score_rates")
    parser.add_argument("model", nargs="?", default="default", help="a bundle: a name or a file")
    parser.add_argument("--picture", type=Path, help="draw the curve into this file")
    options = parser.parse_args()
    found = measure(load_bundle(options.model, "cpu", "fp32", TASK_ACTIVITY))
    if options.picture:
        draw(found, options.picture)


if __name__ == "__main__":
    run(main)
