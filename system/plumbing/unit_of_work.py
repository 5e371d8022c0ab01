"""One command, one transaction: state, outgoing messages, the answer kept for a repeated request."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.kernel.clock import Clock, SystemClock
from system.kernel.errors import Conflict, Invalid
from system.kernel.ids import bucket_of, new_id
from system.messages.envelope import Message
from system.plumbing import telemetry
from system.plumbing.rows import as_rows, inserting
from system.plumbing.schema import audit_log, idempotency_key, outbox, outbox_sequence
from system.plumbing.telemetry import statements


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers over HTTP, kept so that the same request again gets the same answer."""

    status: int
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key for one request. `scope` is who asks for what; `fingerprint` the digest of the body."""

    scope: str
    key: str
    fingerprint: str


class UnitOfWork:
    """An open transaction. Leaving it without `commit` rolls everything back."""

    connection: AsyncConnection
    now: datetime

    def __init__(
        self,
        engine: AsyncEngine,
        source: str,
        *,
        clock: Clock | None = None,
        on_committed: Callable[[frozenset[int]], None] | None = None,
    ) -> None:
        self._engine = engine
        self._source = source
        self._clock = clock or SystemClock()
        self._on_committed = on_committed
        self._outgoing: list[tuple[Message, str | None]] = []
        self._claimed_key: IdempotencyKey | None = None
        self._touched: set[int] = set()
        self._locked: set[int] = set()

    async def __aenter__(self) -> Self:
        self.connection = await self._engine.connect()
        self.now = self._clock.now()
        await self.on_enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing returns the connection to the pool and rolls back whatever was not committed.
        await self.connection.close()
        self._outgoing.clear()
        self._touched.clear()
        self._locked.clear()
        self._claimed_key = None

    @property
    def source(self) -> str:
        """In whose name messages are sent: the service's."""
        return self._source

    async def on_enter(self) -> None:
        """A service opens its repositories here, over `self.connection`."""

    async def prepare(self, subjects: Collection[str]) -> None:
        """Several messages about these locked orders follow: a service may read all of them at once, and collect what it writes.

        What it collects is written by `flush`, and forgotten by `discard`.
        """

    async def flush(self) -> None:
        """A service writes here what it collected; `commit` does it first."""

    def discard(self) -> None:
        """Forgets what was collected and buffered since the last flush: what caused it was rolled back."""
        self._outgoing.clear()

    def publish(self, message: Message) -> None:
        """Sends `message` if, and only if, this transaction commits. Its subject is its order."""
        # Taken now: a batch of received messages is written at once, and each must pass on its own trace.
        self._outgoing.append((message, telemetry.traceparent_about(message.order_id, f"write {message.TYPE}")))

    async def lock(self, *subjects: UUID | str) -> None:
        """Waits until this transaction alone works on these orders (advisory, until commit)."""
        keys = sorted({lock_key(str(subject)) for subject in subjects} - self._locked)
        if not keys:
            return
        await self.connection.execute(_LOCK, {"keys": keys})
        self._locked.update(keys)

    async def answer_to(self, key: IdempotencyKey | None) -> Answer | None:
        """The answer given earlier to this key; else claims the key for this transaction and returns None.

        A request running at the same moment with the same key is waited for. Raises Invalid when the key came with another
        body before, Conflict when the other request does not end within five seconds.
        """
        if key is None:
            return None
        await self.connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        try:
            claimed = await self.connection.execute(
                upsert(idempotency_key)
                .values(scope=key.scope, key=key.key, fingerprint=key.fingerprint)
                .on_conflict_do_nothing()
                .returning(idempotency_key.c.key)
            )
        except Exception as error:
            if getattr(getattr(error, "orig", None), "sqlstate", None) == "55P03":
                raise Conflict(
                    "request-in-progress", "The same request is still being worked on; ask again in a moment."
                ) from error
            raise
        await self.connection.execute(text("SET LOCAL lock_timeout = 0"))
        if claimed.first() is not None:
            self._claimed_key = key
            return None
        row = (
            await self.connection.execute(
                select(idempotency_key).where(idempotency_key.c.scope == key.scope, idempotency_key.c.key == key.key)
            )
        ).one()
        if row.fingerprint != key.fingerprint:
            raise Invalid(
                "idempotency-key-reused",
                "This Idempotency-Key was already used with another body. Send a fresh key for a new request.",
            )
        return Answer(row.status, row.body, row.headers or {})

    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None:
        """Records who did what to which thing; nobody edits it afterwards."""
        await self.connection.execute(
            insert(audit_log).values(at=self.now, actor=actor, action=action, subject=subject, details=details or {})
        )

    async def commit(self, answer: Answer | None = None) -> Any:
        """Makes everything durable in one step: effects, outgoing messages, the answer. Returns `answer`."""
        await self.flush()
        await self.flush_outgoing()
        if self._claimed_key is not None and answer is not None:
            await self.connection.execute(
                update(idempotency_key)
                .where(
                    idempotency_key.c.scope == self._claimed_key.scope, idempotency_key.c.key == self._claimed_key.key
                )
                .values(status=answer.status, body=answer.body, headers=answer.headers)
            )
        with statements.committing(self._source):
            await self.connection.commit()
        if self._touched and self._on_committed is not None:
            self._on_committed(frozenset(self._touched))
        return answer

    async def flush_outgoing(self) -> None:
        """Writes the buffered messages as outbox rows; their sequence numbers continue those of their order."""
        if not self._outgoing:
            return
        outgoing, self._outgoing = self._outgoing, []
        counts: dict[str, int] = {}
        for message, _ in outgoing:
            counts[str(message.order_id)] = counts.get(str(message.order_id), 0) + 1
        lasts = await self.connection.execute(
            _COUNT_ON, as_rows({"subject": subject, "last": count} for subject, count in sorted(counts.items()))
        )
        next_of = {row.subject: row.last - counts[row.subject] for row in lasts}
        rows = []
        for message, traceparent in outgoing:
            subject = str(message.order_id)
            next_of[subject] += 1
            rows.append(
                {
                    "event_id": new_id(),
                    "source": self._source,
                    "subject": subject,
                    "sequence": next_of[subject],
                    "bucket": bucket_of(subject),
                    "type": message.TYPE,
                    "data": message.model_dump(mode="json"),
                    "traceparent": traceparent,
                    "occurred_at": self.now,
                }
            )
        await self.connection.execute(_SEND, as_rows(rows))
        self._touched.update(row["bucket"] for row in rows)


_LOCK = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
# Continues the sequence of each order by so many messages; returns the last number of each.
_COUNT_ON = inserting(
    outbox_sequence,
    "subject",
    "last",
    more="ON CONFLICT (subject) DO UPDATE SET last = outbox_sequence.last + excluded.last RETURNING subject, last",
)
_SEND = inserting(
    outbox, "event_id", "source", "subject", "sequence", "bucket", "type", "data", "traceparent", "occurred_at"
)


def lock_key(subject: str) -> int:
    """The advisory lock of an order: a signed 64-bit number from its id."""
    return (zlib.crc32(subject.encode()) << 31) ^ zlib.adler32(subject.encode())
