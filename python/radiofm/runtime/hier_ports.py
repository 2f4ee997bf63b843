# SPDX-License-Identifier: GPL-3.0-or-later
"""Message ports of hierarchical blocks, without what GNU Radio's own way leaks (gnuradio#7706)."""

from __future__ import annotations

from gnuradio import gr

from .. import radiofm_python


class outside:
    """A hierarchical block as an end of its own connections of messages, in place of ``self``.

    A block keeps the ends of its connections. If it is one itself, it keeps itself, its blocks and
    their buffers until the process ends; this end does not keep it.
    """

    def __init__(self, block: gr.hier_block2):
        self._native = radiofm_python.held_by_flowgraph(block.to_basic_block(), None)

    def to_basic_block(self):
        """For GNU Radio: what ``msg_connect`` hands to the flowgraph."""
        return self._native
