# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm keys``: the keys by which a server and its sensors know each other."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..console import EXIT_DONE
from ..network import import_network

HELP = "make keys for a server and its sensors"
DESCRIPTION = (
    "Make keys. `radiofm keys new DIR` makes those of a server, for `radiofm serve --keys DIR`; "
    "`radiofm keys new DIR NAME` those of a sensor, too: DIR/NAME.key_secret is the file that it "
    "needs, and DIR/sensors/NAME.key lets it in for as long as it is there."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    new = actions.add_parser("new", help="make keys", description=DESCRIPTION)
    new.add_argument("folder", type=Path, metavar="DIR", help="the server's folder of keys")
    new.add_argument("names", nargs="*", metavar="NAME", help="of a sensor: one for each receiver")


def run(options: argparse.Namespace) -> int:
    """Make what is not there yet."""
    curve = import_network("radiofm_net.curve_keys")
    folder = options.folder
    if curve.make_server_keys(folder):
        print(f"{folder}/server{curve.SECRET}: for radiofm serve --keys {folder}")
    elif not options.names:
        print(f"{folder}/server{curve.SECRET} is there already")
    for name in options.names:
        path = curve.make_sensor_keys(folder, name)
        print(
            f"{path}: move it to the sensor, for radiofm sensor --keys {path.name}\n"
            f"{folder / curve.SENSORS / name}.key: lets it in; remove it to keep it out"
        )
    return EXIT_DONE
