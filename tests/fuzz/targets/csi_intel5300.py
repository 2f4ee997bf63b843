# SPDX-License-Identifier: GPL-3.0-or-later
"""``.dat`` files of the Intel 5300."""

from functools import partial

from fuzz import csi_file
from radiofm_core.csi.formats import intel5300

REAL_FILES = ("sample_0x1_ap.dat",)
seeds = partial(csi_file.seeds, "intel")
run = partial(csi_file.read, module=intel5300)
