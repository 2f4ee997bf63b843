# SPDX-License-Identifier: GPL-3.0-or-later
"""Links to files of the repository that are no pages of the site.

On a git host they lead to the file. In the site they lead to the same file at `files_url`
(mkdocs.yml), or, where no address is known, the file is named: a page must not link to what it does
not have.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.exceptions import PluginError

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# Pages that lie elsewhere in the repository: path there, address in the site
ELSEWHERE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
ELSEWHERE |= {"README.md": "index.md"}
# Code, in which nothing is a link; the second branch is one
_CODE_OR_LINK = re.compile(
    r"(?P<code>^```.*?^```|`[^`\n]+`(?!\]))|(?P<image>!?)\[(?P<text>(?:[^\]`]|`[^`]*`)+)\]"
    r"\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


def on_page_markdown(markdown: str, page, config, files) -> str:
    """Called by MkDocs: a page's text, with links that hold in the site."""
    try:
        return rewritten(markdown, origin_of(page.file.src_uri), config.extra.get("files_url", ""))
    except FileNotFoundError as error:
        raise PluginError(f"{page.file.src_uri}: {error}") from error


def origin_of(address: str) -> Path:
    """The file of the repository whose links a page of the site has."""
    for path, page in ELSEWHERE.items():
        if page == address and path != "README.md":
            return ROOT / path
    return DOCS / address


def rewritten(markdown: str, origin: Path, files_url: str = "") -> str:
    """The text of the page ``origin`` with its links to files outside docs/ as the module says.

    Raises FileNotFoundError if a link leads to a file that is not there.
    """

    def link(match: re.Match) -> str:
        text, target = match["text"], match["target"]
        if match["code"] or "://" in target or target.startswith(("#", "/", "mailto:")):
            return match[0]
        path, hash_sign, anchor = target.partition("#")
        found = Path(os.path.normpath(origin.parent / path))
        inside = _in_site(found)
        if inside is not None:
            here = PurePosixPath(ELSEWHERE.get(origin.name, "")).parent
            if origin.parent == ROOT:
                return f"{match['image']}[{text}]({here / inside}{hash_sign}{anchor})"
            if found.is_relative_to(DOCS):
                return match[0]
            up = "../" * len(origin.parent.relative_to(DOCS).parts)
            return f"{match['image']}[{text}]({up}{inside}{hash_sign}{anchor})"
        if not found.exists():
            raise FileNotFoundError(f"link to {target}: there is no such file")
        return _outside(text, found.relative_to(ROOT), hash_sign + anchor, files_url)

    return _CODE_OR_LINK.sub(link, markdown)


def _in_site(found: Path) -> str | None:
    """Where a file is in the site; None if it is none of its pages or pictures."""
    if found.is_relative_to(DOCS):
        return found.relative_to(DOCS).as_posix()
    name = found.relative_to(ROOT).as_posix() if found.is_relative_to(ROOT) else ""
    if name == "examples/notebooks":
        return "notebooks/index.md"
    if name.startswith("examples/notebooks/"):
        return f"notebooks/{found.stem}.md"
    return ELSEWHERE.get(name)


def _outside(text: str, path: Path, anchor: str, files_url: str) -> str:
    if files_url:
        return f"[{text}]({files_url.rstrip('/')}/{path.as_posix()}{anchor})"
    named = f"`{path.as_posix()}`"
    if path.as_posix().endswith(text.strip("`/")):
        return named
    return f"{text} ({named})"
