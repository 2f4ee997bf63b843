# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of FeitCSI."""

from functools import partial

from fuzz import csi_file
from radiofm_core.csi.formats import feitcsi

REAL_FILES = ("feitcsi_HT20_2452.csi", "feitcsi_VHT80_5500.csi", "feitcsi_HESU20_5500.csi")
seeds = partial(csi_file.seeds, "feitcsi")
run = partial(csi_file.read, module=feitcsi)
