# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual pages and completion of the ``radiofm`` command, made from its own arguments."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from radiofm_cli.command import build_parser
from radiofm_core.version import __version__

ROOT = Path(__file__).parent.parent
BASH, ZSH, FISH = (
    "bash-completion/completions/radiofm",
    "zsh/site-functions/_radiofm",
    "fish/vendor_completions.d/radiofm.fish",
)


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of a command and all below it, by their names."""
    found = {parser.prog: parser}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                found |= commands(one)
    return found


COMMANDS = commands(build_parser())


@pytest.fixture(scope="module")
def share(tmp_path_factory) -> Path:
    """The folder that the program wrote."""
    folder = tmp_path_factory.mktemp("share")
    program = ROOT / "packaging/command_files.py"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "86400"}
    subprocess.run([sys.executable, program, folder], check=True, timeout=300, env=environment)
    return folder


def needed(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run(*words: object, **more) -> str:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=300, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def plain(page: Path) -> str:
    """A page's text as typed, without man's own escapes."""
    text = page.read_text()
    for escape, meaning in (("\\-", "-"), ("\\fB", ""), ("\\fI", ""), ("\\fR", "")):
        text = text.replace(escape, meaning)
    return text


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_page_with_all_its_arguments(share, name):
    page = plain(share / "man/man1" / f"{name.replace(' ', '-')}.1")
    assert f'"1970-01-02" "gr-radiofm {__version__}"' in page
    for action in COMMANDS[name]._actions:
        if action.help == argparse.SUPPRESS:
            continue
        for option in action.option_strings:
            # the one in bold before what it does
            assert f"\n{option}" in page or f", {option}" in page, option
        if isinstance(action, argparse._SubParsersAction):
            assert all(f"\n.B {one}\n" in page for one in action.choices)


def test_pages_have_no_more_and_their_links_lead_somewhere(share):
    pages = {path.stem: plain(path) for path in (share / "man/man1").iterdir()}
    assert set(pages) == {name.replace(" ", "-") for name in COMMANDS}
    named = {
        line.removesuffix(",").removesuffix("(1)")
        for page in pages.values()
        for line in page.partition(".SH SEE ALSO\n")[2].splitlines()
    }
    assert named == set(pages)


def test_the_formatter_finds_no_fault_in_the_pages(share):
    pages = sorted((share / "man/man1").iterdir())
    assert run(needed("mandoc"), "-T", "lint", "-W", "style", *pages) == ""


def test_text_that_would_be_a_request_is_shown(share):
    shown = run(needed("mandoc"), "-T", "utf8", share / "man/man1/radiofm-watch.1")
    assert "soapy=driver=rtlsdr" in shown


@pytest.mark.parametrize("path", [BASH, ZSH, FISH])
def test_completion_knows_each_option(share, path):
    text = (share / path).read_text()
    for name, parser in COMMANDS.items():
        assert name.rpartition(" ")[2] in text
        for action in parser._actions:
            for option in action.option_strings if action.help != argparse.SUPPRESS else ():
                flag = "-l " + option.removeprefix("--") if path == FISH else option
                assert flag in text or len(option) == 2, (name, option)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["radiofm", "se"], {"segment", "sensor", "serve"}),
        (["radiofm", "segment", "--overw"], {"--overwrite"}),
        (["radiofm", "segment", "--precision", ""], {"auto", "fp32", "bf16"}),
        (["radiofm", "segment", "--out", "res"], {"results"}),
        (["radiofm", "segment", "rec"], {"recording.sigmf-meta"}),
    ],
)
def test_bash_offers_what_fits(share, tmp_path, words, offered):
    (tmp_path / "results").mkdir()
    (tmp_path / "resonance.txt").touch()
    (tmp_path / "recording.sigmf-meta").touch()
    script = (
        'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '_shtab_radiofm; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    answer = run("bash", "-c", script, share / BASH, *words, cwd=tmp_path)
    assert {line.rstrip(" /") for line in answer.splitlines()} == offered


def test_fish_offers_what_fits(share):
    script = f"source {share / FISH}; complete -C 'radiofm segment --overw'"
    answer = run(needed("fish"), "--no-config", "-c", script)
    assert [line.split("\t")[0] for line in answer.splitlines()] == ["--overwrite"]


def test_zsh_reads_its_completion(share):
    run(needed("zsh"), "-n", share / ZSH)
    assert (share / ZSH).read_text().startswith("#compdef radiofm\n")


def test_they_are_installed_where_shells_and_man_look():
    installed = Path(sys.prefix) / "share"
    paths = [BASH, ZSH, FISH, *(f"man/man1/{n.replace(' ', '-')}.1" for n in COMMANDS)]
    assert [path for path in paths if not (installed / path).is_file()] == []
