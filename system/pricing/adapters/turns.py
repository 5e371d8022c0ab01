"""Which job a worker takes next: the fair one (`domain/fairness.py`), and not the oldest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.jobs import Job
from psycopg.rows import dict_row

from system.plumbing.job_leases import LeasedJobs
from system.plumbing.telemetry import log, said_by
from system.pricing.domain.fairness import Shares, Waiting, in_turn, place_of, served, triangles_of

NOBODY = UUID(int=0)
"""Who asked for what has no quote."""

_IS_DUE: LiteralString = "job.status = 'todo' AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())"
# What a worker of the release before asked for has no place, and is older than whatever has one.
WAITING_COLUMNS: LiteralString = """
    job.id AS job_id, coalesce(quote.owner_id, '00000000-0000-0000-0000-000000000000') AS asker,
    calculation.triangles, calculation.place, calculation.clock, calculation.file_bytes, quote.created_at
"""
WAITING_TABLES: LiteralString = """
    procrastinate_jobs AS job
    LEFT JOIN quote ON quote.quote_id = CAST(job.args ->> 'quote_id' AS uuid)
    LEFT JOIN calculation ON calculation.quote_id = quote.quote_id
"""
WAITING_ORDER: LiteralString = "calculation.place NULLS FIRST, job.id"
_ANY: LiteralString = f"""
    SELECT 1 FROM procrastinate_jobs AS job WHERE {_IS_DUE} AND job.queue_name = ANY(%(queues)s) LIMIT 1
"""  # noqa: S608 - of our own words
# Of each asker the first alone: of ten thousand models of one partner one row is read.
_FIRSTS: LiteralString = f"""
    SELECT DISTINCT ON (asker) *, min(clock) OVER (PARTITION BY asker) AS earliest
    FROM (SELECT {WAITING_COLUMNS}, row_number() OVER (ORDER BY {WAITING_ORDER}) AS number
          FROM {WAITING_TABLES} WHERE {_IS_DUE} AND job.queue_name = ANY(%(queues)s)) AS waiting
    ORDER BY asker, number
"""  # noqa: S608 - of our own words
# A worker that is paused while it holds the clock must not stop the others: the server ends its transaction.
_BRIEFLY: LiteralString = (
    "SELECT set_config('idle_in_transaction_session_timeout', '3s', true), set_config('lock_timeout', '5s', true)"
)
_CLOCK: LiteralString = "SELECT clock, advance FROM fair_clock FOR UPDATE"
SHARES: LiteralString = "SELECT asker, served_to FROM fair_share"
_TAKE: LiteralString = """
    UPDATE procrastinate_jobs SET status = 'doing', worker_id = %(worker_id)s
    WHERE id = (SELECT id FROM procrastinate_jobs WHERE id = %(job_id)s AND status = 'todo' FOR UPDATE SKIP LOCKED)
    RETURNING id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts, worker_id
"""
_SET_CLOCK: LiteralString = "UPDATE fair_clock SET clock = %(clock)s, advance = %(advance)s"
_SET_SHARE: LiteralString = """
    INSERT INTO fair_share (asker, served_to) VALUES (%(asker)s, %(served_to)s)
    ON CONFLICT (asker) DO UPDATE SET served_to = excluded.served_to
"""
_FORGET: LiteralString = "DELETE FROM fair_share WHERE served_to <= %(clock)s AND asker <> ALL(%(waiting)s)"


class FairJobs(LeasedJobs):
    """The library's jobs, taken in fair order. They stay jobs like any other: a worker of another release takes them too."""

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The next job, which is then this worker's; None when nothing is due, or the clock is held for too long."""
        assert queues is not None
        assert isinstance(self.connector, PsycopgConnector)
        wanted = {"queues": list(queues)}
        async with self.connector.pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            # Asked every second by an idle worker: this locks nothing and reads one entry of an index.
            if await (await cursor.execute(_ANY, wanted)).fetchone() is None:
                return None
            try:
                async with connection.transaction():
                    await cursor.execute(_BRIEFLY)
                    row = await _taken(cursor, wanted, worker_id)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.ForeignKeyViolation) as error:
                # The clock is held for too long; or this worker was struck off while it was paused, and its next beat mends that.
                log.warning("no job taken", error=said_by(error))
                return None
            return Job.from_row(row) if row is not None else None


async def _taken(
    cursor: psycopg.AsyncCursor[dict[str, Any]], wanted: Mapping[str, Any], worker_id: int
) -> dict[str, Any] | None:
    clock = await (await cursor.execute(_CLOCK)).fetchone()
    assert clock is not None
    rows = await (await cursor.execute(SHARES)).fetchall()
    shares = Shares(clock["clock"], clock["advance"], {row["asker"]: row["served_to"] for row in rows})
    firsts = waiting_of(await (await cursor.execute(_FIRSTS, wanted)).fetchall())
    for one in in_turn(firsts, shares):
        row = await (await cursor.execute(_TAKE, {"job_id": one.job_id, "worker_id": worker_id})).fetchone()
        if row is None:
            continue  # Taken this moment by a worker of the release before, which asks no clock.
        after = served(one, firsts, shares)
        await cursor.execute(_SET_CLOCK, {"clock": after.clock, "advance": after.advance})
        await cursor.execute(_SET_SHARE, {"asker": one.asker, "served_to": after.served_to[one.asker]})
        still_waiting = [each.asker for each in firsts]
        await cursor.execute(_FORGET, {"clock": after.clock, "waiting": still_waiting})
        return row
    return None


def waiting_of(rows: Sequence[Mapping[Any, Any]]) -> list[Waiting]:
    """What waits, from rows of WAITING_COLUMNS; `earliest` is the earliest clock of the asker's, where only their first is read."""
    return [_waiting(row) for row in rows]


def _waiting(row: Mapping[Any, Any]) -> Waiting:
    triangles, place = row["triangles"], row["place"]
    if triangles is None:
        triangles = triangles_of(row["file_bytes"], None)
    if place is None:
        place = place_of(triangles, asked_at=row["created_at"]) if row["created_at"] else 0
    clock = row["earliest"] if "earliest" in row else row["clock"]
    return Waiting(row["job_id"], row["asker"], triangles, place, clock)
