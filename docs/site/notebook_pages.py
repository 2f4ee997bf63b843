# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the notebooks of examples/notebooks into the site, as they were run and committed."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from block_pages import replace
from mkdocs.structure.files import File
from repository_links import ROOT

FOLDER = "notebooks"
NOTEBOOKS = ROOT / "examples/notebooks"
INDEX = """# Notebooks

They lie in [examples/notebooks](../../examples/notebooks); what they show here is what they
printed and drew when they were last run.

"""


def on_config(config):
    """Called by MkDocs: the navigation, with a page for each notebook."""
    pages = [f"{FOLDER}/{path.stem}.md" for path in notebooks()]
    replace(config.nav, f"{FOLDER}/", [f"{FOLDER}/index.md", *pages])
    return config


def on_files(files, config):
    """Called by MkDocs: the files of the site, with those pages and their pictures."""
    index = INDEX
    for path in notebooks():
        text, pictures = page(json.loads(path.read_text()), path.stem)
        files.append(File.generated(config, f"{FOLDER}/{path.stem}.md", content=text))
        for name, content in pictures.items():
            files.append(File.generated(config, f"{FOLDER}/{name}", content=content))
        title, _, rest = text.removeprefix("# ").partition("\n")
        index += f"- [{title}]({path.stem}.md): {rest.strip().partition(chr(10) * 2)[0]}\n"
    files.append(File.generated(config, f"{FOLDER}/index.md", content=index))
    return files


def notebooks() -> list[Path]:
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def page(notebook: dict, stem: str) -> tuple[str, dict[str, bytes]]:
    """A notebook (nbformat 4) as Markdown, and its pictures by name."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code" and source.strip():
            parts.append(f"```python\n{source}\n```")
            for output in cell["outputs"]:
                picture = output.get("data", {}).get("image/png")
                if picture:
                    name = f"{stem}-{len(pictures) + 1}.png"
                    pictures[name] = base64.b64decode("".join(picture))
                    parts.append(f"![]({name})")
                elif text := "".join(output.get("text") or output["data"].get("text/plain", "")):
                    parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n", pictures
