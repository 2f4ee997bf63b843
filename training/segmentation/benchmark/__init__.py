# SPDX-License-Identifier: GPL-3.0-or-later
"""radiofm-bench-2: fixed frames, all of them generated from seeds, that every model can be scored
on; no recipe may train on their seeds.

``strata`` says what the frames are, ``scenes`` draws them, ``frames`` keeps them on disk,
``edges`` and ``scoring`` measure, ``report`` prints.
"""
