# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of fuzzing that once were a fault, and good ones: what tests/fuzz/targets promise
holds for them, without the fuzzer."""

import pytest
from fuzz import harness

TARGETS = harness.target_names()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", TARGETS)
def test_kept_inputs_are_read_or_refused_in_one_line(name):
    target = harness.load_target(name)
    for data in (*target.seeds().values(), *harness.corpus_of(name).values(), b"", b"\0", b"{}"):
        target.run(data)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_are_read_or_refused_in_one_line(name):
    target = harness.load_target(name)
    for data in harness.changed_seeds(target, count=40):
        target.run(data)


def test_every_kept_input_belongs_to_a_target():
    assert {path.name for path in harness.CORPUS.iterdir()} <= set(TARGETS)


def test_a_refusal_of_several_lines_or_without_an_end_is_a_fault():
    for text in ("", "a\nb", "\x1b[31m", "x" * 2000):
        with pytest.raises(AssertionError), harness.may_refuse(ValueError):
            raise ValueError(text)
    with pytest.raises(KeyError), harness.may_refuse(ValueError):
        raise KeyError("x")
