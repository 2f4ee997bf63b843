# SPDX-License-Identifier: GPL-3.0-or-later
"""NumPy archives of CSI."""

from functools import partial

import csi_samples
import numpy as np

from fuzz import archive, csi_file
from radiofm_core.csi.formats import arrays

run = partial(csi_file.read, module=arrays)
mutate = archive.mutator(archive.numbers_in_text(b"\x93NUMPY"))


def seeds() -> dict[str, bytes]:
    """Stored and compressed."""
    return {
        "stored": csi_samples.numpy_archive(),
        "compressed": csi_samples.numpy_archive(np.savez_compressed),
    }
