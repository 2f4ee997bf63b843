# SPDX-License-Identifier: GPL-3.0-or-later
"""From samples to emissions: specs, recordings, spectrograms, detections, tracking."""
