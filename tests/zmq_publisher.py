# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays complex64 samples over ZeroMQ for ever, until standard input ends or it is killed:
``python zmq_publisher.py FILE RATE ADDRESS``."""

from __future__ import annotations

import sys

from gnuradio import blocks, gr, zeromq

if __name__ == "__main__":
    path, rate, address = sys.argv[1:]
    top = gr.top_block()
    source = blocks.file_source(gr.sizeof_gr_complex, path, True)
    paced = blocks.throttle(gr.sizeof_gr_complex, float(rate), True)
    sink = zeromq.pub_sink(gr.sizeof_gr_complex, 1, address, 100, False)
    top.connect(source, paced, sink)
    top.start()
    sys.stdin.read()
    top.stop()
    top.wait()
