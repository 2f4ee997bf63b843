# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm bench``: how fast this machine is with it, as a table, JSON and a picture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import UsageError
from radiofm_core.machine import describe_machine
from radiofm_core.outputs.files import prepare_folder, write_together
from radiofm_core.tasks import SEGMENTATION

from ..bench.picture import draw_figures
from ..bench.table import machine_lines, table_lines
from ..blocks import import_with_blocks
from ..console import EXIT_DONE, stop_on_signal

HELP = "measure the speed on this machine"
DESCRIPTION = (
    "Measure the speed of the framer, of the model, of the whole chain from memory, live and "
    "with several receivers, and of the live view; the baselines are measured in the same run. "
    "Close other programs meanwhile. Takes about eight minutes."
)
SECTIONS = ("framer", "segmenter", "end_to_end", "live", "scaling", "view")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "--model",
        default="default",
        help="name of a bundled model or path of a bundle (default: default)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("bench.json"),
        metavar="FILE.json",
        help="results with raw values and machine; a .png beside it (default: bench.json)",
    )
    parser.add_argument(
        "--only",
        type=_sections,
        default=SECTIONS,
        metavar="SECTION,...",
        help=f"comma-separated out of {', '.join(SECTIONS)} (default: all)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="shorter measurements: about two minutes, less accurate",
    )


def _sections(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"expected sections out of {', '.join(SECTIONS)}, got {unknown[0]!r}"
        )
    return names


def run(options: argparse.Namespace) -> int:
    """Measure, print the table, write both files."""
    out = options.out
    if out.suffix != ".json":
        raise UsageError(f"--out: expected a file name that ends in .json, got '{out}'")
    read_bundle_info(options.model, SEGMENTATION.name)
    prepare_folder(out.parent)
    with stop_on_signal() as stop:
        with stop.held():
            bench = import_with_blocks("radiofm_cli.bench.measure")
            machine = describe_machine(gnuradio=bench.gnuradio_version())
        for line in machine_lines(machine):
            print(line, flush=True)
        effort = bench.QUICK if options.quick else bench.FULL
        found = bench.measure(
            options.only, options.model, effort, lambda name: print(f"measuring {name}", flush=True)
        )
    results = {name: section.to_dict() for name, section in found.items()}
    content = {"machine": machine, "quick": options.quick, "model": options.model, **results}
    paths = {"json": out, "png": out.with_suffix(".png")}

    def write(kind: str, file) -> None:
        if kind == "json":
            file.write((json.dumps(content, indent=1) + "\n").encode())
        else:
            draw_figures(found, machine, file)

    # before the table, which can meet a reader that has gone
    write_together(paths, write)
    for line in table_lines(found):
        print(line)
    print(f"wrote {paths['json']} and {paths['png']}")
    return EXIT_DONE
