"""Returns and complaints in PostgreSQL; the promises are in `application/ports.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.crm.adapters import tables
from system.crm.adapters.queries import moment_and_id
from system.crm.adapters.rows import sales_order_from
from system.crm.application.views import case_view
from system.crm.domain.case import (
    Case,
    CaseKind,
    CaseReason,
    CaseState,
    CaseStep,
    CaseTerms,
    CaseWish,
    kinds_offered,
    return_until,
)
from system.crm.domain.errors import CaseNotFound
from system.plumbing.web import Cursor

Which = Literal["open", "answered", "accepted", "refused", "closed"]
SHOWN_MAX = 20
COUNTED_MAX = 100

_case, _step, _order = tables.care_case, tables.case_step, tables.sales_order
_NOW = text("clock_timestamp()")
# Repeated literally, as the partial index has it: a parameter would hide the index from a prepared plan.
_IS_OPEN = text("state = 'open'")


class CaseRepository:
    """Returns and complaints. `changed_at` is what open pages are told by."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, case: Case) -> None:
        """Keeps a new one."""
        row = {
            "case_id": case.id,
            "order_id": case.order_id,
            "kind": case.wish.kind,
            "reason": case.wish.reason,
            "line_ids": [str(each) for each in case.wish.line_ids],
            "opened_at": case.opened_at,
        }
        await self._connection.execute(upsert(_case).values(row | _changing(case)))
        await self._add_steps(case)

    async def of(self, order_id: UUID) -> list[Case]:
        """An order's, the oldest first."""
        return await read(self._connection, cases_statement(order_id))

    async def hold(self, case_id: UUID) -> Case:
        """The case, which until the end of this transaction nobody else changes. Raises CaseNotFound."""
        found = await read(self._connection, select(_case).where(_case.c.case_id == case_id).with_for_update())
        if not found:
            raise CaseNotFound(str(case_id))
        return found[0]

    async def save(self, case: Case) -> None:
        """Keeps what became of a case that is held."""
        await self._connection.execute(update(_case).where(_case.c.case_id == case.id).values(**_changing(case)))
        await self._add_steps(case)

    async def _add_steps(self, case: Case) -> None:
        rows = [
            {
                "case_id": case.id,
                "number": number,
                "state": step.state,
                "by_seller": step.by_seller,
                "by_name": step.by,
                "text": step.text,
                "at": step.at,
            }
            for number, step in enumerate(case.steps, start=1)
        ]
        await self._connection.execute(upsert(_step).values(rows).on_conflict_do_nothing())


def cases_statement(order_id: UUID) -> Select[Any]:
    """An order's returns and complaints, the oldest first."""
    return select(_case).where(_case.c.order_id == order_id).order_by(_case.c.opened_at, _case.c.case_id)


def listed_statement(which: Which, *, after: tuple[datetime, UUID] | None, limit: int) -> Select[Any]:
    """Those in a state: open ones by deadline, the nearest first, others the newest change first."""
    if which == "open":
        statement = select(_case).where(_IS_OPEN)
        if after is not None:
            statement = statement.where(tuple_(_case.c.due_at, _case.c.case_id) > tuple_(*after))
        return statement.order_by(_case.c.due_at, _case.c.case_id).limit(limit)
    statement = select(_case).where(_case.c.state == which)
    if after is not None:
        statement = statement.where(tuple_(_case.c.changed_at, _case.c.case_id) < tuple_(*after))
    return statement.order_by(_case.c.changed_at.desc(), _case.c.case_id.desc()).limit(limit)


async def read(connection: AsyncConnection, statement: Select[Any]) -> list[Case]:
    """The cases of a statement over their table, each with its steps."""
    rows = (await connection.execute(statement)).mappings().all()
    if not rows:
        return []
    wanted = [row["case_id"] for row in rows]
    found = await connection.execute(select(_step).where(_step.c.case_id == func.any(wanted)).order_by(_step.c.number))
    steps: dict[UUID, list[CaseStep]] = {}
    for step in found.mappings():
        kept = CaseStep(CaseState(step["state"]), step["by_name"], step["at"], step["text"], step["by_seller"])
        steps.setdefault(step["case_id"], []).append(kept)
    return [_case_from(row, tuple(steps.get(row["case_id"], ()))) for row in rows]


def _case_from(row: Any, steps: tuple[CaseStep, ...]) -> Case:
    wish = CaseWish(CaseKind(row["kind"]), CaseReason(row["reason"]), tuple(UUID(each) for each in row["line_ids"]))
    return Case(
        id=row["case_id"],
        order_id=row["order_id"],
        wish=wish,
        state=CaseState(row["state"]),
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        version=row["version"],
        steps=steps,
    )


def _changing(case: Case) -> dict[str, Any]:
    return {"state": case.state, "due_at": case.due_at, "version": case.version, "changed_at": _NOW}


class CaseQueries:
    """What sellers ask about returns and complaints."""

    def __init__(self, engine: AsyncEngine, *, terms: CaseTerms) -> None:
        self._engine = engine
        self.terms = terms

    async def of(self, order_id: UUID) -> list[Case]:
        """An order's, the oldest first."""
        async with self._engine.connect() as connection:
            return await read(connection, cases_statement(order_id))

    async def shown(self, order_id: UUID) -> list[dict[str, Any]]:
        """The same as the API shows them."""
        return [case_view(each, terms=self.terms) for each in await self.of(order_id)]

    async def of_customer(self, order_id: UUID, *, now: datetime) -> dict[str, Any]:
        """What a customer sees at their order: its `cases`, the kinds they may open now as `offers`, and `return_until`."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(_order).where(_order.c.order_id == order_id))).mappings().first()
            cases = await read(connection, cases_statement(order_id))
        order = sales_order_from(row) if row else None
        until = return_until(order, self.terms) if order else None
        offers = kinds_offered(order, cases, now=now, terms=self.terms) if order else ()
        return {
            "cases": [case_view(each, terms=self.terms) for each in cases],
            "offers": [str(each) for each in offers],
            "return_until": until.isoformat() if until else None,
        }

    async def listed(self, which: Which, *, cursor: str | None, limit: int) -> dict[str, Any]:
        """One page of those in a state, each with its order's number and customer."""
        statement = listed_statement(which, after=moment_and_id(cursor), limit=limit + 1)
        key = "due_at" if which == "open" else "changed_at"
        async with self._engine.connect() as connection:
            places = (await connection.execute(statement.with_only_columns(_case.c.case_id, _case.c[key]))).all()
            cases = await read(connection, statement)
            items = await self._with_orders(connection, cases[:limit])
        following = (
            Cursor.encode(places[limit - 1][1].isoformat(), places[limit - 1][0]) if len(places) > limit else None
        )
        return {"items": items, "next": following}

    async def waiting(self) -> dict[str, Any]:
        """How many wait for us (`count`, up to COUNTED_MAX), and the first few of them as `items`."""
        async with self._engine.connect() as connection:
            cases = await read(connection, listed_statement("open", after=None, limit=SHOWN_MAX))
            return {
                "count": await self._count(connection),
                "items": await self._with_orders(connection, cases),
            }

    async def count(self) -> int:
        """The `count` alone: what a page's header shows."""
        async with self._engine.connect() as connection:
            return await self._count(connection)

    async def changed_since(self, since: datetime, *, limit: int) -> Sequence[tuple[UUID, datetime]]:
        """Those that were opened or changed after `since`, and when; the oldest change first."""
        statement = (
            select(_case.c.case_id, _case.c.changed_at)
            .where(_case.c.changed_at > since)
            .order_by(_case.c.changed_at)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [(row.case_id, row.changed_at) for row in await connection.execute(statement)]

    async def whose(self, case_ids: Sequence[UUID]) -> dict[UUID, UUID]:
        """The orders that these are about."""
        statement = select(_case.c.case_id, _case.c.order_id).where(_case.c.case_id == func.any(list(case_ids)))
        async with self._engine.connect() as connection:
            return {row.case_id: row.order_id for row in await connection.execute(statement)}

    @staticmethod
    async def _count(connection: AsyncConnection) -> int:
        waiting = select(_case.c.case_id).where(_IS_OPEN).limit(COUNTED_MAX).subquery()
        return int((await connection.execute(select(func.count()).select_from(waiting))).scalar_one())

    async def _with_orders(self, connection: AsyncConnection, cases: Sequence[Case]) -> list[dict[str, Any]]:
        wanted = [each.order_id for each in cases]
        statement = select(_order.c.order_id, _order.c.number, _order.c.customer["name"].astext.label("name"))
        found = await connection.execute(statement.where(_order.c.order_id == func.any(wanted))) if wanted else ()
        known = {row.order_id: row for row in found}
        return [
            case_view(each, terms=self.terms)
            | {
                "order_number": known[each.order_id].number if each.order_id in known else None,
                "customer_name": known[each.order_id].name if each.order_id in known else None,
            }
            for each in cases
        ]
