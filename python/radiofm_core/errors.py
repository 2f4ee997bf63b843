# SPDX-License-Identifier: GPL-3.0-or-later
"""The exceptions of radiofm: one line each, naming the value given and what to do.

Every error a user can cause derives from :class:`RadiofmError`; the command line prints its
text without a traceback and exits with ``exit_code``.
"""

# A value that a file holds can be of any length
_MOST_CHARACTERS = 900


def printable(text: str) -> str:
    """A text as one line for any terminal: line ends, control characters and what is in no
    encoding are shown as Python writes them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class RadiofmError(Exception):
    """Base of all errors of this package. ``str(error)`` is one clear line."""

    exit_code = 1

    def __str__(self) -> str:
        # What a file holds is part of many texts; the middle of an endless one is left out
        text = printable(super().__str__())
        half = _MOST_CHARACTERS // 2
        return text if len(text) <= _MOST_CHARACTERS else f"{text[:half]} … {text[-half:]}"


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


def reason_of(error: BaseException) -> str:
    """What another package's exception says, in one line of at most 200 characters; its
    kind where it says nothing."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def one_line(error: BaseException) -> str:
    """An exception in one line of at most 200 characters.

    TorchScript's errors hold a traceback; their last line says what went wrong.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[-1] if lines and "Traceback of TorchScript" in str(error) else "".join(lines[:1])
    return (text or type(error).__name__)[:200]
