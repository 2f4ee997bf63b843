# SPDX-License-Identifier: GPL-3.0-or-later
"""Events: what a run tells the world of emissions, activities, drops, sources and itself.

An event is a flat dict that JSON can hold; ``event.schema.json`` is its definition.
"""
