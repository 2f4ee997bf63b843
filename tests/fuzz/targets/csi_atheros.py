# SPDX-License-Identifier: GPL-3.0-or-later
"""``.dat`` files of Atheros cards."""

from functools import partial

from fuzz import csi_file
from radiofm_core.csi.formats import atheros

REAL_FILES = ("ath_csi_1.dat",)
seeds = partial(csi_file.seeds, "atheros")
run = partial(csi_file.read, module=atheros)
