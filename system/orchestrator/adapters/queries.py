"""What people and reports read; nothing here decides. Reads go around the domain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from system.kernel.ids import derived_id
from system.orchestrator.adapters.tables import order_history, order_line, order_note, orders, saga_step
from system.orchestrator.domain.budgets import WHAT_TO_DO, Attention, Deadlines, attention
from system.orchestrator.domain.reconciliation import Finding, Truth
from system.orchestrator.domain.status import Status, allowed_from
from system.orchestrator.domain.work import Stage
from system.plumbing.metrics import GaugeQuery

TRUTHS_MAX = 20_000
# An order that left a status since then has changed since then: the rest of the history is not read.
_STAGE_TIMES = text(
    "SELECT status, count(*) AS stays, sum(lasted_s)::float8 AS total_s,"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY lasted_s) AS median_s,"
    " percentile_cont(0.95) WITHIN GROUP (ORDER BY lasted_s) AS p95_s FROM ("
    "SELECT h.to_status AS status, lead(h.at) OVER life AS left_at,"
    " extract(epoch FROM lead(h.at) OVER life - h.at)::float8 AS lasted_s"
    " FROM orders o JOIN order_history h USING (order_id) WHERE o.changed_at >= :since"
    " WINDOW life AS (PARTITION BY h.order_id ORDER BY h.seq)"
    ") stays WHERE left_at >= :since AND left_at < :until GROUP BY status"
)

GAUGES = (
    GaugeQuery(
        "alexandrite_orders_open",
        "Orders that have not ended, by status.",
        ("status",),
        "SELECT status, count(*) AS value FROM orders"
        " WHERE status NOT IN ('CLOSED','PRICE_FAILED','REJECTED','CANCELLED') GROUP BY status",
    ),
    GaugeQuery(
        "alexandrite_orders_oldest_seconds",
        "How long the order that is longest in its status has been there.",
        ("status",),
        "SELECT status, extract(epoch FROM clock_timestamp() - min(status_since)) AS value FROM orders"
        " WHERE status NOT IN ('CLOSED','PRICE_FAILED','REJECTED','CANCELLED') GROUP BY status",
    ),
    GaugeQuery(
        "alexandrite_orders_by_age",
        "Orders that have not ended, by status and by how long they have been in it.",
        ("status", "age"),
        "SELECT status, CASE WHEN since < interval '1 hour' THEN 'hour' WHEN since < interval '1 day' THEN 'day'"
        " WHEN since < interval '7 days' THEN 'week' ELSE 'longer' END AS age, count(*) AS value"
        " FROM (SELECT status, clock_timestamp() - status_since AS since FROM orders"
        " WHERE status NOT IN ('CLOSED','PRICE_FAILED','REJECTED','CANCELLED')) AS open GROUP BY 1, 2",
        every_s=30,
    ),
    GaugeQuery(
        "alexandrite_orders_past_budget",
        "Orders whose status has used up its time budget, by the stage they are stuck in.",
        ("stage",),
        "SELECT status AS stage, count(*) AS value FROM orders"
        " WHERE budget_until IS NOT NULL AND budget_until < clock_timestamp() GROUP BY status",
    ),
    GaugeQuery(
        "alexandrite_orders_at_risk",
        "Orders whose promise will not hold at this pace, by stage.",
        ("stage",),
        "SELECT status AS stage, count(*) AS value FROM orders"
        " WHERE at_risk_from IS NOT NULL AND at_risk_from < clock_timestamp() GROUP BY status",
    ),
    GaugeQuery(
        "alexandrite_saga_steps_stuck",
        "Steps of sagas that nobody answered after the last retry.",
        ("step",),
        "SELECT s.name AS step, count(*) AS value FROM orders o JOIN saga_step s USING (order_id)"
        " WHERE o.step_is_stuck AND s.state IN ('STUCK','UNDO_STUCK') GROUP BY s.name",
    ),
)

_BROKEN = text("""
    SELECT o.order_id, o.number, o.status, h.steps, h.last_seq, h.jumps, h.ends_as
    FROM orders o
    LEFT JOIN LATERAL (
        SELECT count(*) AS steps, max(seq) AS last_seq,
               count(*) FILTER (WHERE from_status IS DISTINCT FROM before) AS jumps,
               (array_agg(to_status ORDER BY seq DESC))[1] AS ends_as
        FROM (SELECT seq, from_status, to_status, lag(to_status) OVER (ORDER BY seq) AS before
              FROM order_history WHERE order_id = o.order_id) AS steps
    ) AS h ON true
    WHERE o.changed_at >= :since
      AND (h.steps = 0 OR h.steps <> h.last_seq OR h.jumps > 0 OR h.ends_as <> o.status)
""")


class OrderQueries:
    """Reads over an engine, each on a connection of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def one(self, key: str) -> dict[str, Any] | None:
        """The order with this id or number, with its lines and saga, or None."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(orders).where(_is_named(key)))).one_or_none()
            if row is None:
                return None
            lines = await connection.execute(
                select(order_line).where(order_line.c.order_id == row.order_id).order_by(order_line.c.position)
            )
            steps = await connection.execute(
                select(saga_step).where(saga_step.c.order_id == row.order_id).order_by(saga_step.c.since)
            )
            now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
            return (
                summary_of(row, now)
                | {"lines": [_line_view(row.order_id, line) for line in lines]}
                | {"saga": [_step_view(step) for step in steps]}
            )

    async def story(self, order_id: UUID) -> tuple[list[Row[Any]], list[Row[Any]]]:
        """The history and the notes of an order, each in order."""
        async with self._engine.connect() as connection:
            history = await connection.execute(
                select(order_history).where(order_history.c.order_id == order_id).order_by(order_history.c.seq)
            )
            notes = await connection.execute(
                select(order_note).where(order_note.c.order_id == order_id).order_by(order_note.c.id)
            )
            return list(history), list(notes)

    async def by_status(self, status: Status, *, after: list[Any] | None, limit: int) -> list[dict[str, Any]]:
        """Orders in a status, the one that is longest in it first."""
        query = select(orders).where(orders.c.status == status.value)
        if after is not None:
            key = tuple_(orders.c.status_since, orders.c.order_id)
            query = query.where(key > tuple_(datetime.fromisoformat(after[0]), UUID(after[1])))
        return await self._summaries(query.order_by(orders.c.status_since, orders.c.order_id).limit(limit))

    async def needing_attention(self, kind: Attention, *, after: list[Any] | None, limit: int) -> list[dict[str, Any]]:
        """Stuck: over budget or with a silent step, the longest overdue first. At risk: the nearest promise first, not yet stuck."""
        now = func.clock_timestamp()
        past_budget = and_(orders.c.budget_until.is_not(None), orders.c.budget_until < now)
        stuck = or_(past_budget, orders.c.step_is_stuck)
        moment: ColumnElement[Any]
        if kind is Attention.STUCK:
            moment = func.coalesce(orders.c.budget_until, orders.c.status_since)
            query = select(orders).where(stuck)
        else:
            moment = orders.c.promise_at
            at_risk = and_(orders.c.at_risk_from.is_not(None), orders.c.at_risk_from < now)
            query = select(orders).where(at_risk, ~past_budget, ~orders.c.step_is_stuck)
        if after is not None:
            query = query.where(
                tuple_(moment, orders.c.order_id) > tuple_(datetime.fromisoformat(after[0]), UUID(after[1]))
            )
        return await self._summaries(query.order_by(moment, orders.c.order_id).limit(limit))

    async def search(self, words: str, *, limit: int) -> list[dict[str, Any]]:
        """Orders by what a customer says: number or id, e-mail, partner reference; the newest first."""
        said = words.strip()
        found = or_(_is_named(said), func.lower(orders.c.email) == said.lower(), orders.c.partner_reference == said)
        return await self._summaries(select(orders).where(found).order_by(orders.c.changed_at.desc()).limit(limit))

    async def newest(self, *, after: list[Any] | None, limit: int) -> list[dict[str, Any]]:
        """All orders, the last changed first."""
        query = select(orders)
        if after is not None:
            key = tuple_(orders.c.changed_at, orders.c.order_id)
            query = query.where(key < tuple_(datetime.fromisoformat(after[0]), UUID(after[1])))
        return await self._summaries(query.order_by(orders.c.changed_at.desc(), orders.c.order_id.desc()).limit(limit))

    async def stage_times(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """How long orders stayed in each status, of the stays that ended in the period, in seconds."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_STAGE_TIMES, {"since": since, "until": until})
            return [dict(row) for row in rows.mappings()]

    async def due(self, *, buckets: frozenset[int], now: datetime, limit: int) -> list[tuple[UUID, str]]:
        """Orders of these buckets with a step whose deadline has passed, the oldest first."""
        query = (
            select(saga_step.c.order_id, saga_step.c.name)
            .where(
                saga_step.c.deadline_at.is_not(None),
                saga_step.c.deadline_at <= now,
                saga_step.c.bucket == func.any(sorted(buckets)),
            )
            .order_by(saga_step.c.deadline_at)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [(row.order_id, row.name) for row in await connection.execute(query)]

    async def truths(self, *, since: datetime, also: Iterable[UUID]) -> list[Truth]:
        """What was decided about the orders changed since then and those named, at most TRUTHS_MAX."""
        wanted = or_(orders.c.changed_at >= since, orders.c.order_id == func.any(list(also)))
        columns = (orders.c.order_id, orders.c.number, orders.c.status, orders.c.version, orders.c.approved_at)
        async with self._engine.connect() as connection:
            rows = list(await connection.execute(select(*columns).where(wanted).limit(TRUTHS_MAX)))
            released = [row.order_id for row in rows if row.approved_at is not None]
            lines = await connection.execute(
                select(order_line.c.order_id, order_line.c.line_id, order_line.c.stage).where(
                    order_line.c.order_id == func.any(released)
                )
            )
            work: dict[UUID, dict[UUID, Stage]] = {}
            for line in lines:
                work_order_id = derived_id(line.order_id, f"work-order:{line.line_id}")
                work.setdefault(line.order_id, {})[work_order_id] = Stage(line.stage)
        return [
            Truth(row.order_id, row.number, Status(row.status), row.version, work.get(row.order_id, {})) for row in rows
        ]

    async def broken_histories(self, *, since: datetime) -> list[Finding]:
        """Orders whose history has a gap, a jump, or another end than their status."""
        async with self._engine.connect() as connection:
            return [
                Finding(
                    "history_broken",
                    "orchestrator",
                    str(row.order_id),
                    f"{row.number} is {row.status}; its history has {row.steps} steps up to {row.last_seq},"
                    f" {row.jumps} jumps, and ends as {row.ends_as}",
                )
                for row in await connection.execute(_BROKEN, {"since": since})
            ]

    async def _summaries(self, query: Select[Any]) -> list[dict[str, Any]]:
        async with self._engine.connect() as connection:
            now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
            return [summary_of(row, now) for row in await connection.execute(query)]


def summary_of(row: Row[Any], now: datetime) -> dict[str, Any]:
    """The order in a list: where it stands, what it promised, and what is wrong with it."""
    status = Status(row.status)
    needed = attention(
        deadlines=Deadlines(row.budget_until, row.at_risk_from), step_is_stuck=row.step_is_stuck, now=now
    )
    return {
        "order_id": row.order_id,
        "number": row.number,
        "channel": row.channel,
        "customer_id": row.customer_id,
        "customer_name": row.customer_name,
        "email": row.email,
        "partner_reference": row.partner_reference,
        "status": status.value,
        "status_since": row.status_since,
        "version": row.version,
        "promise_at": row.promise_at,
        "budget_until": row.budget_until,
        "reason": row.reason,
        "total": _money_view(row.total, row.currency),
        "agreed_total": _money_view(row.agreed_total, row.currency),
        "cancellation_requested": row.cancellation is not None,
        "allowed": [end.value for end in allowed_from(status)],
        "changed_at": row.changed_at,
        "attention": needed.value,
        "stuck": _stuck_view(row, status, needed, now),
    }


def _stuck_view(row: Row[Any], status: Status, needed: Attention, now: datetime) -> dict[str, Any] | None:
    if needed is Attention.NONE:
        return None
    overdue_s = (now - row.budget_until).total_seconds() if row.budget_until is not None else 0.0
    advice = WHAT_TO_DO.get(status, "See the timeline of this order.")
    if row.step_is_stuck:
        advice = (
            "Another service has not answered after the last retry. See this order's parked messages, replay them,"
            " then resend the step."
        )
    return {
        "stage": status.value,
        "since": row.status_since,
        "overdue_s": max(overdue_s, 0.0),
        "what_to_do": advice,
    }


def _line_view(order_id: UUID, row: Row[Any]) -> dict[str, Any]:
    return {
        "line_id": row.line_id,
        "work_order_id": derived_id(order_id, f"work-order:{row.line_id}"),
        "title": row.title,
        "kind": row.kind,
        "material": row.material,
        "quantity": row.quantity,
        "quote_id": row.quote_id,
        "total": _money_view(row.total, row.currency),
        "stage": Stage(row.stage).name,
        "held_by": row.held_by,
        "carrier": row.carrier,
        "tracking_number": row.tracking_number,
    }


def _step_view(row: Row[Any]) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.state,
        "attempts": row.attempts,
        "since": row.since,
        "deadline_at": row.deadline_at,
    }


def _money_view(amount: Any, currency: str | None) -> dict[str, str] | None:
    return {"amount": f"{amount:.2f}", "currency": currency} if amount is not None and currency is not None else None


def _is_named(key: str) -> ColumnElement[bool]:
    try:
        return orders.c.order_id == UUID(key)
    except ValueError:
        return orders.c.number == key.upper()
