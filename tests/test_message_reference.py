# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/messages.md: every key in one table, and samples that are what the flowgraphs send."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from radiofm_core import keys

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/messages.md"


@pytest.fixture(scope="module")
def message_samples():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs/site")
        import message_samples

        yield message_samples


@pytest.fixture(scope="module")
def sent(message_samples) -> dict[str, dict]:
    """The samples as the flowgraphs send them now."""
    return message_samples.samples(message_samples.capture())


@pytest.fixture(scope="module")
def shown(message_samples) -> dict[str, dict]:
    """The samples on the page."""
    return message_samples.shown_in(PAGE.read_text())


def words_of_tables() -> Counter:
    """How often each word is what a row of a table is about."""
    cells = re.findall(r"^\| (`[^|]*`) \|", PAGE.read_text(), re.MULTILINE)
    return Counter(word for cell in cells for word in re.findall(r"`(\w+)`", cell))


def test_each_key_is_in_one_table_and_nothing_else_is():
    # a word may be two things: a port and a key, a tag and a key
    vocabulary = Counter(value for name, value in vars(keys).items() if name.isupper())
    assert len(vocabulary) > 70
    assert words_of_tables() == vocabulary


def test_there_is_a_sample_wherever_the_page_has_a_place_for_one(message_samples, shown, sent):
    places = re.findall(r"<!-- sample: ([\w-]+) -->", PAGE.read_text())
    assert sorted(places) == sorted(shown) == sorted(sent)
    assert message_samples.with_samples(PAGE.read_text(), shown) == PAGE.read_text()


def shape(value):
    """A sample without what varies: numbers and texts are their types, evidence is of one kind."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


@pytest.mark.parametrize("name", re.findall(r"<!-- sample: ([\w-]+) -->", PAGE.read_text()))
def test_a_sample_has_the_keys_that_are_sent(shown, sent, name):
    assert shape(shown[name]) == shape(sent[name])
    known = {value for word, value in vars(keys).items() if word.isupper()}
    assert set(shown[name]) - {"(vector)"} <= known


def test_what_does_not_vary_is_shown_as_it_is_sent(shown, sent):
    assert shown["frames"] == sent["frames"] and shown["csi"] == sent["csi"]
    assert shown["masks"]["(vector)"] == sent["masks"]["(vector)"]
    assert shown["detection"]["label"] == sent["detection"]["label"] == "lte"
    assert shown["emissions"]["event"] == sent["emissions"]["event"] == keys.EVENT_END
    assert shown["activity"]["probabilities"].keys() == sent["activity"]["probabilities"].keys()
