"""Reads: straight from the tables to JSON, past the domain's commands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal_column, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from system.crm.adapters import tables
from system.crm.adapters.rows import sales_order_from
from system.crm.application.views import order_view, summary_view
from system.crm.domain.errors import OrderNotFound
from system.kernel.errors import Invalid
from system.plumbing.web import Cursor

ITEMS_MAX = 100
RECONCILED_MAX = 20_000

_order = tables.sales_order
_AWAITS_APPROVAL: ColumnElement[bool] = literal_column(tables.AWAITS_APPROVAL)


def approvals_statement(*, due_before: datetime | None, after: tuple[datetime, UUID] | None, limit: int) -> Select[Any]:
    """Orders that wait for a seller, the nearest deadline first, in the order of their partial index."""
    statement = select(_order).where(_AWAITS_APPROVAL)
    if due_before is not None:
        statement = statement.where(_order.c.due_at <= due_before)
    if after is not None:
        statement = statement.where(tuple_(_order.c.due_at, _order.c.order_id) > tuple_(*after))
    return statement.order_by(_order.c.due_at, _order.c.order_id).limit(limit)


def orders_statement(
    *, query: str | None, status: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Select[Any]:
    """Orders, the newest first. `query` is a number, an e-mail or a partner reference, in any case: each has its index."""
    statement = select(_order)
    if query is not None:
        # One branch per index: an OR could tempt the planner to walk the newest orders instead.
        found = union_all(
            select(_order.c.order_id).where(func.upper(_order.c.number) == query.upper()),
            select(_order.c.order_id).where(func.lower(_order.c.customer_email) == query.lower()),
            select(_order.c.order_id).where(func.lower(_order.c.partner_reference) == query.lower()),
        )
        statement = statement.where(_order.c.order_id.in_(found))
    if status is not None:
        statement = statement.where(_order.c.status == status)
    if after is not None:
        statement = statement.where(tuple_(_order.c.opened_at, _order.c.order_id) < tuple_(*after))
    return statement.order_by(_order.c.opened_at.desc(), _order.c.order_id.desc()).limit(limit)


class CrmQueries:
    """What the sellers' screens ask."""

    def __init__(self, engine: AsyncEngine, *, at_risk_margin_s: int) -> None:
        self._engine = engine
        self._margin_s = at_risk_margin_s

    async def approvals(self, *, at_risk: bool, cursor: str | None, limit: int) -> dict[str, Any]:
        """One page of the approval queue; `at_risk` leaves out orders with time to spare."""
        now = datetime.now(UTC)
        due_before = now + timedelta(seconds=self._margin_s) if at_risk else None
        after = _moment_and_id(cursor)
        statement = approvals_statement(due_before=due_before, after=after, limit=limit + 1)
        return await self._page(statement, key="due_at", limit=limit, now=now)

    async def orders(self, *, query: str | None, status: str | None, cursor: str | None, limit: int) -> dict[str, Any]:
        """One page of orders."""
        statement = orders_statement(query=query, status=status, after=_moment_and_id(cursor), limit=limit + 1)
        return await self._page(statement, key="opened_at", limit=limit, now=datetime.now(UTC))

    async def order(self, order_id: UUID) -> dict[str, Any]:
        """One order with what carriers said of its parcels. Raises OrderNotFound."""
        events, shipments = tables.carrier_event, tables.shipment
        async with self._engine.connect() as connection:
            found = await connection.execute(select(_order).where(_order.c.order_id == order_id))
            row = found.mappings().first()
            if row is None:
                raise OrderNotFound(str(order_id))
            said = await connection.execute(
                select(events)
                .where(
                    tuple_(events.c.carrier_key, events.c.tracking_key).in_(
                        select(shipments.c.carrier_key, shipments.c.tracking_key).where(
                            shipments.c.order_id == order_id
                        )
                    )
                )
                .order_by(events.c.received_at)
            )
            carrier_events = [
                {
                    "carrier": event.carrier,
                    "tracking_number": event.tracking_number,
                    "event": event.event,
                    "occurred_at": event.occurred_at.isoformat(),
                    "received_at": event.received_at.isoformat(),
                }
                for event in said
            ]
        view = order_view(sales_order_from(row), now=datetime.now(UTC), at_risk_margin_s=self._margin_s)
        return view | {"carrier_events": carrier_events}

    async def beliefs(self, since: datetime | None) -> dict[str, Any]:
        """What CRM believes of each order that changed since then: for the reconciliation report."""
        statement = select(
            _order.c.order_id,
            _order.c.number,
            _order.c.status,
            _order.c.version,
            _order.c.decision,
            _order.c.submitted_at,
        ).limit(RECONCILED_MAX)
        if since is not None:
            statement = statement.where(_order.c.heard_at >= since)
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(_order.c.heard_at.desc()))
            orders = {
                str(row.order_id): {
                    "number": row.number,
                    # Before the orchestrator's first word CRM holds no belief about the status.
                    "status": row.status if row.version else None,
                    "version": row.version,
                    "decision": row.decision,
                    "has_content": row.submitted_at is not None,
                }
                for row in rows
            }
        return {"orders": orders}

    async def _page(self, statement: Select[Any], *, key: str, limit: int, now: datetime) -> dict[str, Any]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        page = rows[:limit]
        following = Cursor.encode(page[-1][key].isoformat(), page[-1]["order_id"]) if len(rows) > limit else None
        return {
            "items": [summary_view(sales_order_from(row), now=now, at_risk_margin_s=self._margin_s) for row in page],
            "next": following,
        }


def _moment_and_id(cursor: str | None) -> tuple[datetime, UUID] | None:
    keys = Cursor.decode(cursor, keys=2)
    if keys is None:
        return None
    try:
        moment, order_id = datetime.fromisoformat(keys[0]), UUID(keys[1])
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("cursor-invalid", "This cursor belongs to another list; start again without it.") from error
    return moment, order_id
