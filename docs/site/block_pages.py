# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the block reference (block_reference.py) into the site."""

from __future__ import annotations

import block_reference
from mkdocs.structure.files import File
from repository_links import ROOT

FOLDER = "blocks"


def on_config(config):
    """Called by MkDocs: the navigation, with a page for each block."""
    blocks = block_reference.read_blocks(ROOT / "grc")
    pages = [f"{FOLDER}/index.md", *({b.title: f"{FOLDER}/{b.name}.md"} for b in blocks)]
    replace(config.nav, f"{FOLDER}/", pages)
    return config


def on_files(files, config):
    """Called by MkDocs: the files of the site, with those pages."""
    blocks = block_reference.read_blocks(ROOT / "grc")
    texts = {"index": block_reference.index(blocks)}
    texts |= {block.name: block_reference.page(block) for block in blocks}
    for name, text in texts.items():
        files.append(File.generated(config, f"{FOLDER}/{name}.md", content=text))
    return files


def replace(nav: list, marker: str, pages: list) -> None:
    """Puts ``pages`` where the navigation names ``marker``, at any depth."""
    for entry in nav:
        for title, value in entry.items() if isinstance(entry, dict) else ():
            if value == marker:
                entry[title] = pages
            elif isinstance(value, list):
                replace(value, marker, pages)
