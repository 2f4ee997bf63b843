# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sources that may go and come back, in bursts or all the time, as one source of samples."""
