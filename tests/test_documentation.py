# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site: it builds without a warning, asks no other host, tells every block."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from browser import Browser, find_chromium

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SITE = DOCS / "site"
BLOCK_FILES = sorted((ROOT / "grc").glob("*.block.yml"))
# What a page or style sheet loads by itself; a link to click (<a href>) is none of it
LOADED = (
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=[\"']?([^\"'\s>]+)",
    r"<link\b(?![^>]*rel=[\"']?(?:canonical|prev|next))[^>]*?\bhref=[\"']?([^\"'\s>]+)",
    r"\burl\(\s*[\"']?([^\"')\s]+)",
    r"@import\s+[\"']([^\"']+)",
)


@pytest.fixture(scope="module")
def reference():
    """The modules that make pages, imported as MkDocs does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SITE)
        import block_reference
        import repository_links

        yield block_reference, repository_links


def build(folder: Path, config: Path = SITE / "mkdocs.yml", **variables) -> str:
    """Build the site as ``./dev docs`` does; returns what MkDocs printed."""
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "true", **variables}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config, "-d", folder]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "built"
    assert "WARNING" not in build(folder)
    return folder


def text_of(page: Path) -> str:
    """What a built page shows, as words with single spaces."""
    body = page.read_text().partition("<article")[2].partition(">")[2].partition("</article>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_every_page_is_in_the_site_and_its_navigation(site):
    front = (site / "index.html").read_text()
    pages = [path.stem for path in DOCS.glob("*.md")] + ["contributing", "changes"]
    pages += [f"blocks/{path.name.split('.')[0].removeprefix('radiofm_')}" for path in BLOCK_FILES]
    assert len(pages) > 20
    for page in pages:
        assert (site / f"{page}.html").is_file(), page
        assert page == "index" or re.search(rf"href=[\"']?{page}\.html", front), page


WRONG_LINKS = {
    "no-such-page.md": "no-such-page.md",
    "#no-such-heading": "no-such-heading",
    "labels.md#no-such-heading": "labels.md#no-such-heading",
    "/labels.md": "/labels.md",
}


@pytest.mark.parametrize("wrong", [WRONG_LINKS, {"../grc/no-such.yml": "no-such.yml"}])
def test_links_that_lead_nowhere_fail_the_build(tmp_path, wrong):
    for path in ROOT.iterdir():
        if path.name not in ("docs", "build", ".git"):
            (tmp_path / path.name).symlink_to(path)
    # without what other tests may be compiling in there
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    page = tmp_path / "docs/limits.md"
    page.write_text(page.read_text() + "".join(f"\n[wrong]({link})\n" for link in wrong))
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/site/mkdocs.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    for told in wrong.values():
        assert told in done.stdout + done.stderr


def test_pages_load_nothing_from_other_hosts(site):
    loaded = []
    for path in [*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]:
        text = path.read_text()
        loaded += [(path.name, found) for kind in LOADED for found in re.findall(kind, text)]
    assert len(loaded) > 100
    assert [each for each in loaded if re.match(r"(?:\w+:)?//", each[1])] == []
    # The theme's script would load these, from elsewhere, where a page has a place for them
    pages = "".join(path.read_text() for path in site.rglob("*.html"))
    assert "mermaid" not in pages and 'data-md-component="source"' not in pages


@pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed; ./dev test installs it on Debian"
)
def test_pages_opened_as_files_are_searched_and_ask_no_host(site):
    with Browser() as browser:
        page = browser.open((site / "index.html").as_uri())
        page.until("document.readyState === 'complete'")
        field = "document.querySelector('[data-md-component=search-query]')"
        box = page.run(f"{field}.getBoundingClientRect().toJSON()")
        page.point(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, click=True)
        page.run(
            f"{field}.value = 'coherence';"
            f"{field}.dispatchEvent(new KeyboardEvent('keyup', {{bubbles: true}}))"
        )
        page.until("document.querySelector('.md-search-result__item a') !== null")
        found = page.run("document.querySelector('.md-search-result__item a').href")
        assert found.startswith(site.as_uri())
        assert len(page.requests) > 5
        assert [each for each in page.requests if not each.startswith(("file:", "data:"))] == []


def test_links_to_files_outside_docs_lead_to_the_given_address_or_nowhere(site, tmp_path):
    page = "training.html"
    link = 'href="{}/training/recipes/whole_bands.yaml"'
    assert "training/recipes/whole_bands.yaml</code>" in (site / "labels.html").read_text()
    assert 'href="../' not in (site / page).read_text()
    build(tmp_path / "linked", RADIOFM_FILES_URL="https://host.invalid/files/")
    linked = (tmp_path / "linked/labels.html").read_text()
    assert link.format("https://host.invalid/files") in linked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](labels.md#pixels)", "[a](labels.md#pixels)"),
        ("[a](https://sigmf.org)", "[a](https://sigmf.org)"),
        ("[`dev`](../dev)", "`dev`"),
        ("[grc/](../grc)", "`grc`"),
        ("[the recipes](../training/recipes)", "the recipes (`training/recipes`)"),
        ("[how](../CONTRIBUTING.md#x)", "[how](contributing.md#x)"),
        ("![p](activity.png)", "![p](activity.png)"),
        ("`[a](../dev)` is a link", "`[a](../dev)` is a link"),
        ("```sh\n[a](../dev)\n```\n", "```sh\n[a](../dev)\n```\n"),
    ],
)
def test_a_link_becomes_what_the_site_can_show(reference, text, expected):
    assert reference[1].rewritten(text, DOCS / "page.md") == expected


@pytest.mark.parametrize("path", BLOCK_FILES, ids=lambda path: path.name.split(".")[0])
def test_the_page_of_a_block_tells_all_that_its_file_does(site, path):
    content = yaml.safe_load(path.read_text())
    name = content["id"].removeprefix("radiofm_")
    shown = text_of(site / f"blocks/{name}.html")
    title = content["label"].removeprefix("RadioFM ")
    assert shown.startswith(title) and f"gnuradio.radiofm.{name}" in shown
    for entry in content["parameters"]:
        assert f" {entry['label']} {entry['id']} " in shown
        for label in entry.get("option_labels", []):
            assert str(label) in shown
        if entry["dtype"] not in ("enum", "bool") and not entry.get("options"):
            assert str(entry.get("default", "")) in shown
    for port in content.get("inputs", []) + content.get("outputs", []):
        assert port.get("id", port.get("label")) in shown
    for line in content["documentation"].splitlines():
        text = " ".join(line.split())
        if text and text != "none" and not re.fullmatch(r"(Input|Output|Parameters):", text):
            # of what is told of a parameter or port, that is in the row of its own
            told = text.partition(": ")[2] if text not in shown else text
            assert told and told in shown, text


def test_what_changes_live_is_said_to(site):
    for path in BLOCK_FILES:
        content = yaml.safe_load(path.read_text())
        callbacks = " ".join(content["templates"].get("callbacks", []))
        shown = text_of(site / f"blocks/{content['id'].removeprefix('radiofm_')}.html")
        live = [p["id"] for p in content["parameters"] if f"${{{p['id']}}}" in callbacks]
        assert shown.count("Can be changed while the flowgraph runs.") == len(live)


def test_a_block_file_without_a_part_of_its_documentation_is_refused(reference, tmp_path):
    path = tmp_path / "radiofm_x.block.yml"
    path.write_text("label: X\ncategory: x\ndocumentation: |-\n    X.\n\n    Input:\n    none\n")
    with pytest.raises(ValueError, match=r"radiofm_x\.block\.yml: .* Input"):
        reference[0].read_block(path)


def test_the_pictures_of_programs_are_those_that_the_script_takes_and_small():
    script = (DOCS / "screenshots/take_all.py").read_text()
    names = re.findall(r'^    "([\w-]+)": \w', script, re.MULTILINE)
    pictures = list((DOCS / "pictures").glob("*.png"))
    assert sorted(path.stem for path in pictures) == sorted(names) and len(names) == 5
    assert max(path.stat().st_size for path in pictures) <= 200_000
    pages = "".join(path.read_text() for path in DOCS.glob("*.md"))
    for path in pictures:
        assert f"pictures/{path.name}" in pages, path.name
