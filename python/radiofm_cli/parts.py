# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that some commands and options need, and others do not."""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass

from radiofm_core.errors import reason_of
from radiofm_core.installation import how_to_install, package_of


@dataclass(frozen=True)
class Part:
    """What a user may want, and what it takes.

    Attributes:
        name: of the line of ``radiofm doctor``.
        modules: that are imported for it.
        use: what they are for.
        instead: modules of newer Pythons that stand in for all of ``modules``.
    """

    name: str
    modules: tuple[str, ...]
    use: str
    instead: str = ""

    def missing(self) -> tuple[str, ...]:
        """Those of ``modules`` that cannot be imported."""
        return tuple(module for module in self.modules if _problem(module))

    def look(self) -> tuple[bool, str]:
        """Whether it is there, and one line of what is found, what for, and what to do."""
        if self.instead and not _problem(self.instead):
            return True, f"{self.instead} of this Python: {self.use}"
        missing = self.missing()
        if missing:
            reasons = "; ".join(_problem(module) for module in missing)
            return False, f"no {self.use} ({reasons}); {how_to_install(*missing)}"
        return True, f"{', '.join(map(_version, self.modules))}: {self.use}"


PARTS = (
    Part("browser view", ("aiohttp",), "live view in a browser (--http)"),
    Part("ZeroMQ events", ("zmq",), "sensor, serve, keys, --output zmq="),
    Part("MQTT", ("paho.mqtt.client",), "--output mqtt=, mqtts="),
    Part("Prometheus", ("prometheus_client",), "--output prometheus="),
    Part("config files", ("yaml",), "--config, --print-config"),
    Part("event checks", ("jsonschema",), "`radiofm events FILE`"),
    Part("Parquet", ("pyarrow.parquet",), "tables in Parquet of `radiofm segment FOLDER`"),
    Part("clusters", ("distributed",), "`radiofm segment --dask`"),
    Part("zstd", ("zstandard",), "recordings in .zst", "compression.zstd"),
    Part("serial ports", ("serial",), "`radiofm activity --live esp32=`"),
    Part("window", ("PyQt5.QtWidgets", "pyqtgraph"), "`radiofm view`, the block Live View"),
)


def _problem(module: str) -> str:
    """Why a module cannot be imported; empty where it can."""
    try:
        importlib.import_module(module)
    except Exception as error:  # of one that was built for another NumPy, any
        return reason_of(error)
    return ""


def _version(module: str) -> str:
    name = package_of(module).name
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return name
