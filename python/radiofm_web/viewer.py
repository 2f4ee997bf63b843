# SPDX-License-Identifier: GPL-3.0-or-later
"""What one page has seen, and what it is to be told next: always the newest, never a queue."""

from __future__ import annotations

import base64
import json
import time

from radiofm_core import keys
from radiofm_core.errors import InputError
from radiofm_core.fields import check_numbers, check_present, check_whole
from radiofm_core.outputs.colors import UNKNOWN_COLOR, power_ramp
from radiofm_core.outputs.units import display_name
from radiofm_core.spectrum.detections import NOISE_CLASS, UNKNOWN
from radiofm_core.version import __version__
from radiofm_core.view.emission_list import ShownEmission
from radiofm_core.view.spectrum_state import Snapshot, SpectrumState
from radiofm_core.view.waterfall import HISTORY_S, LEAST_DB, LEVEL_STEP_DB, UNSEEN

from .row_message import VERSION, row_message
from .source_state import Loss, SourceState

# What a page may ask for: seconds, and lines of its picture
LEAST_SPAN, MOST_SPAN = 0.05, HISTORY_S
LEAST_LINES, MOST_LINES = 16, 1600
# Updates that may be on their way to a page
MOST_UNSEEN = 2
# All pages together look at the state no more often
_SNAPSHOT_AGE_S = 0.03


class Latest:
    """The state as it is, for many pages: looked at once for all of them."""

    def __init__(self, state: SpectrumState, source: SourceState):
        self.state, self.source = state, source
        self._snapshot = Snapshot()
        self._until = 0.0

    def snapshot(self) -> Snapshot:
        """Emissions, classes and status; of the waterfall the last row only."""
        now = time.monotonic()
        if now >= self._until:
            self._snapshot = self.state.snapshot(0.0)
            self._until = now + _SNAPSHOT_AGE_S
        return self._snapshot

    def source_lost(self) -> dict | None:
        """Since when samples do not come, and why; None while they come."""
        loss = self.source.loss
        return None if loss is None else loss.fields()


class Viewer:
    """One page. :meth:`hear` takes what it says, :meth:`update` gives what it has not seen."""

    def __init__(self, latest: Latest):
        self._latest = latest
        self._span, self._lines, self._paused = 0.0, 0, False
        self._mark = (0, 0)
        self._emissions: dict[int, ShownEmission] = {}
        self._named: tuple = ([], [])
        self._status: dict = {}
        self._loss: Loss | None = None
        self._sent = self._seen = 0

    def hear(self, text: str) -> None:
        """A message of the page: ``{"type": "view", "span", "lines", "paused"}``, or ``{"type":
        "seen", "number"}`` once it has drawn an update. Raises InputError for anything else."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError("a page's message is no JSON") from error
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "seen":
            check_present(message, ("number",))
            check_whole(message, ("number",))
            self._seen = min(max(self._seen, message["number"]), self._sent)
        elif kind == "view":
            check_present(message, ("span", "lines"))
            check_numbers(message, ("span",))
            check_whole(message, ("lines",))
            span = min(max(message["span"], LEAST_SPAN), MOST_SPAN)
            lines = min(max(message["lines"], LEAST_LINES), MOST_LINES)
            if (span, lines) != (self._span, self._lines):
                self._span, self._lines, self._mark = span, lines, (0, 0)
            self._paused = message.get("paused") is True
        else:
            raise InputError("a page's message is of no known type")

    def update(self) -> tuple[bytes | None, str] | None:
        """(lines of the waterfall, JSON) to send, or None: nothing new, or the page is busy."""
        if self._sent - self._seen >= MOST_UNSEEN or not self._lines:
            return None
        picture, news = None, {}
        snapshot = self._latest.snapshot()
        named = (snapshot.classes, snapshot.colors)
        if named != self._named:
            self._named, news["classes"] = named, _classes(snapshot)
        status = status_fields(snapshot)
        if status != self._status:
            self._status = news["status"] = status
        loss = self._latest.source.loss
        if loss != self._loss:
            self._loss, news["source_lost"] = loss, self._latest.source_lost()
        if not self._paused:
            picture = self._picture()
            self._add_emissions(news, snapshot)
        if picture is None and not news:
            return None
        self._sent += 1
        return picture, json.dumps({"type": "update", "number": self._sent, **news})

    def _picture(self) -> bytes | None:
        found = self._latest.state.lines(self._span, self._lines, self._mark)
        if found is None:
            return None
        self._mark = found.mark
        return row_message(found) if len(found.lines) else None

    def _add_emissions(self, news: dict, snapshot: Snapshot) -> None:
        now = {emission.number: emission for emission in snapshot.emissions}
        changed = [e for n, e in now.items() if self._emissions.get(n) is not e]
        gone = [number for number in self._emissions if number not in now]
        self._emissions = now
        if changed or gone:
            news["emissions"] = {"changed": [emission_fields(e) for e in changed], "gone": gone}


def hello(source: str) -> str:
    """The first message to a page: what does not change while the server runs."""
    return json.dumps(
        {
            "type": "hello",
            "protocol": VERSION,
            "version": __version__,
            "source": source,
            "least_db": LEAST_DB,
            "level_step_db": LEVEL_STEP_DB,
            "unseen": UNSEEN,
            "noise": NOISE_CLASS,
            "most_span": MOST_SPAN,
            "ramp": _packed_ramp(None),
            "unknown": {"label": UNKNOWN, "color": UNKNOWN_COLOR},
        }
    )


def emission_fields(emission: ShownEmission) -> dict:
    """An emission as JSON: the keys of messages where there is one; ``evidence`` in words."""
    return {
        keys.BURST_ID: emission.number,
        keys.LABEL: emission.label,
        "name": emission.name,
        "on_air": emission.is_open,
        keys.CONFIDENCE: round(emission.confidence, 4),
        keys.CENTER_FREQUENCY: round(emission.center, 1),
        keys.BANDWIDTH: round(emission.bandwidth, 1),
        keys.START_TIME: round(emission.start, 6),
        keys.DURATION: round(emission.end - emission.start, 6),
        "duty": round(emission.duty, 4),
        keys.SNR_DB: None if emission.snr_db is None else round(emission.snr_db, 2),
        keys.SUBCARRIER_SPACING: emission.spacing,
        keys.EVIDENCE: emission.words,
    }


def status_fields(snapshot: Snapshot) -> dict:
    """The state of affairs as JSON."""
    status = snapshot.status
    return {
        keys.MODEL: status.model,
        keys.CENTER_FREQUENCY: snapshot.center,
        keys.SAMPLE_RATE: snapshot.rate,
        keys.FRAMES: status.frames,
        keys.DROPPED: status.dropped,
        keys.QUEUE_DEPTH: status.queue_depth,
        keys.LATENCY_P50: round(status.latency_p50, 6),
        keys.LATENCY_P99: round(status.latency_p99, 6),
        keys.ERROR: status.error,
    }


def _classes(snapshot: Snapshot) -> list[dict]:
    return [
        {"label": label, "name": display_name(label), "color": color, "ramp": _packed_ramp(color)}
        for label, color in zip(snapshot.classes, snapshot.colors, strict=True)
    ]


def _packed_ramp(color: str | None) -> str:
    """256 x RGB in base64: a page draws with the same colours as pictures and windows."""
    return base64.b64encode(power_ramp(color).tobytes()).decode()
