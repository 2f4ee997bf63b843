# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view in a browser: a small HTTP server beside a flowgraph; needs no GNU Radio."""
