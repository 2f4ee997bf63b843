# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of recordings: on this machine, or on the workers of a Dask cluster."""
