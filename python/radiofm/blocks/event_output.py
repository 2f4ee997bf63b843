# SPDX-License-Identifier: GPL-3.0-or-later
"""The event output block: emissions, activities and status to files, brokers and data bases."""

from __future__ import annotations

import weakref

from radiofm_core import keys
from radiofm_core.errors import RadiofmError, UsageError
from radiofm_core.events.maker import EventMaker, Receiver
from radiofm_core.fields import number_parameter, shown
from radiofm_sinks.opening import close_unused, open_outputs
from radiofm_sinks.outputs import EventOutputs

from ..pmts.messages import from_pmt
from ..runtime.message_block import message_block


class event_output(message_block):
    """Sends what happens as events (docs/events.md), as ``radiofm watch --output`` does.

    Input messages: ``emissions`` (of an emission tracker), ``activity`` and ``motion`` (of an
    activity classifier), ``status`` (of a segmenter or a classifier: also what was dropped). A run
    of events lasts from the flowgraph's start to its end. What an output does not take waits in its
    buffer, is dropped and counted beyond that, and never holds the flowgraph up.

    Output messages: ``status``, a dict where messages could not be handled: how many
    ``failed``, and the last one's ``error``.

    Args:
        output: ``jsonl=FOLDER``, ``zmq=PORT``, ``mqtt=HOST``, ``influx=HOST`` or
            ``prometheus=PORT``, with options.
        output_2, output_3: further ones, or empty.
        receiver: what events call the receiver.
        center_frequency: Hz, that it is tuned to.
        sample_rate: S/s; 0 where there is none, as of CSI.
        model: the model's name; empty: as messages tell it.

    Raises:
        UsageError: an output that cannot be opened as it is named.
    """

    def __init__(
        self,
        output: str = "jsonl=events",
        output_2: str = "",
        output_3: str = "",
        receiver: str = "receiver",
        center_frequency: float = 0.0,
        sample_rate: float = 0.0,
        model: str = "",
    ):
        self._texts = [text for text in (output, output_2, output_3) if text]
        for text in self._texts or [output]:
            if not text or not isinstance(text, str):
                raise UsageError(f"output: expected one such as 'jsonl=events', got {shown(text)}")
        self._receiver = Receiver(
            str(receiver),
            number_parameter("center frequency", center_frequency, "Hz"),
            number_parameter("sample rate", sample_rate, "S/s", least=0.0) or None,
        )
        self._model = str(model)
        self._outputs: EventOutputs | None = None
        message_block.__init__(self, "event_output", senders=None, tells_failures=True)
        self.add_input(keys.PORT_EMISSIONS, self._on_emissions)
        self.add_input(keys.PORT_ACTIVITY, self._on_activity)
        self.add_input(keys.PORT_MOTION, self._on_motion)
        self.add_input(keys.PORT_STATUS, self._on_status)
        # now, so that a wrong one is told before the flowgraph runs
        self._unused = open_outputs(self._texts, self._receiver.name)
        weakref.finalize(self, close_unused, self._unused)

    def start(self) -> bool:
        """Begin a run of events."""
        self._end("started anew")
        sinks = list(self._unused)
        self._unused.clear()
        if not sinks:
            try:
                sinks = open_outputs(self._texts, self._receiver.name)
            except RadiofmError as error:
                self.logger.error(f"no events in this run: {error}")
                sinks = []
        maker = EventMaker(self._receiver, self._model or None)
        self._outputs = EventOutputs(maker, sinks, self.logger.warn)
        self._outputs.start()
        return message_block.start(self)

    def set_center_frequency(self, center_frequency: float) -> None:
        """From here on the receiver is tuned to this (Hz); may be called while running."""
        frequency = number_parameter("center frequency", center_frequency, "Hz")
        self._tell_receiver(Receiver(self._receiver.name, frequency, self._receiver.sample_rate))

    def set_sample_rate(self, sample_rate: float) -> None:
        """From here on it samples at this rate (S/s); may be called while running."""
        rate = number_parameter("sample rate", sample_rate, "S/s", least=0.0) or None
        self._tell_receiver(Receiver(self._receiver.name, self._receiver.center_frequency, rate))

    def counts(self) -> dict[str, dict[str, int]]:
        """Events delivered, waiting and dropped, by output; of the last run after its end."""
        found = {} if self._outputs is None else self._outputs.counts()
        return {name: counts.fields() for name, counts in found.items()}

    def handle(self, port: str, message) -> None:
        """Make an event of one message."""
        fields = from_pmt(message)
        if not self._model and isinstance(fields, dict) and keys.MODEL in fields:
            self._outputs.maker.model = str(fields[keys.MODEL])
        self._outputs.take(port, fields)

    def finish(self) -> None:
        """Deliver what waits, for a few seconds."""
        self._end("ended")

    def _end(self, reason: str) -> None:
        if self._outputs is not None:
            self._outputs.close(reason)

    def _tell_receiver(self, receiver: Receiver) -> None:
        self._receiver = receiver
        if self._outputs is not None:
            self._outputs.set_receiver(receiver)

    # GNU Radio calls a handler by its name, so each port has its own

    def _on_emissions(self, message) -> None:
        self.receive(keys.PORT_EMISSIONS, message)

    def _on_activity(self, message) -> None:
        self.receive(keys.PORT_ACTIVITY, message)

    def _on_motion(self, message) -> None:
        self.receive(keys.PORT_MOTION, message)

    def _on_status(self, message) -> None:
        self.receive(keys.PORT_STATUS, message)
