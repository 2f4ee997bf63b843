# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs of events: files, ZeroMQ, MQTT, InfluxDB, Prometheus. No GNU Radio in here.

Each runs on a thread of its own behind a bounded buffer: whoever makes events is never held up.
"""
