"""The queue of calculations as others are shown it: what runs, what waits, where in line, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.plumbing.sparing import Kept
from system.pricing.adapters import tables
from system.pricing.adapters.jobs import QUEUE
from system.pricing.adapters.turns import SHARES, WAITING_COLUMNS, WAITING_ORDER, WAITING_TABLES, waiting_of
from system.pricing.domain.fairness import Shares, in_turn
from system.pricing.domain.progress import At, Place
from system.pricing.domain.stages import Stage
from system.pricing.domain.waiting import InQueue, Measured, seconds_left, size_class, typical_seconds

SHOWN_MAX = 500
MEASURED_MAX = 300
READ_EVERY_S = 1.0

# What runs, and what waits; each of these conditions is a partial index of procrastinate's. Of each asker so many as are shown at all.
_QUEUE = text(
    f"""
    SELECT {WAITING_COLUMNS}, quote.quote_id, job.status, job.attempts, job.worker_id, job.scheduled_at,
           quote.status AS quote_status,
           coalesce(CAST(quote.mesh ->> 'triangle_count' AS bigint), calculation.triangle_count) AS triangle_count,
           calculation.stage, calculation.stage_at, calculation.asked_by, calculation.started_at,
           EXISTS (SELECT 1 FROM price_request_quote AS line JOIN price_request AS request
                   ON request.order_id = line.order_id AND request.attempt = line.attempt
                   WHERE line.quote_id = quote.quote_id AND request.state = 'WAITING') AS order_waits
    FROM (SELECT job.id, job.args, job.status::text AS status, job.attempts, job.worker_id, job.scheduled_at,
                 row_number() OVER (PARTITION BY job.status, quote.owner_id ORDER BY {WAITING_ORDER}) AS number
          FROM {WAITING_TABLES}
          WHERE job.status IN ('todo', 'doing') AND job.queue_name = :queue) AS job
    JOIN quote ON quote.quote_id = CAST(job.args ->> 'quote_id' AS uuid)
    LEFT JOIN calculation ON calculation.quote_id = quote.quote_id
    WHERE job.number <= :shown_max AND quote.status IN ('QUEUED', 'ANALYSING', 'ESTIMATED')
    ORDER BY job.id
    """  # noqa: S608 - of our own words
)
_CLOCK = text("SELECT clock, advance FROM fair_clock")
_WAITING = text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = :queue")
_WORKERS = text(
    "SELECT count(*) FROM procrastinate_workers"
    " WHERE last_heartbeat > clock_timestamp() - make_interval(secs => :stalled_after_s)"
)


def measured_statement() -> Select[Any]:
    """What the last MEASURED_MAX calculations that came to a result took; reads as many rows of one index."""
    table = tables.calculation
    return (
        select(table.c.file_bytes, table.c.started_at, table.c.finished_at)
        .where(table.c.finished_at.is_not(None))
        .order_by(table.c.finished_at.desc())
        .limit(MEASURED_MAX)
    )


class Calculations:
    """The queue, read at most once in READ_EVERY_S however many ask: each customer who waits asks every second."""

    def __init__(self, engine: AsyncEngine, *, concurrency: int, stalled_after_s: float) -> None:
        self._engine = engine
        self._concurrency, self._stalled_after_s = concurrency, stalled_after_s
        self._queue = Kept(self._look, READ_EVERY_S)

    async def view(self) -> dict[str, Any]:
        """Everything that is being calculated or waits, in order; names nobody."""
        return await self._queue.get()

    async def place_of(self, quote_id: UUID) -> Place | None:
        """Where a quote stands, or None when it is not in the queue (any more), or beyond what is shown of it."""
        for item in (await self.view())["items"]:
            if item["quote_id"] == str(quote_id):
                return Place(item["position"], item["eta_s"], _at(item, now=datetime.now(UTC)))
        return None

    async def _look(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        async with self._engine.connect() as connection:
            found = (await connection.execute(_QUEUE, {"queue": QUEUE, "shown_max": SHOWN_MAX})).mappings().all()
            clock = (await connection.execute(_CLOCK)).one()
            served_to = {row.asker: row.served_to for row in await connection.execute(text(SHARES))}
            waiting = (await connection.execute(_WAITING, {"queue": QUEUE})).scalar_one()
            alive = {"stalled_after_s": self._stalled_after_s}
            workers = (await connection.execute(_WORKERS, alive)).scalar_one()
            typical = typical_seconds(await _measured(connection))
        rows = _in_turn(found, Shares(clock.clock, clock.advance, served_to))[:SHOWN_MAX]
        queue = [InQueue(row["file_bytes"], _running_s(row, now)) for row in rows]
        left = seconds_left(queue, typical, at_once=workers * self._concurrency)
        running = sum(one.running_s is not None for one in queue)
        return {
            "items": [
                _item(row, position=max(0, number - running), eta_s=eta_s)
                for number, (row, eta_s) in enumerate(zip(rows, left, strict=True), start=1)
            ],
            "running": running,
            "waiting": waiting,
            "workers": workers,
            "typical_s": {str(size): round(seconds, 2) for size, seconds in typical.items()},
        }


def _in_turn(found: Sequence[RowMapping], shares: Shares) -> list[RowMapping]:
    """What runs, and then what waits, in the order in which workers will take it."""
    running = [row for row in found if row["status"] == "doing"]
    waiting = {row["job_id"]: row for row in found if row["status"] != "doing"}
    return running + [waiting[one.job_id] for one in in_turn(waiting_of(list(waiting.values())), shares)]


async def _measured(connection: AsyncConnection) -> list[Measured]:
    rows = await connection.execute(measured_statement())
    return [
        Measured(row.file_bytes, (row.finished_at - row.started_at).total_seconds())
        for row in rows
        if row.file_bytes is not None
    ]


def _at(item: Mapping[str, Any], *, now: datetime) -> At | None:
    if item["stage"] is None:
        return None
    since_s = (now - datetime.fromisoformat(item["stage_at"])).total_seconds()
    return At(Stage(item["stage"]), since_s, item["triangles"])


def _running_s(row: Mapping[Any, Any], now: datetime) -> float | None:
    if row["status"] != "doing":
        return None
    # Taken, and not begun yet for as long as its worker needs to say so.
    return max(0.0, (now - row["started_at"]).total_seconds()) if row["started_at"] else 0.0


def _item(row: Mapping[Any, Any], *, position: int, eta_s: float | None) -> dict[str, Any]:
    runs = row["status"] == "doing"
    since = row["started_at"] if runs and row["started_at"] else row["created_at"]
    return {
        "quote_id": str(row["quote_id"]),
        "state": "running" if runs else "waiting",
        "position": position,
        "status": row["quote_status"],
        "size": str(size_class(row["file_bytes"])) if row["file_bytes"] is not None else None,
        "file_bytes": row["file_bytes"],
        "triangles": row["triangle_count"],
        "stage": row["stage"] if runs else None,
        "stage_at": row["stage_at"].isoformat() if row["stage_at"] and runs else None,
        "asked_by": row["asked_by"],
        "order_waits": row["order_waits"],
        "since": since.isoformat(),
        "attempt": row["attempts"] + 1,
        "worker": row["worker_id"] if runs else None,
        "tried_again_at": row["scheduled_at"].isoformat() if row["scheduled_at"] and not runs else None,
        "eta_s": round(eta_s, 1) if eta_s is not None else None,
    }
