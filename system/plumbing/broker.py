"""The connection to RabbitMQ. A lost connection raises BrokerLost everywhere; the supervisor opens a new one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import DeliveryError, PublishError

from system.messages.envelope import CONTENT_TYPE, Envelope
from system.plumbing import telemetry
from system.plumbing.settings import ServiceSettings
from system.plumbing.topology import EXCHANGE

CONNECT_TIMEOUT_S = 10
PUBLISH_TIMEOUT_S = 10


class BrokerLost(Exception):
    """The broker is away; nothing is known about what was in flight."""


class PublishRefused(Exception):
    """The broker is there and did not take this message: unroutable, or its queue is full."""


@asynccontextmanager
async def connect(settings: ServiceSettings, *, name: str) -> AsyncIterator[AbstractConnection]:
    """A plain connection. Raises BrokerLost when the broker cannot be reached; closes quietly at the end.

    Not the robust connection: after some failures it comes back without consumers and says nothing.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            connection = await aio_pika.connect(
                host=settings.broker_host,
                port=settings.broker_port,
                login=settings.broker_user,
                virtualhost=settings.broker_virtualhost,
                password=settings.broker_password.get_secret_value(),
                client_properties={"connection_name": name},
                heartbeat=settings.broker_heartbeat_s,
            )
    except (OSError, TimeoutError, aio_pika.exceptions.AMQPError) as error:
        raise BrokerLost(str(error) or type(error).__name__) from error
    try:
        yield connection
    finally:
        await _close_quietly(connection)


async def _close_quietly(connection: AbstractConnection) -> None:
    try:
        async with asyncio.timeout(3):
            await connection.close()
    except (Exception, asyncio.CancelledError):
        # The broker is gone; there is nobody left to say goodbye to.
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise


class Publisher:
    """Publishes with confirms and mandatory routing: returning normally means the broker has the message durably."""

    def __init__(self, channel: aio_pika.abc.AbstractChannel, exchange: aio_pika.abc.AbstractExchange) -> None:
        self._channel = channel
        self._exchange = exchange

    @classmethod
    async def open(cls, connection: AbstractConnection) -> Publisher:
        """A publisher on its own channel. Raises BrokerLost."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                # Without on_return_raises an unroutable message would count as published.
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
                exchange = await channel.get_exchange(EXCHANGE, ensure=True)
        except (aio_pika.exceptions.AMQPError, OSError, TimeoutError) as error:
            raise BrokerLost(str(error) or type(error).__name__) from error
        return cls(channel, exchange)

    async def publish(self, envelope: Envelope, *, routing_key: str | None = None) -> None:
        """Raises PublishRefused or BrokerLost; otherwise the message is on a majority of the queue's replicas.

        The envelope's traceparent is what caused the message; the header's is this publishing, to which the consumer links.
        """
        headers: dict[str, aio_pika.abc.FieldValue] = {"sequence": envelope.sequence}
        if traceparent := telemetry.current_traceparent() or envelope.traceparent:
            headers["traceparent"] = traceparent
        message = aio_pika.Message(
            envelope.to_json(),
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=str(envelope.id),
            type=envelope.type,
            app_id=envelope.source,
            timestamp=envelope.time,
            headers=headers,
        )
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                await self._exchange.publish(message, routing_key=routing_key or envelope.type, mandatory=True)
        except (DeliveryError, PublishError) as error:
            raise PublishRefused(f"{type(error).__name__}: {error}") from error
        except (OSError, TimeoutError, aio_pika.exceptions.AMQPError, RuntimeError) as error:
            raise BrokerLost(str(error) or type(error).__name__) from error
        except asyncio.CancelledError:
            # A heartbeat loss cancels the waiting publish from inside; only a real cancellation of this task may pass.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise BrokerLost("the connection was lost while waiting for a confirm") from None
