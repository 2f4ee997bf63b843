# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples in docs/messages.md: real messages, taken from flowgraphs over examples/demo.

    .venv/bin/python docs/site/message_samples.py

writes them anew. What varies from run to run (latencies) varies there, too.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import numpy as np
from gnuradio import gr, radiofm

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/messages.md"
DEMO = ROOT / "examples/demo"
# A comment in the page that names a sample, and the block of code after it
MARKER = re.compile(r"<!-- sample: ([\w-]+) -->\n(?:\n```json\n.*?\n```\n)?", re.DOTALL)
WIDTH = 108
# Longer vectors are told by type and length
LONGEST = 12


def capture() -> dict[str, list]:
    """Messages by the names of their samples: dicts, or (dict, flat array) of PDUs."""
    source = radiofm.recording_source(str(DEMO / "demo.sigmf-meta"))
    framer = radiofm.spectrogram_framer(61.44e6)
    segmenter = radiofm.spectrogram_segmenter(overload="wait")
    tracker = radiofm.emission_tracker()
    flowgraph = gr.top_block()
    flowgraph.connect(source, framer, segmenter)
    flowgraph.msg_connect(segmenter, "detections", tracker, "detections")
    spectrum = _recorded(
        flowgraph,
        {
            "frames": (framer, "frames"),
            "masks": (segmenter, "masks"),
            "detections": (segmenter, "detections"),
            "emissions": (tracker, "emissions"),
            "segmenter-status": (segmenter, "status"),
        },
    )

    source = radiofm.csi_recording_source(str(DEMO / "room.npz"))
    framer, classifier = radiofm.csi_framer(), radiofm.activity_classifier()
    flowgraph = gr.top_block()
    flowgraph.msg_connect(source, "csi", framer, "csi")
    flowgraph.msg_connect(framer, "windows", classifier, "windows")
    csi = _recorded(
        flowgraph,
        {
            "csi": (source, "csi"),
            "windows": (framer, "windows"),
            "activity": (classifier, "activity"),
            "motion": (classifier, "motion"),
            "csi-framer-status": (framer, "status"),
        },
    )
    return spectrum | csi


def _recorded(flowgraph, ports: dict) -> dict[str, list]:
    """Run a flowgraph to its end; what came out of each port, by its name in ``ports``."""
    found: dict[str, list] = {name: [] for name in ports}
    for name, (block, port) in ports.items():

        def keep(_, fields, data, kept=found[name]) -> None:
            kept.append(fields if data is None else (fields, data))

        # what the sink's ports are called tells their use; each takes any message
        sink = radiofm.result_sink(keep, ports=["status"])
        flowgraph.msg_connect(block, port, sink, "status")
    flowgraph.run()
    return found


def samples(messages: dict[str, list]) -> dict[str, dict]:
    """One message of each kind, as JSON can hold it; of a PDU the vector is under ``(vector)``."""
    chosen = {name: found[0] for name, found in messages.items() if name != "detections"}
    # the one that tells most: an emission that has ended, the counts at the end
    chosen["emissions"] = messages["emissions"][-1]
    chosen |= {name: found[-1] for name, found in messages.items() if name.endswith("status")}
    chosen["detection"] = messages["detections"][0]["detections"][0]
    return {name: _plain(message) for name, message in chosen.items()}


def _plain(value):
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], dict):
        return {**_plain(value[0]), "(vector)": _plain(value[1])}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in sorted(value.items())}
    if isinstance(value, np.ndarray):
        if value.size > LONGEST or np.iscomplexobj(value):
            kind = {"f4": "f32", "f8": "f64", "c8": "c32", "u1": "u8"}[value.dtype.str[1:]]
            return f"{kind}vector of {value.size}"
        return [_plain(item) for item in value.tolist()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        # frequencies to the hertz
        return float(round(value)) if abs(value) >= 1e6 else float(f"{value:.6g}")
    return value


def rendered(value, indent: str = "", before: int = 0) -> str:
    """JSON on as few lines as fit; ``before`` characters stand on its first line already."""
    line = json.dumps(value, ensure_ascii=False)
    if before + len(line) <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        names = [f"{inner}{json.dumps(key)}: " for key in value]
        parts = [n + rendered(v, inner, len(n)) for n, v in zip(names, value.values(), strict=True)]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    if not any(isinstance(item, dict | list) for item in value):
        filled = textwrap.fill(
            line[1:-1], WIDTH, initial_indent=inner, subsequent_indent=inner, break_on_hyphens=False
        )
        return f"[\n{filled}\n{indent}]"
    parts = [inner + rendered(item, inner, len(inner)) for item in value]
    return "[\n" + ",\n".join(parts) + f"\n{indent}]"


def with_samples(page: str, shown: dict[str, dict]) -> str:
    """The page's text with a block of code after each comment that names a sample.

    Raises KeyError if a comment names a sample that there is not.
    """

    def block(match: re.Match) -> str:
        name = match[1]
        return f"<!-- sample: {name} -->\n\n```json\n{rendered(shown[name])}\n```\n"

    return MARKER.sub(block, page)


def shown_in(page: str) -> dict[str, dict]:
    """The samples that a page has, by name."""
    blocks = re.findall(r"<!-- sample: ([\w-]+) -->\n\n```json\n(.*?)\n```\n", page, re.DOTALL)
    return {name: json.loads(text) for name, text in blocks}


if __name__ == "__main__":
    PAGE.write_text(with_samples(PAGE.read_text(), samples(capture())))
