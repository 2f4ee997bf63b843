# SPDX-License-Identifier: GPL-3.0-or-later
"""Wi-Fi channel state information (CSI): packets, files and streams that hold them, windows."""
