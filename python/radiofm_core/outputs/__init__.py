# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of a run: SigMF annotations, JSON lines, the mask, the picture."""

import logging

# It warns of caches that it cannot write in a home without the right to: no one's concern here
logging.getLogger("matplotlib").setLevel(logging.ERROR)
