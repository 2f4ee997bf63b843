# SPDX-License-Identifier: GPL-3.0-or-later
"""The exceptions of radiofm: one line each, naming the value given and what to do.

Every error a user can cause derives from :class:`RadiofmError`; the command line prints its
text without a traceback and exits with ``exit_code``.
"""


class RadiofmError(Exception):
    """Base of all errors of this package. ``str(error)`` is one clear line."""

    exit_code = 1


class UsageError(RadiofmError):
    """A wrong parameter: a value outside its range, an unknown choice."""

    exit_code = 2


class InputError(RadiofmError):
    """A recording that cannot be used: missing, empty, truncated, wrong type or rate."""

    exit_code = 2


class BundleError(RadiofmError):
    """A model bundle that is corrupted, foreign, or does not fit where it is used."""

    exit_code = 2


class OutputError(RadiofmError):
    """A result that cannot be written: folder not writable, disk full."""

    exit_code = 2
