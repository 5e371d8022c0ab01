"""The versions of the price book, and the planned ones, over the connection of one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, exists, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.kernel.errors import Invalid
from system.plumbing.schema import audit_log
from system.plumbing.unit_of_work import lock_key
from system.pricing.adapters import tables
from system.pricing.application.ports import PLANS, EndedPlan
from system.pricing.domain.book_changes import Change
from system.pricing.domain.plan import Plan
from system.pricing.domain.price_book import PriceBook

_plan, _end = tables.price_book_plan, tables.price_book_plan_end
_NOT_ENDED = ~exists().where(_end.c.plan_id == _plan.c.plan_id)
# The database's clock, which is one for every process.
_DUE = and_(_plan.c.starts_at <= func.now(), _NOT_ENDED)


class PriceBookRepository:
    """Every version of the price book."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._current: PriceBook | None = None

    async def current(self) -> PriceBook:
        """The version in force: the highest. A planned book whose moment has come becomes that first, by whoever asks first.

        A transaction that asks again, for another order of its batch, gets the same.
        """
        if self._current is None:
            self._current = await self._read_current()
        return self._current

    async def write(self) -> None:
        """Nothing is held back here."""

    def forget(self) -> None:
        """What was read may have been rolled back."""
        self._current = None

    async def _read_current(self) -> PriceBook:
        query = select(tables.price_book, exists().where(_DUE).label("is_due"))
        row = (await self._connection.execute(query.order_by(tables.price_book.c.version.desc()).limit(1))).one()
        if not row.is_due or not await self._starts_alone():
            return _book(row)
        return await self._start_due()

    async def version(self, version: int) -> PriceBook | None:
        """One version, or None when there is none of that number."""
        rows = await self._connection.execute(select(tables.price_book).where(tables.price_book.c.version == version))
        row = rows.first()
        return _book(row) if row else None

    async def add(self, book: PriceBook, *, made_by: str, made_at: datetime, reason: str | None = None) -> bool:
        """Adds a version; False when that number is taken."""
        self._current = None
        added = await self._connection.execute(
            upsert(tables.price_book)
            .values(version=book.version, book=book.to_data(), made_by=made_by, made_at=made_at, reason=reason)
            .on_conflict_do_nothing()
            .returning(tables.price_book.c.version)
        )
        return added.first() is not None

    async def _starts_alone(self) -> bool:
        # Never waited for: who asks may hold quotes that the starting process wants. The book before it is right a moment longer.
        return bool(await self._connection.scalar(select(func.pg_try_advisory_xact_lock(lock_key(PLANS)))))

    async def _start_due(self) -> PriceBook:
        """Appends every due plan as a version. What is read here was committed before the lock was taken."""
        rows = await self._connection.execute(
            select(tables.price_book).order_by(tables.price_book.c.version.desc()).limit(1)
        )
        book = _book(rows.one())
        now: datetime = (await self._connection.execute(select(func.now()))).scalar_one()
        due = await self._connection.execute(select(_plan).where(_DUE).order_by(_plan.c.starts_at, _plan.c.made_at))
        plans = PlanRepository(self._connection)
        for plan in [plan_from_row(row) for row in due]:
            try:
                started = plan.applied_to(book)
            except Invalid as refusal:
                await plans.end(plan.plan_id, "impossible", at=now, told=refusal.detail)
                await self._audit(plan, now, "price_book.plan_impossible", "price book plan", {"told": refusal.detail})
                continue
            if not await self.add(started, made_by=plan.made_by, made_at=now, reason=plan.reason):
                # Somebody published in this very moment; the next one who asks starts it on top of that.
                break
            await plans.end(plan.plan_id, "started", at=now, version=started.version)
            await self._audit(plan, now, "price_book.started", f"price book {started.version}", {"reason": plan.reason})
            book = started
        return book

    async def _audit(self, plan: Plan, now: datetime, action: str, subject: str, details: Mapping[str, Any]) -> None:
        told = {
            **details,
            "plan_id": str(plan.plan_id),
            "made_by": plan.made_by,
            "planned_at": plan.made_at.isoformat(),
        }
        await self._connection.execute(
            insert(audit_log).values(at=now, actor=str(plan.actor_id), action=action, subject=subject, details=told)
        )


class PlanRepository:
    """The planned books. Their ends are written under the lock of PLANS, so that one plan ends once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, plan: Plan) -> None:
        """Keeps a plan; the same one again is kept once."""
        await self._connection.execute(
            upsert(_plan)
            .values(
                plan_id=plan.plan_id,
                made_from=plan.made_from,
                changes=[[list(change.path), change.before, change.after] for change in plan.changes],
                reason=plan.reason,
                made_by=plan.made_by,
                actor_id=plan.actor_id,
                made_at=plan.made_at,
                starts_at=plan.starts_at,
            )
            .on_conflict_do_nothing()
        )

    async def find(self, plan_id: UUID) -> EndedPlan | None:
        """A plan and how it ended, if it did."""
        row = (await self._connection.execute(plans_query().where(_plan.c.plan_id == plan_id))).first()
        return ended_plan(row) if row else None

    async def end(
        self,
        plan_id: UUID,
        outcome: str,
        *,
        at: datetime,
        version: int | None = None,
        told: str | None = None,
        by: str | None = None,
    ) -> None:
        """The plan is over. Raises IntegrityError when it was before."""
        await self._connection.execute(
            insert(_end).values(plan_id=plan_id, outcome=outcome, version=version, told=told, ended_by=by, ended_at=at)
        )


def plans_query() -> Select[Any]:
    """Plans with what became of them."""
    ends = (_end.c.outcome, _end.c.version, _end.c.told, _end.c.ended_by, _end.c.ended_at)
    return select(_plan, *ends).outerjoin(_end, _end.c.plan_id == _plan.c.plan_id)


def plan_from_row(row: Row[Any]) -> Plan:
    """The plan of a row."""
    return Plan(
        plan_id=row.plan_id,
        made_from=row.made_from,
        changes=tuple(Change(tuple(path), before, after) for path, before, after in row.changes),
        reason=row.reason,
        made_by=row.made_by,
        actor_id=row.actor_id,
        made_at=row.made_at,
        starts_at=row.starts_at,
    )


def ended_plan(row: Row[Any]) -> EndedPlan:
    """A plan with its end, from a row of `plans_query`."""
    return EndedPlan(plan_from_row(row), row.outcome, row.version, row.told, row.ended_by, row.ended_at)


def _book(row: Row[Any]) -> PriceBook:
    return PriceBook.from_data(row.book, version=row.version)
