"""The broker's exchanges, queues and bindings, from the catalogue of messages. One job declares them; services only check."""

from __future__ import annotations

from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel

from system.messages import catalogue

EXCHANGE = "alexandrite.v1"
DEAD_EXCHANGE = "alexandrite.dead.v1"
DELIVERY_LIMIT = 50


def inbox_queue(service: str) -> str:
    """The one queue that a service consumes."""
    return f"{service}.inbox.v1"


def dead_queue(service: str) -> str:
    """Where messages that a service could not decode are set aside."""
    return f"{service}.dead.v1"


def inbox_arguments(service: str) -> dict[str, Any]:
    """A changed argument needs a new queue name: the broker refuses another declaration of the same queue."""
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        "x-dead-letter-routing-key": service,
        # At-least-once dead-lettering silently becomes at-most-once unless a full queue refuses publishes.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def keys_of(service: str) -> list[str]:
    """The routing keys that lead to a service's queue: its messages' types, and its own for what is sent to it alone."""
    return [*(published.TYPE for published in catalogue.consumed_by(service)), f"to.{service}"]


async def declare(channel: AbstractChannel) -> list[str]:
    """Declares everything; safe to repeat. Returns what now exists, as lines for people."""
    return [await declare_service(channel, service) for service in catalogue.services()]


async def declare_service(channel: AbstractChannel, service: str) -> str:
    """Declares the exchanges, and one service's queues with their bindings; safe to repeat. Returns a line for people."""
    exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
    dead = await channel.declare_exchange(DEAD_EXCHANGE, aio_pika.ExchangeType.DIRECT, durable=True)
    dead_letters = await channel.declare_queue(dead_queue(service), durable=True, arguments={"x-queue-type": "quorum"})
    await dead_letters.bind(dead, routing_key=service)
    inbox = await channel.declare_queue(inbox_queue(service), durable=True, arguments=inbox_arguments(service))
    for key in keys_of(service):
        await inbox.bind(exchange, routing_key=key)
    return f"{inbox.name}: {', '.join(published.TYPE for published in catalogue.consumed_by(service))}"
