"""The connection to RabbitMQ. A lost connection raises BrokerLost everywhere; the supervisor opens a new one, to any node."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import DeliveryError, PublishError

from system.messages.envelope import CONTENT_TYPE, Envelope
from system.plumbing import telemetry
from system.plumbing.metrics import BROKER_BLOCKED
from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import log
from system.plumbing.topology import EXCHANGE

CONNECT_TIMEOUT_S = 10
NODE_TIMEOUT_S = 3
"""How long one node of several may take to let us in; the next one is asked then."""
PUBLISH_TIMEOUT_S = 5
"""A node that hangs keeps its connections open and says nothing: this ends the waiting, long before heartbeats do."""
CLOSE_TIMEOUT_S = 1
BLOCKED_LOOK_S = 1.0
DISTRUSTED_S = 30.0
_distrusted_until: dict[str, float] = {}
"""Nodes (host:port) that lately let somebody of this process wait in vain: they are tried after the others."""


class BrokerLost(Exception):
    """The broker is away; nothing is known about what was in flight."""


class PublishRefused(Exception):
    """The broker is there and did not take this message: unroutable, or its queue is full."""


@asynccontextmanager
async def connect(settings: ServiceSettings, *, name: str) -> AsyncIterator[AbstractConnection]:
    """A plain connection. Raises BrokerLost when the broker cannot be reached; closes quietly at the end.

    Not the robust connection: after some failures it comes back without consumers and says nothing.
    """
    connection = await _open_any(settings, name)
    watching = asyncio.create_task(_tell_when_blocked(connection, name))
    try:
        yield connection
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await _close_quietly(connection)


async def _open_any(settings: ServiceSettings, name: str) -> AbstractConnection:
    """A connection to the first node that lets us in. Each time in another order, so that clients spread over the nodes."""
    addresses = settings.broker_addresses
    random.shuffle(addresses)
    addresses.sort(key=lambda address: _distrusted_until.get(f"{address[0]}:{address[1]}", 0.0) > time.monotonic())
    timeout_s = NODE_TIMEOUT_S if len(addresses) > 1 else CONNECT_TIMEOUT_S
    said = []
    for host, port in addresses:
        try:
            async with asyncio.timeout(timeout_s):
                return await aio_pika.connect(
                    host=host,
                    port=port,
                    login=settings.broker_user,
                    virtualhost=settings.broker_virtualhost,
                    password=settings.broker_password.get_secret_value(),
                    client_properties={"connection_name": name},
                    heartbeat=settings.broker_heartbeat_s,
                )
        except (OSError, TimeoutError, aio_pika.exceptions.AMQPError) as error:
            said.append(f"{host}: {str(error) or type(error).__name__}")
            _distrust(host, port)
    raise BrokerLost("; ".join(said))


def _distrust(host: str | None, port: int | None) -> None:
    _distrusted_until[f"{host}:{port}"] = time.monotonic() + DISTRUSTED_S


async def _tell_when_blocked(connection: AbstractConnection, name: str) -> None:
    """An alarm of the broker (memory, disk) is the whole cluster's: it is counted and told, and another node would not help."""
    blocked = False
    try:
        while True:
            now = await is_blocked(connection)
            if now != blocked:
                BROKER_BLOCKED.inc(1 if now else -1)
                log.warning("publishing blocked by the broker" if now else "publishing goes on", connection=name)
                blocked = now
            await asyncio.sleep(BLOCKED_LOOK_S)
    finally:
        if blocked:
            BROKER_BLOCKED.dec()


async def is_blocked(connection: AbstractConnection) -> bool:
    """True while the broker takes no publishes of this connection because memory or disk run short."""
    if connection.transport is None:
        return False
    try:
        # Ready is what a connection is that was opened and is not blocked: then this does not wait at all.
        async with asyncio.timeout(0):
            await connection.transport.ready()
    except TimeoutError:
        return True
    return False


async def _close_quietly(connection: AbstractConnection) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await connection.close()
    except (Exception, asyncio.CancelledError):
        # The broker is gone; there is nobody left to say goodbye to.
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise


class Publisher:
    """Publishes with confirms and mandatory routing: returning normally means the broker has the message durably."""

    def __init__(
        self,
        connection: AbstractConnection,
        channel: aio_pika.abc.AbstractChannel,
        exchange: aio_pika.abc.AbstractExchange,
    ) -> None:
        self._connection = connection
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
        return cls(connection, channel, exchange)

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
        key = routing_key or envelope.type
        sending = asyncio.ensure_future(self._exchange.publish(message, routing_key=key, mandatory=True))
        try:
            await self._confirmed(sending)
        except (DeliveryError, PublishError) as error:
            raise PublishRefused(f"{type(error).__name__}: {error}") from error
        except (OSError, TimeoutError, aio_pika.exceptions.AMQPError, RuntimeError) as error:
            raise BrokerLost(str(error) or type(error).__name__) from error
        finally:
            sending.cancel()

    async def _confirmed(self, sending: asyncio.Future[Any]) -> None:
        """Waits for the confirm: as long as an alarm of the broker lasts, otherwise PUBLISH_TIMEOUT_S. Raises what sending raised."""
        was_blocked = False
        while True:
            await asyncio.wait({sending}, timeout=PUBLISH_TIMEOUT_S)
            if sending.cancelled():
                # A heartbeat loss cancels the waiting publish from inside.
                raise BrokerLost("the connection was lost while waiting for a confirm")
            if sending.done():
                sending.result()
                return
            blocked = await is_blocked(self._connection)
            if not blocked and not was_blocked:
                if self._connection.transport is not None:
                    url = self._connection.transport.connection.url
                    _distrust(url.host, url.port)
                raise TimeoutError(f"no confirm within {PUBLISH_TIMEOUT_S} s")
            # An alarm that just ended leaves the broker the whole time again for what it held back.
            was_blocked = blocked
