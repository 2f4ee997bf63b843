# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``radiofm sensor`` runs."""
