# SPDX-License-Identifier: GPL-3.0-or-later
"""The block reference: pages made from the block files of GNU Radio Companion in grc/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

# The parts that every block's documentation has, each a line of its own
_PARTS = re.compile(r"^(Input|Output|Parameters):$", re.MULTILINE)
_SUFFIX = ".block.yml"
_LIVE = "Can be changed while the flowgraph runs."
# What GNU Radio Companion calls the types of parameters
_TYPES = {
    "real": "A number",
    "float": "A number",
    "int": "An integer",
    "bool": "True or False",
    "string": "A text",
    "file_open": "A file",
    "file_save": "A file",
    "dir_select": "A folder",
    "raw": "A Python expression",
}


@dataclass(frozen=True)
class Block:
    """A block file, read."""

    name: str
    label: str
    category: str
    content: dict
    summary: str
    # lines of the documentation below its titles Input, Output and Parameters
    parts: dict[str, list[str]] = field(repr=False)

    @property
    def title(self) -> str:
        return self.label.removeprefix("RadioFM ")


def read_blocks(folder: Path) -> list[Block]:
    """The blocks of a folder of block files, in the order of GNU Radio Companion's tree."""
    found = [read_block(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))]
    return sorted(found, key=lambda block: (block.category, block.label))


def read_block(path: Path) -> Block:
    """A block file. Raises ValueError if its documentation lacks one of its three parts."""
    content = yaml.safe_load(path.read_text())
    pieces = _PARTS.split(content["documentation"])
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    if set(parts) != {"Input", "Output", "Parameters"}:
        raise ValueError(f"{path.name}: documentation has the parts {', '.join(parts) or 'none'}")
    return Block(
        name=path.name.removesuffix(_SUFFIX).removeprefix("radiofm_"),
        label=content["label"],
        category=content["category"].replace("[", "").replace("]", ""),
        content=content,
        summary=" ".join(pieces[0].split()),
        parts={title: _lines(text) for title, text in parts.items()},
    )


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return ["None."] if lines == ["none"] else lines


def index(blocks: list[Block]) -> str:
    """The page that lists all blocks, as a table for each category."""
    lines = ["# Blocks", ""]
    lines += [
        "Made from the block files in [grc/](../../grc), which GNU Radio Companion reads.",
        "",
    ]
    for category in dict.fromkeys(block.category for block in blocks):
        # categories are numbered, so that they sort along the flow of samples
        name = re.sub(r"^\d+ ", "", category.rpartition("/")[2])
        lines += [f"## {name}", "", "| block | in Python | |", "|---|---|---|"]
        lines += [
            f"| [{block.title}]({block.name}.md) | `{block.name}` | {_cell(block.summary)} |"
            for block in blocks
            if block.category == category
        ]
        lines.append("")
    return "\n".join(lines)


def page(block: Block) -> str:
    """The page of one block, as Markdown."""
    lines = [f"# {block.title}", "", _text(block.summary), ""]
    lines += [f"In GNU Radio Companion: *{block.category.replace('/', ' → ')} → {block.label}*. "]
    lines += [f"In Python: `gnuradio.radiofm.{block.name}`.", ""]
    for part, kind in (("Input", "inputs"), ("Output", "outputs"), ("Parameters", "parameters")):
        entries = [e for e in block.content.get(kind, []) if e.get("hide") != "all"]
        rows = (
            _parameter_rows(block, entries)
            if part == "Parameters"
            else _port_rows(block, part, entries)
        )
        lines += [f"## {part}", "", *rows, ""] if entries else [f"## {part}", ""]
        others = [line for line in block.parts[part] if not _is_about(line, entries)]
        lines += [text for line in others for text in (_text(line), "")]
    return "\n".join(lines)


def described(block: Block, part: str, entry: dict) -> str:
    """What a part of the documentation says about a port or parameter; empty if nothing."""
    return next((_split(line)[1] for line in block.parts[part] if _is_about(line, [entry])), "")


def _is_about(line: str, entries: list[dict]) -> bool:
    return any(name in _split(line)[0] for entry in entries for name in _names(entry))


def _names(entry: dict) -> set[str]:
    """How the documentation may call a port or parameter: by its label, or else by its name."""
    label = entry.get("label") or entry.get("id", "")
    return {re.sub(r" \(.*\)$", "", label)}


def _split(line: str) -> tuple[list[str], str]:
    """What a line of the form ``A, B (tab Advanced): text`` is about, and what it says."""
    head, colon, text = line.partition(": ")
    names = re.sub(r" \([^)]*\)", "", head).split(", ")
    return (names, text) if colon else ([], line)


def _port_rows(block: Block, part: str, ports: list[dict]) -> Iterator[str]:
    yield from ("| port | | |", "|---|---|---|")
    for port in ports:
        is_message = port["domain"] == "message"
        name = f"`{port['id']}`" if is_message else f"**{port.get('label', 'stream')}**"
        kind = "messages" if is_message else f"stream of {_samples(port)}"
        kind += "" if port.get("optional") else "; must be connected"
        yield f"| {name} | {kind} | {_cell(described(block, part, port))} |"


def _samples(port: dict) -> str:
    vector = str(port.get("vlen", 1))
    if vector == "1":
        return port["dtype"]
    length = re.sub(r"^\$\{\s*(.*?)\s*\}$", r"\1", vector)
    return f"vectors of `{length}` × {port['dtype']}"


def _parameter_rows(block: Block, parameters: list[dict]) -> Iterator[str]:
    callbacks = " ".join(block.content["templates"].get("callbacks", []))
    yield from ("| parameter | default | |", "|---|---|---|")
    for entry in parameters:
        label = entry.get("label", entry["id"])
        tab = f"<br>*tab {_cell(entry['category'])}*" if entry.get("category") else ""
        told = [_cell(described(block, "Parameters", entry)), _values(entry)]
        if re.search(rf"\b{entry['id']}\b", callbacks) and _LIVE not in told[0]:
            told.append(_LIVE)
        name = f"**{_cell(label)}**<br>`{entry['id']}`{tab}"
        yield f"| {name} | {_default(entry)} | {'<br>'.join(filter(None, told))} |"


def _default(entry: dict) -> str:
    default = str(entry.get("default", ""))
    options = [str(option) for option in entry.get("options", [])]
    labels = entry.get("option_labels", [])
    if default in options and labels:
        return _cell(str(labels[options.index(default)]))
    return f"`{_cell(default, code=True)}`" if default else "empty"


def _values(entry: dict) -> str:
    kind = _TYPES.get(entry["dtype"], entry["dtype"])
    options = entry.get("options", [])
    labels = entry.get("option_labels", options)
    if not options:
        return f"{kind}."
    pairs = [
        _cell(str(label))
        if str(label) == str(option) or entry["dtype"] == "bool" or not option
        else f"{_cell(str(label))} (`{_cell(str(option), code=True)}`)"
        for option, label in zip(options, labels, strict=True)
    ]
    also = "" if entry["dtype"] in ("enum", "bool") else f"; or {kind[0].lower()}{kind[1:]}"
    return f"Values: {', '.join(pairs)}{also}."


def _text(text: str) -> str:
    """Text of a block file as Markdown: what would be read as markup stands for itself."""
    return re.sub(r"([\\*_`<\[\]|])", r"\\\1", text)


def _cell(text: str, code: bool = False) -> str:
    text = " ".join(str(text).split())
    return text.replace("|", "\\|") if code else _text(text)
