# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SigMF sink is made of beside its samples: the thread that writes, messages, status."""
