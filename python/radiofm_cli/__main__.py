# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m radiofm_cli``: the same as the ``radiofm`` command."""

import sys

from . import main

sys.exit(main())
