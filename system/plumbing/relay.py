"""The relay: publishes outbox rows, serially per order and in parallel across orders, and marks what the broker confirmed."""

from __future__ import annotations

import asyncio
import random
from itertools import groupby
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from system.messages.envelope import Envelope
from system.plumbing import telemetry
from system.plumbing.broker import BrokerLost, Publisher, PublishRefused
from system.plumbing.leases import Leases
from system.plumbing.metrics import MESSAGES_IN_FLIGHT, PUBLISH_FAILURES, PUBLISHED
from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import log

BATCH = 500
IN_FLIGHT_MAX = 50
IDLE_POLL_S_MAX = 2.0

# An order whose earlier message waits or is parked must not be overtaken by its later ones; other orders go on.
_DUE = text("""
    SELECT o.* FROM outbox o
    WHERE o.published_at IS NULL AND o.parked_at IS NULL AND o.next_attempt_at <= clock_timestamp()
      AND o.bucket = ANY(:buckets)
      AND NOT EXISTS (SELECT 1 FROM outbox earlier
                      WHERE earlier.subject = o.subject AND earlier.id < o.id AND earlier.published_at IS NULL
                        AND (earlier.parked_at IS NOT NULL OR earlier.next_attempt_at > clock_timestamp()))
    ORDER BY o.id LIMIT :batch
""")
_CONFIRMED = text("UPDATE outbox SET published_at = clock_timestamp(), last_error = NULL WHERE id = ANY(:ids)")
_REFUSED = text("""
    UPDATE outbox SET attempts = attempts + 1, last_error = :error,
        next_attempt_at = clock_timestamp() + make_interval(secs => :delay_s),
        parked_at = CASE WHEN attempts + 1 >= :limit THEN clock_timestamp() END
    WHERE id = :id AND published_at IS NULL RETURNING attempts, parked_at
""")


class Relay:
    """Moves committed messages to the broker. Holds no transaction while it waits for the network."""

    def __init__(self, settings: ServiceSettings, engine: AsyncEngine, leases: Leases) -> None:
        self._settings = settings
        self._engine = engine
        self._leases = leases
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was committed: look now instead of at the next poll."""
        self._wake.set()

    async def run(self, publisher: Publisher) -> None:
        """Publishes until cancelled. Raises BrokerLost for the supervisor, which opens a new publisher."""
        pause_s = self._settings.outbox_poll_s
        while True:
            self._wake.clear()
            while await self.drain(publisher):
                pause_s = self._settings.outbox_poll_s
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
                pause_s = self._settings.outbox_poll_s
            except TimeoutError:
                # Every commit wakes it; polling finds only what could not be published before.
                pause_s = min(2 * pause_s, IDLE_POLL_S_MAX)

    async def drain(self, publisher: Publisher) -> bool:
        """Publishes one batch of what is due. True when there may be more."""
        buckets = self._leases.held()
        if not buckets:
            return False
        async with self._engine.begin() as connection:
            rows = (await connection.execute(_DUE, {"buckets": sorted(buckets), "batch": BATCH})).mappings().all()
        if not rows:
            return False
        confirmed: list[int] = []
        refused: list[tuple[Any, str]] = []
        gate = asyncio.Semaphore(IN_FLIGHT_MAX)
        by_order = groupby(sorted(rows, key=lambda row: (row["subject"], row["id"])), key=lambda row: row["subject"])

        lost = False

        async def publish_order(order_rows: list[Any]) -> None:
            nonlocal lost
            async with gate:
                for row in order_rows:
                    if lost:
                        # The others would each wait for a broker that is not there, fifty at a time.
                        return
                    try:
                        with MESSAGES_IN_FLIGHT.labels("out").track_inprogress():
                            await self._publish(publisher, envelope_of(row))
                    except BrokerLost:
                        lost = True
                        raise
                    except PublishRefused as error:
                        refused.append((row, str(error)))
                        return
                    confirmed.append(row["id"])
                    PUBLISHED.labels(row["type"]).inc()

        outcomes = await asyncio.gather(
            *(publish_order(list(order_rows)) for _, order_rows in by_order), return_exceptions=True
        )
        await self._settle(confirmed, refused)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome if isinstance(outcome, BrokerLost) else BrokerLost(repr(outcome)) from outcome
        return len(rows) == BATCH

    async def _publish(self, publisher: Publisher, envelope: Envelope) -> None:
        with telemetry.in_order(
            envelope.subject,
            f"publish {envelope.type}",
            kind=telemetry.SpanKind.PRODUCER,
            caused_by=envelope.traceparent,
            messaging__system="rabbitmq",
            messaging__message__id=str(envelope.id),
            messaging__destination__name=envelope.type,
        ):
            await publisher.publish(envelope)

    async def _settle(self, confirmed: list[int], refused: list[tuple[Any, str]]) -> None:
        async with self._engine.begin() as connection:
            if confirmed:
                await connection.execute(_CONFIRMED, {"ids": confirmed})
            for row, error in refused:
                PUBLISH_FAILURES.labels(row["type"]).inc()
                outcome = (
                    await connection.execute(
                        _REFUSED,
                        {
                            "id": row["id"],
                            "error": error[:2000],
                            "delay_s": backoff_s(self._settings, row["attempts"]),
                            "limit": self._settings.retry_limit,
                        },
                    )
                ).one_or_none()
                parked = bool(outcome and outcome.parked_at)
                # Parked, it waits for a person; until then the relay tries again.
                (log.error if parked else log.warning)(
                    "message refused by the broker",
                    type=row["type"],
                    event_id=str(row["event_id"]),
                    error=error,
                    parked=parked,
                    **{"order.id": row["subject"]},
                )


def envelope_of(row: Any) -> Envelope:
    """The envelope of an outbox row."""
    return Envelope(
        id=row["event_id"],
        source=row["source"],
        type=row["type"],
        subject=row["subject"],
        time=row["occurred_at"],
        sequence=row["sequence"],
        traceparent=row["traceparent"],
        data=row["data"],
    )


def backoff_s(settings: ServiceSettings, attempts: int) -> float:
    """Exponential with full jitter above half: attempt 0 waits about `retry_base_s`, later ones up to `retry_max_s`."""
    ceiling = min(settings.retry_base_s * 2.0**attempts, settings.retry_max_s)
    return float(ceiling * random.uniform(0.5, 1.0))
