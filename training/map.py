# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw what an encoder groups together in recordings without labels, and write it as a table."""

from __future__ import annotations

from pathlib import Path

from .command import Parser, run


def main() -> None:
    """The command."""
    parser = Parser(prog="python -m training.map", description=__doc__)
    parser.add_argument("folder", help="SigMF recordings, in it and below")
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FILE.png",
        help="the picture; the table FILE.csv comes beside it",
    )
    parser.add_argument(
        "--model", default="default", help="a bundle: its encoder is taken (default: default)"
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=200,
        help="how many frames to look at, spread over the recordings (default: 200)",
    )
    parser.add_argument(
        "--groups", type=int, help="how many groups (default: by the number of emissions, up to 20)"
    )
    options = parser.parse_args()
    # Takes seconds, which a wrong option need not wait for
    from .segmentation.embedding_map.make import make_map

    print(make_map(options.folder, options.out, options.model, options.frames, options.groups))


if __name__ == "__main__":
    run(main)
