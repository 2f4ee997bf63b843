# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sources of CSI packets: datagrams of nexmon, lines of an ESP32 on a serial port."""
