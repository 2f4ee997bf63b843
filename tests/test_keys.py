# SPDX-License-Identifier: GPL-3.0-or-later
"""The C++ and the Python vocabulary are one."""

import re
from pathlib import Path

from radiofm_core import keys

HEADER = Path(__file__).parent.parent / "gr-radiofm/include/gnuradio/radiofm/keys.h"


def test_both_languages_have_the_same_keys():
    found = re.findall(r'constexpr const char\* (\w+) = "([^"]*)";', HEADER.read_text())
    python = {name: value for name, value in vars(keys).items() if name.isupper()}
    assert dict(found) == python
    assert len(found) == len(python)
