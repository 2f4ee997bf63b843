# SPDX-License-Identifier: GPL-3.0-or-later
"""Base of the blocks in Python: they live as long as a flowgraph holds them."""

from __future__ import annotations

from gnuradio import gr

from .. import radiofm_python


class held_block(gr.basic_block):
    """A block that nothing but a flowgraph has to keep.

    GNU Radio's flowgraphs hold the native half of a block written in Python; without its Python
    half, which a function that connects it may forget, it crashes. Here the flowgraph holds both,
    from ``connect`` or ``msg_connect`` until ``disconnect_all()`` (which leaves connections of
    messages to ``msg_disconnect``) or the flowgraph's end.

    Python's collector sees nothing of that: a flowgraph that one of its own blocks refers to, as
    through a callback that uses the flowgraph, stays until its blocks are disconnected.
    """

    def to_basic_block(self):
        """For GNU Radio: what ``connect`` and ``msg_connect`` hand to a flowgraph."""
        return radiofm_python.held_by_flowgraph(self.gateway.to_basic_block(), self)
