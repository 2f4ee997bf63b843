# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables and samples in docs/events.md: the tables of the JSON Schema, the samples as events of
what flowgraphs over examples/demo send.

    .venv/bin/python docs/site/event_page.py

writes them anew. Names of the host and of the run are made up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import message_samples

from radiofm_core import keys
from radiofm_core.events import names
from radiofm_core.events.clock import RunClock
from radiofm_core.events.maker import EventMaker, Receiver
from radiofm_core.events.schema import schema_text

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/events.md"
TABLE = re.compile(r"<!-- schema: (\w+) -->\n(?:\n\| key .*?\|\n(?=\n))?", re.DOTALL)
_SECOND = 1_000_000_000


def tables() -> dict[str, str]:
    """The rows of each type, and of ``every`` event, in Markdown."""
    schema = json.loads(schema_text())
    found = {"every": _table(schema["properties"], set(schema["required"]))}
    for kind in names.TYPES:
        part = schema["$defs"][kind]
        own = {key: each for key, each in part["properties"].items() if key != names.TYPE}
        found[kind] = _table(own, set(part.get("required", ())))
    return found


def _table(properties: Mapping, required: set[str]) -> str:
    rows = []
    for key, each in properties.items():
        values = each.get("enum") or ([each["const"]] if "const" in each else [])
        shown = ", ".join(f"`{value}`" for value in values)
        about = "; ".join(filter(None, (shown, each.get("description", ""))))
        presence = "always" if key in required else ""
        rows.append(f"| `{key}` | {presence} | {about} |\n")
        for inner, one in each.get("properties", {}).items():
            rows.append(f"| `{key}.{inner}` | {presence} | {one['description']} |\n")
    return "| key | there | content |\n|---|---|---|\n" + "".join(rows)


def events(messages: dict[str, list]) -> dict[str, dict]:
    """An event of each type."""
    sent = message_samples.samples(messages)
    source = "soapy=driver=rtlsdr"
    wall, steady = [1_714_564_800 * _SECOND], [0]
    maker = EventMaker(
        Receiver("attic", 2.4e9, 61.44e6),
        "segmenter-vit-tiny",
        host="roof",
        run="6d0f7a51-4b4e-4a1c-9d0a-6a9c1d1f8b23",
        clock=RunClock(lambda: wall[0], lambda: steady[0]),
    )

    def after(seconds: float, wall_seconds: float | None = None) -> None:
        steady[0] += round(seconds * _SECOND)
        wall[0] += round((seconds if wall_seconds is None else wall_seconds) * _SECOND)

    outputs = {"mqtt=broker": {names.DELIVERED: 118, names.WAITING: 0, names.DROPPED: 0}}
    found = {"run": maker.run_start()}
    after(1.204)
    found["source"] = maker.source_lost(source, "no samples for 5 s")
    after(0.31)
    emission = messages["emissions"][-1]
    found["emission"] = maker.emission(emission)
    after(1.0)
    found["status"] = maker.status(sent["segmenter-status"], outputs)
    found["drops"] = maker.drops(names.MODEL_TOO_SLOW, names.FRAMES, 2, 14)
    found["output"] = maker.output_lost("mqtt=broker", "the connection was lost")
    after(2.0, 2.0 - 3600.0)
    found["clock"] = maker.clock_step()
    maker.receiver, maker.model = Receiver("desk"), "activity-vit-tiny"
    found["activity"] = maker.activity(messages["activity"][0])
    found["motion"] = maker.motion(messages["motion"][-1])
    maker.receiver, maker.model = Receiver("attic", 433.92e6, 2.4e6), "segmenter-vit-tiny"
    found["round"] = maker.round(12, [(796e6, 48, {"lte": 1}), (433.92e6, 24, {})])
    return found


def written(page: str, shown: dict[str, dict]) -> str:
    """The page's text with its tables and samples."""
    rows = tables()
    page = TABLE.sub(lambda m: f"<!-- schema: {m[1]} -->\n\n{rows[m[1]]}", page)
    return message_samples.with_samples(page, shown)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), events(message_samples.capture())))
    assert keys.EVENT in PAGE.read_text()
