# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command that watches does while it runs."""
