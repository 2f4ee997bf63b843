# SPDX-License-Identifier: GPL-3.0-or-later
"""The README and the pages in docs/: what they tell to type works, what they link to is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from csi_walk import WALKING, write_pcap
from level_model import two_carriers, write_recording

from radiofm_cli.command import build_parser, run

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
MOST_LINES = 120
# The README's commands that no test can run, and why
NOT_RUN = {
    "git clone URL gr-radiofm": "needs the network",
    "cd gr-radiofm": "follows the clone",
    "./dev grc examples/segment_recording.grc": "opens a window (test_examples.py compiles it)",
    ".venv/bin/radiofm watch --source 'soapy=driver=rtlsdr' --sample-rate 2.4M "
    "--center-frequency 796M": "needs a receiver (test_examples.py has a pretended one)",
}
# Within a numbered list blocks are indented
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    found = FENCE.findall(page.read_text())
    return [textwrap.dedent(text) for _, kind, text in found if kind == language]


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def commands(page: Path) -> list[str]:
    """Of a page's sh blocks, without comments."""
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in re.sub(r"\s#.*", "", line).split(" && ")]
    return [part.strip() for part in parts if part.strip()]


def all_commands() -> list[list[str]]:
    """Of all pages, as words: those of blocks, and those of our programs in the text."""
    typed = [command for page in PAGES for command in commands(page)]
    for page in PAGES:
        typed += re.findall(r"`((?:\.venv/bin/|\./dev )[^`]+)`", prose(page))
    return [shlex.split(command) for command in typed]


def files_after(option: str) -> list[str]:
    found = [w for words in all_commands() for w in pairwise(words)]
    return [value for name, value in found if name == option]


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= MOST_LINES


def test_commands_that_are_not_run_are_in_the_readme():
    assert NOT_RUN.keys() <= set(commands(README))


@pytest.fixture
def own_files(tmp_path, monkeypatch):
    """A folder with the files that the README's commands name."""
    write_recording(tmp_path / "my", two_carriers(0.05))
    write_pcap(tmp_path / "capture.pcap", 3.0, WALKING)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", [c for c in commands(README) if c not in NOT_RUN])
def test_the_readmes_commands_run(command, own_files, monkeypatch):
    program, *arguments = shlex.split(command)
    if (program, *arguments) == ("./dev", "demo"):
        return  # the next test
    assert program == ".venv/bin/radiofm", f"neither run nor in NOT_RUN: {command}"
    if arguments[0] == "view":
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
        assert run([*arguments, "--duration", "1"]) == 0
        return
    assert run(arguments) == 0
    assert list((own_files / "results").glob("*.png"))


def test_the_demo_prints_what_the_readme_shows():
    # installing and building are for a fresh machine
    done = subprocess.run(
        ["bash", "-c", f'source "{ROOT}/dev" && set_up() {{ :; }} && main demo'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    shown, printed = blocks(README, "")[0].splitlines(), done.stdout.splitlines()

    # The last digits, and with them small emissions, depend on the processor
    def labels(lines: list[str]) -> set[str]:
        return {line.split()[0] for line in lines if re.match(r"  \w+ +[\d.]+ MHz", line)}

    assert labels(shown) == labels(printed) and "LTE" in labels(shown)
    assert [line for line in shown if "MHz  " not in line] == [
        line for line in printed if "MHz  " not in line
    ]


# Programs without an end, which another test runs
RUN_ELSEWHERE = {"events.md": "test_event_page.py"}
PROGRAMS = [
    (page.name, text)
    for page in PAGES
    if page.name not in RUN_ELSEWHERE
    for text in blocks(page, "python")
]
# What a program prints; of the demo recording its emissions, where nothing else is named
PRINTED = {"sigmf.md": "sigmf-data"}


@pytest.mark.parametrize(("page", "program"), PROGRAMS, ids=[name for name, _ in PROGRAMS])
def test_programs_run(page, program, tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "program", "exec"), {"__name__": "__main__"})
    assert PRINTED.get(page, "lte") in capsys.readouterr().out


def slugs(page: Path) -> set[str]:
    """What a forge makes of headings, to link to."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


LINKS = [
    (page, target)
    for page in PAGES
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page))
    if "://" not in target
]


@pytest.mark.parametrize(("page", "target"), LINKS, ids=[f"{p.name}-{t}" for p, t in LINKS])
def test_links_lead_somewhere(page, target):
    path, _, heading = target.partition("#")
    found = page.parent / path if path else page
    assert found.exists()
    assert not heading or heading in slugs(found)


def test_every_page_is_linked_from_the_readme():
    linked = {ROOT / target.partition("#")[0] for page, target in LINKS if page == README}
    assert set(PAGES) - {README} <= linked


def test_radiofm_commands_are_understood():
    typed = [words[1:] for words in all_commands() if words[0] == ".venv/bin/radiofm"]
    assert len(typed) >= 5
    for arguments in typed:
        build_parser().parse_args(arguments)  # SystemExit if they are not


def test_dev_commands_are_there():
    verbs = [words[1] for words in all_commands() if words[0] == "./dev"]
    text = subprocess.run([ROOT / "dev", "help"], capture_output=True, text=True).stdout
    assert {"demo", "build", "install", "training", "bench"} <= set(verbs)
    for verb in verbs:
        assert re.search(rf"^  {verb}\b", text, re.MULTILINE), verb


def test_programs_and_modules_are_there():
    for words in all_commands():
        if words[0].startswith(".venv/bin/"):
            assert (Path(sys.executable).parent / Path(words[0]).name).exists(), words
    modules = files_after("-m")
    assert {"training.export", "training.study"} <= set(modules)
    for module in modules:
        if module.startswith(("training.", "tests.")):
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_recipes_and_studies_are_there():
    named = files_after("--recipe") + files_after("--study")
    assert len(named) >= 8
    for name in named:
        assert (ROOT / name).is_file(), name
    for page in PAGES:
        # those of a system begin with a slash
        for name in re.findall(r"`([\w*][\w*/]*\.yaml)`", prose(page)):
            assert list((ROOT / "training").glob(f"**/{Path(name).name}")), name


def options_of_programs() -> set[str]:
    commands = build_parser()._subparsers._group_actions[0].choices.values()
    found = {option for command in commands for option in command._option_string_actions}
    for folder in ("training", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r'"(--[a-z-]+)"', path.read_text()))
    return found


def test_options_in_the_text_are_there():
    known = options_of_programs()
    for page in PAGES:
        for span in re.findall(r"`([^`]+)`", prose(page)):
            for option in re.findall(r"(?:^| )(--[a-z-]+)", span):
                assert option in known, f"{page.name}: {option}"


def test_yaml_in_the_text_can_be_read():
    for page in PAGES:
        for text in blocks(page, "yaml"):
            assert isinstance(yaml.safe_load(text), dict)
        # sources in tables
        for span in re.findall(r"`(\{\w+: [^`]+\})`", prose(page)):
            assert isinstance(yaml.safe_load(span), dict), span
