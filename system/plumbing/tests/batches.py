"""A batch of messages through the real consumer on a real database, and what it costs: statements, processor time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from system.kernel.ids import BUCKET_COUNT, new_id
from system.messages.envelope import Envelope, Message
from system.plumbing.consumer import Consumer, Delivery, Reaction
from system.plumbing.settings import ServiceSettings
from system.plumbing.unit_of_work import UnitOfWork


class AllBuckets:
    """The leases of a process that is alone."""

    def held(self) -> frozenset[int]:
        return frozenset(range(BUCKET_COUNT))


@dataclass
class Statements:
    """What the server was asked to run, whoever asked: SQLAlchemy, or the queue of jobs over the same connection."""

    said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, engine: AsyncEngine) -> Statements:
        """Counts from now on; a statement for many rows of values counts once for each."""
        counted = cls()

        class Cursor(psycopg.AsyncCursor[Any]):
            async def execute(self, query: Any, *more: Any, **options: Any) -> Any:
                # What the pool asks of a connection before it lends it is nobody's statement.
                if (said := _text(query)) != ";":
                    counted.said.append(said)
                return await super().execute(query, *more, **options)

            async def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
                rows = list(params_seq)
                counted.said.extend([_text(query)] * len(rows))
                await super().executemany(query, rows, **options)

        def opened(connection: Any, record: Any) -> None:
            connection.driver_connection.cursor_factory = Cursor

        event.listen(engine.sync_engine, "connect", opened)
        return counted


def _text(query: Any) -> str:
    return " ".join((query.decode() if isinstance(query, bytes) else str(query)).split())


@dataclass(frozen=True)
class Cost:
    """What a batch took."""

    messages: int
    statements: tuple[str, ...]
    processor_s: float

    @property
    def statements_of_reactions(self) -> int:
        """All but the rows of the outbox, which are not theirs."""
        return sum(not said.startswith("INSERT INTO outbox ") for said in self.statements)

    def __str__(self) -> str:
        each_ms = 1000 * self.processor_s / self.messages
        return (
            f"{self.messages} messages, {len(self.statements) / self.messages:.2f} statements and {each_ms:.2f} ms each"
        )


class Batches:
    """A service's consumer, given messages as the broker would hand them out."""

    def __init__(
        self,
        settings: ServiceSettings,
        engine: AsyncEngine,
        make_uow: Callable[[], UnitOfWork],
        reactions: Mapping[type[Message], Reaction],
    ) -> None:
        self._statements = Statements.of(engine)
        self._consumer = Consumer(settings, make_uow, reactions, cast(Any, AllBuckets()))
        self._sequence = count(1)

    def _delivery(self, message: Message) -> Delivery:
        subject = str(cast(UUID, cast(Any, message).order_id))
        envelope = Envelope.model_validate(
            {
                "id": str(new_id()),
                "source": message.TYPE.split(".")[0],
                "type": message.TYPE,
                "subject": subject,
                "sequence": next(self._sequence),
                "time": "2026-11-29T12:00:00Z",
                "data": message.model_dump(mode="json"),
            }
        )
        return Delivery(envelope, message)

    async def take(self, messages: Sequence[Message], *, at_once: int = 100) -> Cost:
        """Takes them in batches of so many, as one lane does: what fails in a batch is tried alone."""
        deliveries = [self._delivery(message) for message in messages]
        said, began_s = len(self._statements.said), time.process_time()
        for start in range(0, len(deliveries), at_once):
            await self._consumer._take_lane(deliveries[start : start + at_once])
        return Cost(len(messages), tuple(self._statements.said[said:]), time.process_time() - began_s)
