# SPDX-License-Identifier: GPL-3.0-or-later
"""What an encoder groups together in recordings without labels: a picture and a table."""
