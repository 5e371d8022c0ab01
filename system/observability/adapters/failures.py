"""Counting what fails, in the transaction that keeps it.

A span that failed counts once. The span itself says little of it, its log line says what happened and where; whichever comes first,
the line decides what it is counted as.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.observability.adapters.tables import failure, failure_hit
from system.observability.application.ports import Hit
from system.observability.domain.failures import State
from system.plumbing.schema import audit_log

Key = tuple[UUID, str]
REOPENED = "failure_reopened"
AT_ONCE = 500


async def record(connection: AsyncConnection, hits: Sequence[Hit]) -> None:
    """Counts each hit once, and opens again what was resolved before it happened."""
    # One for each span, in one order: two exports that tell of the same must not wait for each other in turn.
    chosen = {(hit.trace_id, hit.span_id): hit for hit in hits}
    keys = sorted(chosen)
    for first in range(0, len(keys), AT_ONCE):
        await _record({key: chosen[key] for key in keys[first : first + AT_ONCE]}, connection)


async def _record(hits: Mapping[Key, Hit], connection: AsyncConnection) -> None:
    told_before = await _told_by_spans(connection, list(hits))
    statement = upsert(failure_hit)
    statement = statement.on_conflict_do_update(
        index_elements=["trace_id", "span_id"],
        set_={"fingerprint": statement.excluded.fingerprint, "told_by": "line"},
        where=(failure_hit.c.told_by == "span") & (statement.excluded.told_by == "line"),
    )
    rows = [
        {
            "trace_id": hit.trace_id,
            "span_id": hit.span_id,
            "at": hit.at,
            "fingerprint": hit.failure.fingerprint,
            "order_id": hit.order_id,
            "told_by": hit.told_by,
        }
        for hit in hits.values()
    ]
    told = await connection.execute(statement.returning(failure_hit.c.trace_id, failure_hit.c.span_id), rows)
    counted: dict[str, list[Hit]] = {}
    moved: Counter[str] = Counter()
    for row in told:
        key = (row.trace_id, row.span_id)
        counted.setdefault(hits[key].failure.fingerprint, []).append(hits[key])
        if key in told_before:
            moved[told_before[key]] += 1
    for fingerprint in sorted(counted.keys() | moved.keys()):
        if fingerprint in moved:
            await _take_off(connection, fingerprint, moved[fingerprint])
        if fingerprint in counted:
            await _count(connection, fingerprint, counted[fingerprint])


async def _told_by_spans(connection: AsyncConnection, keys: Sequence[Key]) -> dict[Key, str]:
    query = (
        select(failure_hit.c.trace_id, failure_hit.c.span_id, failure_hit.c.fingerprint)
        .where(tuple_(failure_hit.c.trace_id, failure_hit.c.span_id).in_(keys), failure_hit.c.told_by == "span")
        .order_by(failure_hit.c.trace_id, failure_hit.c.span_id)
        .with_for_update()
    )
    return {(row.trace_id, row.span_id): row.fingerprint for row in await connection.execute(query)}


async def _take_off(connection: AsyncConnection, fingerprint: str, count: int) -> None:
    known = failure.c.fingerprint == fingerprint
    await connection.execute(update(failure).where(known).values(hits=failure.c.hits - count))
    # What people have said something about stays.
    await connection.execute(delete(failure).where(known, failure.c.hits <= 0, failure.c.state == State.NEW))


async def _count(connection: AsyncConnection, fingerprint: str, hits: Sequence[Hit]) -> None:
    kind = hits[0].failure
    first, last = min(hit.at for hit in hits), max(hit.at for hit in hits)
    statement = upsert(failure).values(
        fingerprint=fingerprint,
        service=kind.service,
        place=kind.place,
        exception=kind.exception,
        message=kind.message,
        frame=kind.frame,
        first_at=first,
        last_at=last,
        hits=len(hits),
        state=State.NEW,
        state_since=first,
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["fingerprint"],
            set_={
                "hits": failure.c.hits + statement.excluded.hits,
                "first_at": func.least(failure.c.first_at, statement.excluded.first_at),
                "last_at": func.greatest(failure.c.last_at, statement.excluded.last_at),
            },
        )
    )
    reopened = await connection.execute(
        update(failure)
        .where(failure.c.fingerprint == fingerprint, failure.c.state == State.RESOLVED, failure.c.state_since < last)
        .values(state=State.NEW, state_since=last, state_by=None, reopened=failure.c.reopened + 1)
    )
    if reopened.rowcount:
        noted = {"actor": "system", "action": REOPENED, "subject": fingerprint, "details": {"at": last.isoformat()}}
        await connection.execute(insert(audit_log).values(**noted))
