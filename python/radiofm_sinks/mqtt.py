# SPDX-License-Identifier: GPL-3.0-or-later
"""Events to an MQTT broker: each is confirmed by it, states are retained, a will tells the end."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paho.mqtt.client as paho

from radiofm_core.events import names
from radiofm_core.events.lines import event_json

from .home_assistant import HomeAssistant
from .mqtt_topics import MOTION_DB, OFFLINE, ONLINE, Topics, slug, state_messages
from .network import connection_reason, host_and_port, tls_context
from .options import Options
from .paho_versions import new_client, refusal
from .sink import LEAST_WAIT_S, MOST_WAIT_S, EventSink, Trouble
from .states import States

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

PORT, TLS_PORT = 1883, 8883
PASSWORD_VARIABLE = "RADIOFM_MQTT_PASSWORD"
KEEP_ALIVE_S = 15
# For the connection; for the broker to confirm an event
CONNECT_S, CONFIRM_S = 5.0, 20.0
# For the broker to confirm that we go
GOOD_BYE_S = 1.0
# How often the connection is looked after while there is nothing to send
LOOK_S = 0.5
QOS = 1


@dataclass(frozen=True)
class Broker:
    """Where it is and how to log in; ``tls`` is None for a plain connection."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None


class NotAccepted(Trouble):
    """The broker answers, and does not want us; trying again will hardly help."""


class MqttSink(EventSink):
    """Publishes events with QoS 1, and retained states, by receiver (:class:`.mqtt_topics.Topics`).

    Args:
        name: of the output.
        broker: whose.
        topics: the names.
        home_assistant: what announces the states to Home Assistant, or None.
        options: see :class:`.sink.EventSink`.
    """

    def __init__(
        self,
        name: str,
        broker: Broker,
        topics: Topics,
        home_assistant: HomeAssistant | None = None,
        **options,
    ):
        super().__init__(name, **options)
        self._broker, self._topics, self._home_assistant = broker, topics, home_assistant
        self._client: paho.Client | None = None
        self._confirmed = 0
        self._reason, self._wait, self._next_try = "no connection", LEAST_WAIT_S / 2, 0.0
        # event or state by its number: True for an event
        self._sent: dict[int, bool] = {}
        self._answer: ReasonCode | int | None = None
        self._states, self._states_lock = States(), threading.Lock()
        self._told: dict[str, bytes] = {}

    def put(self, event: Mapping) -> None:
        """Take an event."""
        # here, where none is dropped: what ended must not stay in a state for ever
        with self._states_lock:
            self._states.take(event)
        super().put(event)

    def deliver(self, events: Sequence[Mapping]) -> None:
        """Publish events and wait until the broker has confirmed them."""
        client = self._connected()
        self._confirmed, last_sign, seen = 0, time.monotonic(), 0
        for event in events:
            receiver = event[names.RECEIVER][names.NAME]
            topic = self._topics.event(receiver, event[names.TYPE])
            self._sent[client.publish(topic, event_json(event), QOS).mid] = True
        self._publish_states()
        while self._confirmed < len(events):
            self._look_after(min(LOOK_S, self.time_left))
            if self._confirmed != seen:
                last_sign, seen = time.monotonic(), self._confirmed
            if time.monotonic() - last_sign > CONFIRM_S:
                self._lose(f"no confirmation for {CONFIRM_S:g} s")
            if self.is_closing and not self.time_left:
                self._lose("the end came before its confirmation")

    def idle(self) -> float | None:
        """Keep the connection; publish what changed."""
        try:
            self._connected()
            self._look_after(0.0)
            self._publish_states()
        except Trouble as error:
            self.cannot_deliver(str(error))
        else:
            self.delivers()
        return LOOK_S

    def release(self) -> None:
        """Say good-bye: without it the broker publishes the will."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(OSError, ValueError):
            until = time.monotonic() + GOOD_BYE_S
            self._sent[self._retain(client, self._topics.availability, OFFLINE)] = False
            while self._sent and time.monotonic() < until:
                if client.loop(0.05) != paho.MQTT_ERR_SUCCESS:
                    break
            client.disconnect()

    def connect(self) -> None:
        """Connect, and wait for the broker's answer.

        Raises:
            NotAccepted: it does not want us, or is not whom its certificate should name.
            Trouble: it cannot be reached.
        """
        client = new_client()
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.connect_timeout = CONNECT_S
        client.will_set(self._topics.availability, OFFLINE, QOS, retain=True)
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls is not None:
            client.tls_set_context(self._broker.tls)
        self._answer, self._sent, self._told = None, {}, {}
        try:
            client.connect(self._broker.host, self._broker.port, KEEP_ALIVE_S)
        except ssl.SSLCertVerificationError as error:
            raise NotAccepted(connection_reason(error)) from error
        except (OSError, UnicodeError) as error:
            raise Trouble(connection_reason(error)) from error
        until = time.monotonic() + CONNECT_S
        while self._answer is None:
            lost = client.loop(0.1) != paho.MQTT_ERR_SUCCESS
            if self._answer is None and (lost or time.monotonic() > until):
                raise Trouble("it closed the connection" if lost else "no answer")
        if (reason := refusal(self._answer)) is not None:
            raise NotAccepted(f"it does not let us in ({reason})")
        self._client = client
        self._sent[self._retain(client, self._topics.availability, ONLINE)] = False

    def _connected(self) -> paho.Client:
        if self._client is None:
            left = self._next_try - time.monotonic()
            if left > 0 and not self.is_closing:
                raise Trouble(self._reason, left)
            self._wait = min(2 * self._wait, MOST_WAIT_S)
            self._next_try = time.monotonic() + self._wait
            try:
                self.connect()
            except Trouble as error:
                self._reason = str(error)
                raise
            self._wait = LEAST_WAIT_S / 2
        return self._client

    def _look_after(self, timeout: float) -> None:
        code = self._client.loop(timeout)
        if code != paho.MQTT_ERR_SUCCESS:
            self._lose("the connection was lost")

    def _lose(self, reason: str) -> None:
        """A new connection begins with a new client: what is not confirmed is sent again by us."""
        client, self._client = self._client, None
        self._next_try = 0.0
        with contextlib.suppress(OSError, ValueError):
            if (connection := client.socket()) is not None:
                connection.close()
        raise Trouble(reason)

    def _publish_states(self) -> None:
        with self._states_lock:
            messages = {}
            for receiver, state in self._states.items():
                messages |= state_messages(receiver, state, self._topics)
                if self._home_assistant is not None:
                    messages |= self._home_assistant.configurations(receiver, state)
        for topic, fields in messages.items():
            payload = json.dumps(fields).encode()
            if self._told.get(topic) != payload:
                self._told[topic] = payload
                self._sent[self._retain(self._client, topic, payload)] = False

    @staticmethod
    def _retain(client: paho.Client, topic: str, payload: str | bytes) -> int:
        return client.publish(topic, payload, QOS, retain=True).mid

    def _on_connect(self, client, userdata, flags, reason_code, properties=None) -> None:
        self._answer = reason_code

    def _on_publish(self, client, userdata, mid, reason_code=None, properties=None) -> None:
        # a broker confirms in the order in which it was sent
        if self._sent.pop(mid, False):
            self._confirmed += 1
            self.confirm(1)


def open_mqtt(options: Options) -> EventSink:
    """``mqtt=HOST[:PORT]``, ``mqtts=`` over TLS. A broker that cannot be reached is tried again
    later; raises UsageError where one refuses us, or its certificate is not accepted."""
    is_tls = options.kind == "mqtts"
    host, port = host_and_port(options, options.target, TLS_PORT if is_tls else PORT)
    user = options.text("user")
    password = options.secret("password", PASSWORD_VARIABLE)
    if password is not None and user is None:
        raise options.error("a password needs user=, too")
    broker = Broker(host, port, user, password, tls_context(options) if is_tls else None)
    base = options.text("topic") or f"radiofm/{slug(socket.gethostname())}"
    topics = Topics(base, slug(options.program), options.number("motion-db", MOTION_DB))
    if not topics.are_valid:
        raise options.error(f"topic: expected one without + and #, got {topics.base!r}")
    announces = options.flag("homeassistant", False)
    prefix = options.text("discovery", "homeassistant")
    home_assistant = HomeAssistant(prefix, topics) if announces else None
    shared = {"capacity": options.buffer(), "types": options.types()}
    options.done()
    sink = MqttSink(options.name, broker, topics, home_assistant, **shared)
    try:
        sink.connect()
    except NotAccepted as error:
        raise options.error(str(error)) from error
    except Trouble:
        pass  # told once it runs
    return sink
