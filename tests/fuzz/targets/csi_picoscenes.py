# SPDX-License-Identifier: GPL-3.0-or-later
"""``.csi`` files of PicoScenes."""

from functools import partial

from fuzz import csi_file
from radiofm_core.csi.formats import picoscenes

REAL_FILES = ("rx_by_iwl5300.csi", "rx_by_qca9300.csi", "rx_by_usrpN210.csi")
seeds = partial(csi_file.seeds, "picoscenes")
run = partial(csi_file.read, module=picoscenes)
