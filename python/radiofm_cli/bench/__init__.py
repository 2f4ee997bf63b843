# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm bench``: what is measured (``measure`` and a module a section), how figures are paired
(``results``), compared with ``targets`` and shown (``table``, ``picture``)."""
