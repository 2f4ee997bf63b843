# SPDX-License-Identifier: GPL-3.0-or-later
"""Events on standard output, the state of affairs on standard error."""

from __future__ import annotations

import sys

from radiofm_core import keys
from radiofm_core.outputs.emission_lines import emission_line
from radiofm_core.outputs.event_words import event_words, summary_words
from radiofm_core.outputs.terminal import use_color

from ..printing import settle, show, tell


class Printer:
    """Prints emissions.

    Args:
        as_json: as lines of JSON, or in words.
        colors: ``#rrggbb`` by label, for terminals.
        is_quiet: something else has standard output for itself.
    """

    def __init__(self, as_json: bool, colors: dict[str, str], is_quiet: bool = False):
        self._as_json = as_json
        self._colors = colors if use_color(sys.stdout) else {}
        self._is_quiet = is_quiet
        self._status: dict = {}
        self.error = ""

    def take(self, port: str, fields: dict) -> None:
        """One message of the flowgraph."""
        if port == keys.PORT_STATUS:
            self._status = fields
            if keys.ERROR in fields:
                failed, reason = fields[keys.FAILED], fields[keys.ERROR]
                self.error = f"{failed} frames without a result, last: {reason}"
        elif port != keys.PORT_EMISSIONS or self._is_quiet:
            return
        elif self._as_json:
            show(emission_line(fields))
        elif fields[keys.EVENT] != keys.EVENT_UPDATE:
            show(event_words(fields, self._colors))

    def summary(self) -> None:
        """The last line, after all others; raises BrokenPipeError where nobody reads them."""
        settle()
        if self._status:
            tell(summary_words(self._status))
