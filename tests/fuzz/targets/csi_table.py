# SPDX-License-Identifier: GPL-3.0-or-later
"""``.csv`` files of plain amplitudes."""

from functools import partial

from fuzz import csi_file
from radiofm_core.csi.formats import table

seeds = partial(csi_file.seeds, "table")
run = partial(csi_file.read, module=table)
