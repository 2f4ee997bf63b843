# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of a run: SigMF annotations, JSON lines, the mask, the picture."""

import logging
import warnings

# It warns of caches that it cannot write in a home without the right to: no one's concern here
logging.getLogger("matplotlib").setLevel(logging.ERROR)
# Where Debian's matplotlib is installed, too, ours finds that one's mpl_toolkits; nothing is drawn
# in three dimensions
warnings.filterwarnings("ignore", "Unable to import Axes3D", UserWarning)
