# SPDX-License-Identifier: GPL-3.0-or-later
"""Several hosts: sensors send frames or events, a server judges the frames of all of them.

No GNU Radio and no PyTorch in here: what comes from a flowgraph or goes to a model is handed in.
"""
