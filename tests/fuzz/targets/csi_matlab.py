# SPDX-License-Identifier: GPL-3.0-or-later
"""``.mat`` files with a table of CSI."""

from functools import partial

from fuzz import csi_file
from radiofm_core.csi.formats import matlab

seeds = partial(csi_file.seeds, "matlab")
run = partial(csi_file.read, module=matlab)
