"""The AMQP driver: listens to, repeats and tampers with what crosses the broker, through RabbitMQ's management API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.waiting import eventually

EXCHANGE = "alexandrite.v1"


@dataclass(frozen=True, slots=True)
class Captured:
    """One message as it crossed the broker: its routing key, its properties and its exact body."""

    routing_key: str
    properties: dict[str, Any]
    body: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The body, read. Raises ValueError when it is not JSON."""
        read = json.loads(self.body)
        assert isinstance(read, dict), f"not an envelope: {self.body[:200]}"
        return read

    def with_body(self, envelope: dict[str, Any] | str) -> Captured:
        """The same message with another body."""
        text = envelope if isinstance(envelope, str) else json.dumps(envelope)
        return Captured(self.routing_key, self.properties, text)


class Broker:
    """RabbitMQ as its administrator sees it. Raises AssertionError when the broker's ports are out of reach."""

    def __init__(self, address: SystemAddress) -> None:
        assert address.management_url, "this system's broker cannot be reached from here"
        self._client = httpx.Client(
            base_url=address.management_url.rstrip("/"),
            auth=(address.broker_user, address.broker_password),
            timeout=20,
        )

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    @contextmanager
    def listening(self, message_type: str) -> Iterator[Tap]:
        """A queue of our own that receives a copy of every message of one type (`#`: of any), removed at the end."""
        name = f"scenario.{uuid.uuid4()}"
        path = f"/api/queues/%2F/{quote(name, safe='')}"
        self._call("PUT", path, {"durable": True, "auto_delete": False, "arguments": {"x-expires": 600_000}})
        try:
            self._call(
                "POST", f"/api/bindings/%2F/e/{EXCHANGE}/q/{quote(name, safe='')}", {"routing_key": message_type}
            )
            yield Tap(self, name)
        finally:
            self._client.delete(path)

    def publish(self, message: Captured, *, routing_key: str | None = None, to_queue: str | None = None) -> None:
        """Publishes to the system's exchange, or straight into one queue. Raises AssertionError when nobody got it."""
        exchange = "amq.default" if to_queue else EXCHANGE
        answer = self._call(
            "POST",
            f"/api/exchanges/%2F/{exchange}/publish",
            {
                "properties": message.properties,
                "routing_key": to_queue or routing_key or message.routing_key,
                "payload": message.body,
                "payload_encoding": "string",
            },
        )
        assert answer["routed"], f"the broker routed {to_queue or routing_key or message.routing_key} to nobody"

    def take_all(self, queue: str) -> list[Captured]:
        """Empties a queue that nobody consumes, and returns what was in it, oldest first."""
        taken: list[Captured] = []
        while batch := self._get(queue, 200):
            taken.extend(batch)
        return taken

    def waiting_in(self, queue: str) -> int:
        """How many messages wait in a queue, by looking (the statistics lag): taken and put back."""
        return len(self._get(queue, 500, keep=True))

    def is_up(self) -> bool:
        """Whether the broker answers and has no alarm."""
        try:
            return self._client.get("/api/health/checks/alarms").status_code == 200
        except httpx.TransportError:
            return False

    def bindings(self) -> list[dict[str, Any]]:
        """What the system's exchange brings to which queue: `destination` and `routing_key`."""
        found = self._call("GET", f"/api/exchanges/%2F/{EXCHANGE}/bindings/source")
        return [binding for binding in found if binding["destination_type"] == "queue"]

    def queues(self) -> list[tuple[str, int, int]]:
        """Every queue with what lies ready in it and what was handed out and not acknowledged, some seconds ago."""
        names = ("name", "messages_ready", "messages_unacknowledged")
        found = self._call("GET", f"/api/queues?columns={','.join(names)}")
        return [(queue["name"], queue.get(names[1], 0), queue.get(names[2], 0)) for queue in found]

    def consumers_of(self, queue: str) -> int:
        """How many consumers a queue has."""
        return len(self._call("GET", f"/api/queues/%2F/{quote(queue, safe='')}").get("consumer_details", []))

    def _get(self, queue: str, count: int, *, keep: bool = False) -> list[Captured]:
        rows = self._call(
            "POST",
            f"/api/queues/%2F/{quote(queue, safe='')}/get",
            {
                "count": count,
                "ackmode": "ack_requeue_true" if keep else "ack_requeue_false",
                "encoding": "auto",
            },
        )
        return [Captured(row["routing_key"], row["properties"], row["payload"]) for row in rows]

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            response = self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise AssertionError(f"the broker's management does not answer: {error}") from error
        assert response.status_code < 400, f"{method} {path}: {response.status_code} {response.text[:300]}"
        return response.json() if response.content else {}


class Tap:
    """What `Broker.listening` hears."""

    def __init__(self, broker: Broker, queue: str) -> None:
        self._broker = broker
        self._queue = queue
        self._heard: list[Captured] = []

    def heard(self, subject: str) -> list[Captured]:
        """The messages about one subject so far, oldest first."""
        self._heard.extend(self._broker.take_all(self._queue))
        return [message for message in self._heard if message.envelope.get("subject") == subject]

    def everything(self) -> list[Captured]:
        """Whatever was heard so far, about anything, oldest first."""
        self._heard.extend(self._broker.take_all(self._queue))
        return list(self._heard)

    def first(self, subject: str, *, within_s: float = 10) -> Captured:
        """The first message about one subject. Raises NotInTime."""
        return eventually(lambda: self.heard(subject), within_s=within_s, what=f"a message about {subject}")[0]
