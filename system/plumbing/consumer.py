"""The consumer: an inbox row, the effect and the messages it causes, in one transaction; then the acknowledgement.

A message ends in exactly one state of the inbox: done, refused (its fact cannot apply; a person can see it), retry (backing off),
waiting (another process holds its order's bucket, or a person released it), held (its predecessor is missing), parked (tried too
often). What cannot be decoded at all is rejected to the dead-letter queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from pydantic import ValidationError
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from system.kernel.errors import Refused
from system.kernel.ids import bucket_of
from system.messages.envelope import Envelope, Message
from system.plumbing import telemetry
from system.plumbing.broker import BrokerLost
from system.plumbing.database import is_connection_failure
from system.plumbing.gate import SequenceGate
from system.plumbing.leases import Leases
from system.plumbing.metrics import BATCH_SIZE, CONSUMED, CONSUMER_UP, DELIVERY_SECONDS, MESSAGES_IN_FLIGHT
from system.plumbing.relay import backoff_s
from system.plumbing.rows import as_rows, inserting
from system.plumbing.schema import inbox
from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import log
from system.plumbing.topology import inbox_queue
from system.plumbing.unit_of_work import UnitOfWork

BATCH_MAX = 100
LANES = 2
PREFETCH = 300
WATCH_EVERY_S = 5
DUE_POLL_S = 0.25
IDLE_POLL_S_MAX = 1.0
"""Nothing was due for a while: whoever stores a message wakes the one who works on it, and a retry can wait for so long."""

Reaction = Callable[[Any, Any], Awaitable[None]]

_RECORD = inserting(
    inbox,
    "event_id",
    "source",
    "type",
    "subject",
    "sequence",
    "bucket",
    "state",
    "envelope",
    "traceparent",
    "occurred_at",
    "processed_at",
    more="ON CONFLICT DO NOTHING RETURNING event_id, state",
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A decoded message, and its delivery when it came straight from the broker."""

    envelope: Envelope
    message: Message
    incoming: AbstractIncomingMessage | None = None


class Undecodable(Exception):
    """The body is not a message of ours; the text says what is wrong with it."""


def decode(body: bytes, reactions: Mapping[type[Message], Reaction]) -> tuple[Envelope, Message]:
    """Reads a body into its envelope and typed message. Raises Undecodable with the reason."""
    try:
        envelope = Envelope.from_json(body)
    except ValidationError as error:
        raise Undecodable(f"not an envelope: {_first_problem(error)}") from error
    published = next((known for known in reactions if envelope.type == known.TYPE), None)
    if published is None:
        raise Undecodable(f"nothing here reacts to {envelope.type}")
    try:
        message = published.model_validate(envelope.data)
    except ValidationError as error:
        raise Undecodable(f"{envelope.type} does not fit its schema: {_first_problem(error)}") from error
    if str(message.order_id) != envelope.subject:
        raise Undecodable(f"subject {envelope.subject} is not the order {message.order_id} inside")
    return envelope, message


def _published_by(incoming: AbstractIncomingMessage | None) -> str | None:
    """The traceparent of the publishing that brought it; a message from the inbox does not know any more."""
    header = incoming.headers.get("traceparent") if incoming is not None else None
    return header if isinstance(header, str) else None


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'body'}: {first['msg']}"


class Consumer:
    """Consumes one service's queue. `gated` holds a message until its predecessor of the same source and order took effect."""

    def __init__(
        self,
        settings: ServiceSettings,
        make_uow: Callable[[], UnitOfWork],
        reactions: Mapping[type[Message], Reaction],
        leases: Leases,
        *,
        gated: bool = False,
        on_waiting: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_waiting` is called after a message was stored for the process that holds its order's bucket."""
        self._settings = settings
        self._make_uow = make_uow
        self._reactions = reactions
        self._leases = leases
        self._gated = gated
        self._on_waiting = on_waiting
        self._wake = asyncio.Event()
        self.emptied_at: datetime | None = None
        """The last moment at which the broker had nothing in our queue: whatever was routed before it has been handed out."""

    def wake(self) -> None:
        """A stored message became due."""
        self._wake.set()

    # -- from the broker -----------------------------------------------------------------------------------------

    async def run(self, connection: AbstractConnection) -> None:
        """Consumes until cancelled. Raises BrokerLost, or the database's error, for the supervisor."""
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(inbox_queue(self._settings.service), ensure=True)
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        tag = await queue.consume(arrived.put)
        CONSUMER_UP.set(1)
        watch = asyncio.create_task(self._watch(connection))
        try:
            while True:
                batch = [await self._next(arrived, watch)]
                while len(batch) < BATCH_MAX and not arrived.empty():
                    batch.append(arrived.get_nowait())
                MESSAGES_IN_FLIGHT.labels("in").set(len(batch) + arrived.qsize())
                await self._take(batch)
                MESSAGES_IN_FLIGHT.labels("in").set(arrived.qsize())
        finally:
            CONSUMER_UP.set(0)
            MESSAGES_IN_FLIGHT.labels("in").set(0)
            watch.cancel()
            if not channel.is_closed:
                try:
                    async with asyncio.timeout(2):
                        await queue.cancel(tag)
                        await channel.close()
                except Exception as error:
                    log.info("consumer closed with its connection", error=telemetry.said_by(error))

    async def _next(
        self, arrived: asyncio.Queue[AbstractIncomingMessage], watch: asyncio.Task[None]
    ) -> AbstractIncomingMessage:
        getting = asyncio.create_task(arrived.get())
        try:
            await asyncio.wait({getting, watch}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not getting.done():
                getting.cancel()
        if getting.done() and not getting.cancelled():
            return getting.result()
        error = watch.exception() if watch.done() and not watch.cancelled() else None
        raise BrokerLost(f"consumer watch ended: {error!r}")

    async def _watch(self, connection: AbstractConnection) -> None:
        """Ends with BrokerLost when the connection closed, or the broker no longer counts a consumer on our queue."""
        missing = 0
        while True:
            closed, _ = await asyncio.wait({asyncio.ensure_future(connection.closed())}, timeout=WATCH_EVERY_S)
            if closed:
                raise BrokerLost("connection closed")
            looked_at = datetime.now(UTC)
            try:
                async with asyncio.timeout(WATCH_EVERY_S):
                    channel = await connection.channel()
                    queue = await channel.declare_queue(inbox_queue(self._settings.service), passive=True)
                    count = queue.declaration_result.consumer_count or 0
                    if queue.declaration_result.message_count == 0:
                        self.emptied_at = looked_at
                    await channel.close()
            except (Exception, asyncio.CancelledError) as error:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise
                raise BrokerLost(f"queue not answering: {error!r}") from error
            missing = missing + 1 if count == 0 else 0
            if missing >= 2:
                raise BrokerLost("the broker lost our consumer")

    async def _take(self, batch: list[AbstractIncomingMessage]) -> None:
        deliveries: list[Delivery] = []
        undecodable: list[AbstractIncomingMessage] = []
        for incoming in batch:
            try:
                envelope, message = decode(incoming.body, self._reactions)
            except Undecodable as error:
                log.error("undecodable message set aside", reason=str(error), message_id=incoming.message_id)
                CONSUMED.labels("undecodable", "dead").inc()
                undecodable.append(incoming)
                continue
            deliveries.append(Delivery(envelope, message, incoming))
        for incoming in undecodable:
            await incoming.reject(requeue=False)
            batch.remove(incoming)
        if not deliveries:
            return
        lanes: dict[int, list[Delivery]] = {}
        for delivery in deliveries:
            lanes.setdefault(bucket_of(delivery.envelope.subject) % LANES, []).append(delivery)
        # Orders do not wait for each other: each lane is a transaction of its own, and an order never leaves its lane.
        outcomes = await asyncio.gather(*(self._take_lane(lane) for lane in lanes.values()), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        # Ack after commit: a crash before this line redelivers, and the inbox then recognises the ids. One frame for the batch:
        # it came in this order, and everything before it is settled.
        await batch[-1].ack(multiple=True)

    async def _take_lane(self, lane: list[Delivery]) -> None:
        BATCH_SIZE.observe(len(lane))
        try:
            await self._apply(lane)
        except Exception as error:
            if is_connection_failure(error):
                raise
            for delivery in lane:
                await self._apply_alone(delivery)

    async def _apply(self, deliveries: list[Delivery], *, alone: bool = False) -> None:
        # In sequence per source, so that a batch that overtook itself on the way needs no detour over `held`.
        deliveries = sorted(deliveries, key=lambda d: (d.envelope.subject, d.envelope.source, d.envelope.sequence))
        outcomes = []
        async with self._make_uow() as uow:
            await uow.lock(*(delivery.envelope.subject for delivery in deliveries))
            fresh = await self._record(uow, deliveries)
            gate = await SequenceGate.read(uow, (d.envelope for d in deliveries)) if self._gated else None
            if not alone:
                # Those that act here; a single message keeps what it does inside its savepoint.
                await uow.prepare({d.envelope.subject for d in deliveries if fresh.get(d.envelope.id) == "done"})
            for delivery in deliveries:
                state = fresh.pop(delivery.envelope.id, None)
                if state is None:
                    outcomes.append((delivery, "duplicate"))
                elif state == "waiting":
                    outcomes.append((delivery, "waiting"))
                else:
                    outcomes.append((delivery, await self._effect(uow, delivery, gate, alone=alone)))
            released = gate is not None and await gate.write(uow)
            await uow.commit()
        for delivery, outcome in outcomes:
            self._count(delivery.envelope, outcome)
        waiting = any(outcome == "waiting" for _, outcome in outcomes)
        if released or waiting:
            self.wake()
        if waiting:
            self._on_waiting()

    async def _apply_alone(self, delivery: Delivery) -> None:
        try:
            await self._apply([delivery], alone=True)
        except Exception as error:
            if is_connection_failure(error):
                raise
            await self._set_aside(delivery.envelope, error)

    async def _record(self, uow: UnitOfWork, deliveries: list[Delivery]) -> dict[Any, str]:
        """Writes what was not there yet into the inbox; returns its states: done here, or waiting for the holder of its bucket."""
        held = self._leases.held()
        now = datetime.now(UTC)
        rows = {}
        for delivery in deliveries:
            envelope = delivery.envelope
            bucket = bucket_of(envelope.subject)
            mine = bucket in held
            rows[envelope.id] = {
                "event_id": envelope.id,
                "source": envelope.source,
                "type": envelope.type,
                "subject": envelope.subject,
                "sequence": envelope.sequence,
                "bucket": bucket,
                "state": "done" if mine else "waiting",
                "envelope": None if mine else envelope.model_dump(mode="json"),
                "traceparent": envelope.traceparent,
                "occurred_at": envelope.time,
                "processed_at": now if mine else None,
            }
        recorded = await uow.connection.execute(_RECORD, as_rows(rows.values()))
        return {row.event_id: row.state for row in recorded}

    async def _effect(
        self, uow: UnitOfWork, delivery: Delivery, gate: SequenceGate | None, *, alone: bool, stored: bool = False
    ) -> str:
        """Runs the reaction inside the open transaction. Returns done, duplicate, held, refused or waiting; raises to try again.

        In a batch a refusal raises too: the batch falls back to single messages, which carry the cost of a savepoint each.
        """
        envelope = delivery.envelope
        if bucket_of(envelope.subject) not in self._leases.held():
            await self._store(uow, envelope, "waiting")
            return "waiting"
        if gate is not None:
            last = gate.last(envelope)
            if envelope.sequence > last + 1:
                await self._store(uow, envelope, "held")
                return "held"
            if envelope.sequence <= last and not stored:
                # The same fact under another id. A stored one below the gate was refused once and is replayed on purpose.
                return "duplicate"
        outcome = "done"
        with telemetry.in_order(
            envelope.subject,
            f"consume {envelope.type}",
            kind=telemetry.SpanKind.CONSUMER,
            caused_by=envelope.traceparent,
            linked=_published_by(delivery.incoming),
            messaging__system="rabbitmq",
            messaging__message__id=str(envelope.id),
            messaging__destination__name=inbox_queue(self._settings.service),
        ):
            reaction = self._reactions[type(delivery.message)]
            if alone:
                outcome = await self._react_alone(uow, delivery, reaction)
            else:
                await reaction(delivery.message, uow)
        if gate is not None:
            gate.passed(envelope)
        return outcome

    async def _react_alone(self, uow: UnitOfWork, delivery: Delivery, reaction: Reaction) -> str:
        envelope = delivery.envelope
        try:
            async with uow.connection.begin_nested():
                await reaction(delivery.message, uow)
                await uow.flush()
        except Refused as refusal:
            uow.discard()
            await self._store(uow, envelope, "refused", error=str(refusal))
            log.warning("message refused", type=envelope.type, event_id=str(envelope.id), reason=str(refusal))
            return "refused"
        return "done"

    # -- from the inbox ------------------------------------------------------------------------------------------

    async def run_due(self) -> None:
        """Works on stored messages that are due, until cancelled."""
        pause_s = DUE_POLL_S
        while True:
            self._wake.clear()
            try:
                while await self.work_due():
                    pause_s = DUE_POLL_S
            except Exception as error:
                log.error(
                    "stored messages not worked on",
                    error=telemetry.said_by(error),
                    exc_info=not is_connection_failure(error),
                )
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
                pause_s = DUE_POLL_S
            except TimeoutError:
                pause_s = min(2 * pause_s, IDLE_POLL_S_MAX)

    async def work_due(self) -> int:
        """One round over due messages of the leased buckets, oldest first. Returns how many were worked on."""
        buckets = self._leases.held()
        if not buckets:
            return 0
        async with self._make_uow() as uow:
            due = (
                await uow.connection.execute(
                    select(inbox.c.event_id, inbox.c.envelope, inbox.c.subject)
                    .where(
                        inbox.c.state.in_(("retry", "waiting")),
                        inbox.c.next_attempt_at <= func.clock_timestamp(),
                        inbox.c.bucket == func.any(sorted(buckets)),
                    )
                    .order_by(inbox.c.next_attempt_at, inbox.c.sequence)
                    .limit(100)
                )
            ).all()
        for row in due:
            await self._work_one(row.event_id, row.envelope)
        return len(due)

    async def _work_one(self, event_id: Any, stored: dict[str, Any]) -> None:
        envelope = Envelope.model_validate(stored)
        try:
            # A person may have amended it; a body that does not fit is an error like any other.
            _, message = decode(envelope.to_json(), self._reactions)
            async with self._make_uow() as uow:
                await uow.lock(envelope.subject)
                claimed = await uow.connection.execute(
                    update(inbox)
                    .where(inbox.c.event_id == event_id, inbox.c.state.in_(("retry", "waiting")))
                    .values(state="done", processed_at=func.clock_timestamp(), envelope=None, last_error=None)
                )
                if claimed.rowcount == 0:
                    return
                gate = await SequenceGate.read(uow, [envelope]) if self._gated else None
                outcome = await self._effect(uow, Delivery(envelope, message), gate, alone=True, stored=True)
                released = gate is not None and await gate.write(uow)
                await uow.commit()
            if released:
                self.wake()
            self._count(envelope, outcome)
        except Exception as error:
            if is_connection_failure(error):
                raise
            await self._set_aside(envelope, error)

    async def _store(self, uow: UnitOfWork, envelope: Envelope, state: str, *, error: str | None = None) -> None:
        await uow.connection.execute(
            update(inbox)
            .where(inbox.c.event_id == envelope.id)
            .values(
                state=state,
                envelope=envelope.model_dump(mode="json"),
                last_error=error,
                processed_at=None if state != "refused" else func.clock_timestamp(),
                next_attempt_at=func.clock_timestamp(),
            )
        )

    async def _set_aside(self, envelope: Envelope, error: Exception) -> None:
        """Records the failure in a transaction of its own: retry with backoff, or parked after `retry_limit` attempts."""
        # Kept and shown: without the values that an error of the database or of validation quotes.
        reason = f"{type(error).__name__}: {telemetry.said_by(error)}"[:2000]
        async with self._make_uow() as uow:
            attempts = (
                await uow.connection.execute(select(inbox.c.attempts).where(inbox.c.event_id == envelope.id))
            ).scalar_one_or_none() or 0
            state = "parked" if attempts + 1 >= self._settings.retry_limit else "retry"
            statement = upsert(inbox).values(
                event_id=envelope.id,
                source=envelope.source,
                type=envelope.type,
                subject=envelope.subject,
                sequence=envelope.sequence,
                bucket=bucket_of(envelope.subject),
                state=state,
                envelope=envelope.model_dump(mode="json"),
                attempts=attempts + 1,
                last_error=reason,
                traceparent=envelope.traceparent,
                occurred_at=envelope.time,
                next_attempt_at=func.clock_timestamp()
                + text("make_interval(secs => :delay_s)").bindparams(delay_s=backoff_s(self._settings, attempts)),
            )
            await uow.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["event_id"],
                    set_={
                        name: statement.excluded[name]
                        for name in ("state", "envelope", "attempts", "last_error", "next_attempt_at")
                    },
                    where=inbox.c.state != "done",
                )
            )
            await uow.commit()
        self._count(envelope, state)
        # It is due sooner than an idle look would come.
        self.wake()
        (log.error if state == "parked" else log.warning)(
            "message set aside",
            state=state,
            type=envelope.type,
            event_id=str(envelope.id),
            attempts=attempts + 1,
            error=reason,
            **{"order.id": envelope.subject},
        )

    def _count(self, envelope: Envelope, outcome: str) -> None:
        CONSUMED.labels(envelope.type, outcome).inc()
        if outcome == "done":
            DELIVERY_SECONDS.labels(envelope.type).observe((datetime.now(UTC) - envelope.time).total_seconds())
