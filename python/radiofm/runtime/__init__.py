# SPDX-License-Identifier: GPL-3.0-or-later
"""What the blocks run on: threads of the models, queues, counts, ends of streams."""
