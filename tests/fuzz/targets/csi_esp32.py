# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of an ESP32 in a file."""

from functools import partial

import csi_files as files

from fuzz import csi_file, fields
from radiofm_core.csi.formats import esp32

REAL_FILES = ("example_csi.csv",)
MOST_BYTES = 8192
run = partial(csi_file.read, module=esp32)
mutate = fields.mutate


def seeds() -> dict[str, bytes]:
    """Two programs' lines, as Windows writes them, and a C5's with 12-bit and repeated values."""
    found = csi_file.seeds("esp-csi", "esp32-csi-tool")
    named = f"{files.ESP_CSI_HEADER}\n{found['esp-csi'].decode()}\n"
    twelve = [k * 5 % 128 if k % 2 == 0 else (0, 15, 1, 14)[k // 2 % 4] for k in range(106)]
    lines = [
        f'CSI_DATA,3,{files.SENDER},-40,11,-96,9,20,11,{k},47,0,106,0,"[{numbers}]"'
        for k in range(12)
        for numbers in (",".join(map(str, twelve[:: 1 if k < 2 else -1])),)
    ]
    return {**found, "utf-16": named.encode("utf-16"), "c5": "\n".join(lines).encode()}
