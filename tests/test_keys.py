# SPDX-License-Identifier: GPL-3.0-or-later
"""The C++ vocabulary is what C++ uses of the Python one."""

import re
from pathlib import Path

from radiofm_core import keys

ROOT = Path(__file__).parent.parent
HEADER = ROOT / "gr-radiofm/include/gnuradio/radiofm/keys.h"
SOURCES = [*(ROOT / "gr-radiofm").rglob("*.cc"), *(ROOT / "python/radiofm/bindings").glob("*.cc")]


def native_keys() -> dict[str, str]:
    found = re.findall(r'constexpr const char\* (\w+) = "([^"]*)";', HEADER.read_text())
    assert len(found) == len(dict(found)) == HEADER.read_text().count("constexpr")
    return dict(found)


def test_each_native_key_is_that_of_python():
    assert native_keys().items() <= vars(keys).items()


def test_each_native_key_is_used():
    used = re.findall(r"\bkeys::(\w+)", "".join(path.read_text() for path in SOURCES))
    assert set(used) == set(native_keys())
