# SPDX-License-Identifier: GPL-3.0-or-later
"""Teach a segmenter a class of your own from a few bursts that are marked in SigMF recordings."""

from __future__ import annotations

from pathlib import Path

from radiofm_core.errors import UsageError

from .command import Parser, run

FOLDER = Path("build/training")


def main() -> None:
    """Check the marks, train, score, and write the bundle."""
    parser = Parser(prog="python -m training.teach")
    parser.description = __doc__
    parser.add_argument("recordings", help="folder of SigMF recordings with annotations")
    parser.add_argument("--class", dest="name", required=True, help="the new class")
    parser.add_argument("--color", help="of it in pictures, such as '#b48cff'")
    told = "what other labels mean, such as d:drone, or gsm:ignore (not scored)"
    parser.add_argument("--labels", nargs="+", default=[], metavar="LABEL:CLASS", help=told)
    told = "generated signals that are the same thing, and else would be taught as another class"
    parser.add_argument("--kinds", nargs="+", help=told)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="default: build/training/CLASS")
    parser.add_argument("--model", default="default", help="what to teach (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="of training (default: 240)")
    told = "generated frames to learn from beside the marks (default: 500); fewer forget more"
    parser.add_argument("--frames", type=int, help=told)
    told = "leave out the same from random weights, which is trained for comparison"
    parser.add_argument("--no-scratch", action="store_true", help=told)
    options = parser.parse_args()

    # Takes seconds, which a wrong option need not wait for
    from .segmentation.teach.lesson import Lesson
    from .segmentation.teach.run import teach

    chosen = {name: getattr(options, name) for name in ("color", "steps", "frames")}
    lesson = Lesson(
        folder=options.recordings,
        name=options.name,
        out=options.out or FOLDER / options.name,
        model=options.model,
        labels=_labels(options.labels),
        kinds=tuple(options.kinds) if options.kinds else None,
        **{key: value for key, value in chosen.items() if value is not None},
    )
    teach(lesson, with_scratch=not options.no_scratch)


def _labels(pairs: list[str]) -> dict[str, str]:
    out = {}
    for pair in pairs:
        label, sign, name = pair.rpartition(":")
        if not (label and sign and name):
            raise UsageError(f"--labels: expected LABEL:CLASS, such as d:drone, got {pair!r}")
        out[label] = name
    return out


if __name__ == "__main__":
    run(main)
