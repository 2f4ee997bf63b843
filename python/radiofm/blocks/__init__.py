# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks that users put into flowgraphs, one a module."""
