"""Drains a service's dead-letter queue into its database, where people can see, mend and replay what could not be read."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert as upsert

from system.kernel.ids import new_id
from system.messages.envelope import Message
from system.plumbing.consumer import Reaction, Undecodable, decode
from system.plumbing.schema import dead_letter
from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import log
from system.plumbing.topology import dead_queue
from system.plumbing.unit_of_work import UnitOfWork


class DeadLetterDrain:
    """One row per distinct body; the same body again only raises its count."""

    def __init__(
        self,
        settings: ServiceSettings,
        make_uow: Callable[[], UnitOfWork],
        reactions: Mapping[type[Message], Reaction],
    ) -> None:
        self._settings = settings
        self._make_uow = make_uow
        self._reactions = reactions

    async def run(self, connection: AbstractConnection) -> None:
        """Drains until cancelled."""
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=20)
        queue = await channel.get_queue(dead_queue(self._settings.service), ensure=True)
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await queue.consume(arrived.put)
        while True:
            incoming = await arrived.get()
            await self._keep(incoming)
            # Ack after commit: until the row is durable, the broker keeps the message.
            await incoming.ack()

    async def _keep(self, incoming: AbstractIncomingMessage) -> None:
        claimed = _claimed(incoming.body)
        reason = self._reason(incoming)
        async with self._make_uow() as uow:
            statement = upsert(dead_letter).values(
                id=new_id(),
                body_sha256=hashlib.sha256(incoming.body).hexdigest(),
                body=incoming.body,
                type=(claimed.get("type") or incoming.type or None),
                subject=claimed.get("subject"),
                reason=reason,
            )
            await uow.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["body_sha256"],
                    set_={
                        "times": dead_letter.c.times + 1,
                        "state": "dead",
                        "received_at": func.clock_timestamp(),
                        "settled_at": None,
                    },
                )
            )
            await uow.commit()
        log.error("dead letter kept", reason=reason, type=claimed.get("type"), **{"order.id": claimed.get("subject")})

    def _reason(self, incoming: AbstractIncomingMessage) -> str:
        try:
            decode(incoming.body, self._reactions)
        except Undecodable as error:
            return str(error)
        deaths: Any = incoming.headers.get("x-death")
        broker_reason = deaths[0].get("reason") if isinstance(deaths, list) and deaths else "unknown"
        return f"set aside by the broker: {broker_reason}"


def _claimed(body: bytes) -> dict[str, str]:
    """What the body says of itself, as far as it can be read."""
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(read, dict):
        return {}
    return {key: str(read[key])[:80] for key in ("type", "subject") if isinstance(read.get(key), str)}
