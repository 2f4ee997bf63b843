# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of the site that lie at the repository's root, where git hosts and their readers look."""

from __future__ import annotations

from mkdocs.structure.files import File
from repository_links import ELSEWHERE, ROOT


def on_files(files, config):
    """Called by MkDocs: the files of the site, with those pages."""
    for path, address in ELSEWHERE.items():
        if path != "README.md":  # its place is the site's own front page
            files.append(File.generated(config, address, abs_src_path=str(ROOT / path)))
    return files
