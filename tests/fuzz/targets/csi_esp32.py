# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of an ESP32 in a file."""

from functools import partial

from fuzz import csi_file, fields
from radiofm_core.csi.formats import esp32

REAL_FILES = ("example_csi.csv",)
MOST_BYTES = 8192
seeds = partial(csi_file.seeds, "esp-csi", "esp32-csi-tool")
run = partial(csi_file.read, module=esp32)
mutate = fields.mutate
