# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets of fuzzing, one a module."""
