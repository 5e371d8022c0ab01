"""Reads: straight from the tables to JSON, past the domain's commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Select,
    case,
    cast,
    func,
    literal_column,
    select,
    text,
    true,
    tuple_,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.kernel.errors import Invalid
from system.kernel.money import Money
from system.mes.adapters import tables
from system.mes.adapters.ledger import pay_entry_from, pay_rate_from
from system.mes.adapters.repositories import work_order_from
from system.mes.adapters.weighings import weighing_from, weighings_statement
from system.mes.application.views import money_view, pay_entry_view, weights_view, work_order_view
from system.mes.domain.errors import WorkOrderNotFound
from system.mes.domain.pay import PayRate, pay_for, rate_for
from system.mes.domain.rules import Terms
from system.plumbing.web import Cursor

ITEMS_MAX = 100
RECONCILED_MAX = 20_000
# Two years of working days.
DAYS_MAX = 750
# Sorted by bytes, whatever begins alike lies between its beginning and its beginning with this.
LAST_CHARACTER = "\U0010ffff"

_work_order = tables.work_order
_status = tables.order_status
_ledger = tables.pay_ledger
# Literals on purpose: a prepared statement with a bound state could not use the partial indexes.
_STATE_IS: dict[str, ColumnElement[bool]] = {
    state: literal_column(f"work_order.state = '{state}'") for state in ("RELEASED", "CLAIMED", "COMPLETED", "PACKING")
}
_IN_WORK: ColumnElement[bool] = literal_column(f"work_order.{tables.IN_WORK}")


MATERIALS_ON_BOARD = f"""
WITH RECURSIVE found AS (
  (SELECT material FROM work_order WHERE {tables.ON_THE_BOARD} ORDER BY material LIMIT 1)
  UNION ALL
  SELECT (SELECT material FROM work_order WHERE {tables.ON_THE_BOARD} AND material > found.material ORDER BY material LIMIT 1)
  FROM found WHERE found.material IS NOT NULL
)
SELECT material FROM found WHERE material IS NOT NULL
"""  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What to show of the board. `held_by` shows one operator's work in progress, whatever `state` says.

    `number` is the beginning of an order's number; `due_before` shows what is promised before that moment.
    """

    state: str = "RELEASED"
    material: str | None = None
    channel: str | None = None
    escalated: bool | None = None
    held_by: UUID | None = None
    number: str | None = None
    due_before: datetime | None = None


def board_statement(
    wanted: BoardFilter, *, now: datetime, claim_budget_s: int, after: tuple[datetime, UUID] | None, limit: int
) -> Select[Any]:
    """The board, newest approved first: each filter meets a partial index in this very order, so a page reads a page.

    Only a number meets another index: what begins with it is little, and is sorted.
    """
    conditions: list[ColumnElement[bool]] = []
    if wanted.held_by is not None:
        conditions += [_IN_WORK, _work_order.c.claimed_by == wanted.held_by]
    else:
        conditions.append(_STATE_IS[wanted.state])
    if wanted.material is not None:
        conditions.append(_work_order.c.material == wanted.material)
    if wanted.channel is not None:
        conditions.append(_work_order.c.channel == wanted.channel)
    if wanted.escalated is not None:
        overdue_before = now - timedelta(seconds=claim_budget_s)
        if wanted.escalated:
            # Nothing is released before it is approved, so the second condition adds no row: it starts the index scan.
            conditions += [_work_order.c.released_at < overdue_before, _work_order.c.approved_at < overdue_before]
        else:
            conditions.append(_work_order.c.released_at >= overdue_before)
    if wanted.number is not None:
        # A range, not LIKE: a plan that is prepared for any number could not use an index for a pattern it does not know.
        number = _work_order.c.order_number.collate("C")
        conditions += [number >= wanted.number, number < wanted.number + LAST_CHARACTER]
    if wanted.due_before is not None:
        conditions.append(_work_order.c.promise_at < wanted.due_before)
    if after is not None:
        conditions.append(tuple_(_work_order.c.approved_at, _work_order.c.id) < tuple_(*after))
    return (
        _work_order_with_order_and_pay()
        .where(*conditions)
        .order_by(_work_order.c.approved_at.desc(), _work_order.c.id.desc())
        .limit(limit)
    )


def _work_order_with_order_and_pay() -> Select[Any]:
    """Work orders with what is known of their order's status and, for a claimed one, what its claim earned."""
    return (
        select(_work_order, *_ORDER_COLUMNS, _ledger.c.amount.label("earned"), _ledger.c.currency.label("earned_in"))
        .outerjoin(_status, _status.c.order_id == _work_order.c.order_id)
        .outerjoin(
            _ledger,
            (_ledger.c.work_order_id == _work_order.c.id)
            & (_ledger.c.claim_no == _work_order.c.claim_no)
            & (_ledger.c.kind == "earn")
            & _work_order.c.claimed_by.is_not(None),
        )
    )


def released_count_statement(*, overdue_before: datetime) -> Select[int, int]:
    """How many work orders are on the board, and how many of them were released before the moment."""
    overdue = case((_work_order.c.released_at < overdue_before, 1))
    return select(func.count().label("released"), func.count(overdue).label("escalated")).where(_STATE_IS["RELEASED"])


def in_work_count_statement() -> Select[Any]:
    """How many work orders are in each state of work."""
    return select(_work_order.c.state, func.count().label("number")).where(_IN_WORK).group_by(_work_order.c.state)


_ORDER_COLUMNS = (
    _status.c.status.label("order_status"),
    _status.c.version.label("order_version"),
    _status.c.status_since.label("order_status_since"),
    _status.c.cancellation_requested,
)


def claimed_before_statement(moment: datetime, *, limit: int) -> Select[Any]:
    """Claims older than the moment, the oldest first. What is claimed is little and read whole: by age, all the past came first."""
    rows = select(_work_order.c.id, _work_order.c.state_since).where(_STATE_IS["CLAIMED"])
    claimed = rows.cte("claimed").prefix_with("MATERIALIZED")
    return select(claimed.c.id).where(claimed.c.state_since <= moment).order_by(claimed.c.state_since).limit(limit)


class MesQueries:
    """What the screens ask."""

    def __init__(self, engine: AsyncEngine, *, terms: Terms, currency: str) -> None:
        # Each statement sees what is committed, as in a transaction of READ COMMITTED, without the journeys that begin and end one.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._terms = terms
        self._currency = currency

    async def board(
        self, wanted: BoardFilter, *, cursor: str | None, limit: int, with_materials: bool = False
    ) -> dict[str, Any]:
        """One page of the board; if asked for, with the `materials` that work on the board is made of."""
        now = datetime.now(UTC)
        after = _moment_and_id(Cursor.decode(cursor, keys=2))
        statement = board_statement(
            wanted, now=now, claim_budget_s=self._terms.claim_budget_s, after=after, limit=limit + 1
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            rates = await _rates(connection)
            # One jump in the index per material, however long the board is.
            materials = list((await connection.execute(text(MATERIALS_ON_BOARD))).scalars()) if with_materials else []
        page = rows[:limit]
        following = None
        if len(rows) > limit:
            following = Cursor.encode(page[-1]["approved_at"].isoformat(), page[-1]["id"])
        found = {"items": [self._view(row, rates, now) for row in page], "next": following}
        return found | ({"materials": materials} if with_materials else {})

    async def changed_since(self, moment: datetime, *, limit: int) -> list[tuple[UUID, datetime]]:
        """Work orders that reached their state after the moment, and when, oldest first. Reads `limit` rows of one index at most."""
        statement = (
            select(_work_order.c.id, _work_order.c.state_since)
            .where(_work_order.c.state_since > moment)
            .order_by(_work_order.c.state_since)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [(row.id, row.state_since) for row in await connection.execute(statement)]

    async def claimed_since_before(self, moment: datetime, *, limit: int) -> list[UUID]:
        """Work orders that have been on somebody's bench since before the moment, the longest first."""
        async with self._engine.connect() as connection:
            return list((await connection.execute(claimed_before_statement(moment, limit=limit))).scalars())

    async def work_orders(self, ids: Sequence[UUID]) -> list[dict[str, Any]]:
        """These work orders as they are now, longest in their state first; unknown ones are left out."""
        now = datetime.now(UTC)
        statement = (
            _work_order_with_order_and_pay()
            .where(_work_order.c.id == func.any(list(ids)))
            .order_by(_work_order.c.state_since)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            rates = await _rates(connection)
        return [self._view(row, rates, now) for row in rows]

    async def of_number(self, number: str) -> list[dict[str, Any]]:
        """The work orders of the order with exactly this number, whatever their state; ITEMS_MAX of them at most."""
        now = datetime.now(UTC)
        statement = (
            _work_order_with_order_and_pay()
            .where(_work_order.c.order_number == number)
            .order_by(_work_order.c.id)
            .limit(ITEMS_MAX)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            rates = await _rates(connection)
        return [self._view(row, rates, now) for row in rows]

    async def work_order(self, work_order_id: UUID) -> dict[str, Any]:
        """One work order with its history and what it weighed. Raises WorkOrderNotFound."""
        history = tables.work_order_history
        statement = _work_order_with_order_and_pay().where(_work_order.c.id == work_order_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).mappings().first()
            if row is None:
                raise WorkOrderNotFound(work_order_id)
            rates = await _rates(connection)
            entries = await connection.execute(
                select(history).where(history.c.work_order_id == work_order_id).order_by(history.c.id)
            )
            past = [
                {
                    "at": entry.at.isoformat(),
                    "state": entry.state,
                    "claim_no": entry.claim_no,
                    "actor": entry.actor,
                    "reason": entry.reason,
                }
                for entry in entries
            ]
            weighings = await connection.execute(weighings_statement(work_order_id))
            weights = weights_view(work_order_from(row), [weighing_from(each) for each in weighings.mappings()])
        return self._view(row, rates, datetime.now(UTC)) | {"history": past, "weights": weights}

    async def counts(self) -> dict[str, int]:
        """How many work orders are in each workable state, and how many of those on the board are escalated."""
        overdue_before = datetime.now(UTC) - timedelta(seconds=self._terms.claim_budget_s)
        async with self._engine.connect() as connection:
            board = (await connection.execute(released_count_statement(overdue_before=overdue_before))).one()
            working = {row.state: row.number for row in await connection.execute(in_work_count_statement())}
        return {
            "RELEASED": board.released,
            "CLAIMED": working.get("CLAIMED", 0),
            "COMPLETED": working.get("COMPLETED", 0),
            "PACKING": working.get("PACKING", 0),
            "escalated": board.escalated,
        }

    async def pay(self, operator_id: UUID, *, cursor: str | None, limit: int) -> dict[str, Any]:
        """One operator's ledger entries, newest first, and the sum of all of them."""
        after = _ledger_key(Cursor.decode(cursor, keys=4))
        key = (_ledger.c.at, _ledger.c.work_order_id, _ledger.c.claim_no, _ledger.c.kind)
        statement = (
            select(_ledger)
            .where(_ledger.c.operator_id == operator_id, tuple_(*key) < tuple_(*after) if after else true())
            .order_by(*(column.desc() for column in key))
            .limit(limit + 1)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            total = (
                await connection.execute(
                    select(func.coalesce(func.sum(_ledger.c.amount), 0)).where(
                        _ledger.c.operator_id == operator_id, _ledger.c.currency == self._currency
                    )
                )
            ).scalar_one()
        page = rows[:limit]
        following = None
        if len(rows) > limit:
            last = page[-1]
            following = Cursor.encode(last["at"].isoformat(), last["work_order_id"], last["claim_no"], last["kind"])
        return {
            "items": [pay_entry_view(pay_entry_from(row)) for row in page],
            "next": following,
            "total": money_view(Money(Decimal(total), self._currency)),
        }

    async def earned_by_day(self, operator_id: UUID, *, zone: str) -> list[tuple[date, Money, int]]:
        """Each day of a time zone on which the operator's ledger got an entry, newest first: the day's sum, and its earnings' number.

        A day's sum may be negative: what is given back is reversed on the day when it is.
        """
        day = cast(func.timezone(zone, _ledger.c.at), Date)
        statement = (
            select(day.label("day"), func.sum(_ledger.c.amount), func.count().filter(_ledger.c.kind == "earn"))
            .where(_ledger.c.operator_id == operator_id, _ledger.c.currency == self._currency)
            .group_by(day)
            .order_by(day.desc())
            .limit(DAYS_MAX)
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement)
            return [(row[0], Money(Decimal(row[1]), self._currency), row[2]) for row in rows]

    async def ledger_of_month(self, operator_id: UUID, *, zone: str, month: date) -> list[dict[str, Any]]:
        """The operator's entries of a month of a time zone, oldest first. `month` is its first day."""
        begins = func.timezone(zone, cast(month, DateTime(timezone=False)))
        ends = func.timezone(zone, cast(month, DateTime(timezone=False)) + text("interval '1 month'"))
        statement = (
            select(_ledger)
            .where(_ledger.c.operator_id == operator_id, _ledger.c.at >= begins, _ledger.c.at < ends)
            .order_by(_ledger.c.at, _ledger.c.work_order_id, _ledger.c.claim_no, _ledger.c.kind)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [pay_entry_view(pay_entry_from(row)) for row in rows]

    async def operators(self) -> dict[str, Any]:
        """The operators MES has met, for whoever assigns work."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(tables.operator).order_by(tables.operator.c.name).limit(1000))
            items = [{"operator_id": str(row.id), "name": row.name, "seen_at": row.seen_at.isoformat()} for row in rows]
        return {"items": items}

    async def beliefs(self, since: datetime | None) -> dict[str, Any]:
        """What MES believes of each order that changed since then: for the reconciliation report."""
        moment = since or datetime.min.replace(tzinfo=UTC)
        changed = union(
            select(_status.c.order_id).where(_status.c.heard_at >= moment),
            select(_work_order.c.order_id).where(_work_order.c.state_since >= moment),
        ).limit(RECONCILED_MAX)
        async with self._engine.connect() as connection:
            ids = list((await connection.execute(changed)).scalars())
            orders: dict[str, dict[str, Any]] = {
                str(order_id): {"status": None, "version": None, "work_orders": {}} for order_id in ids
            }
            statuses = select(_status.c.order_id, _status.c.status, _status.c.version)
            for row in await connection.execute(statuses.where(_status.c.order_id == func.any(ids))):
                orders[str(row.order_id)] |= {"status": row.status, "version": row.version}
            works = select(_work_order.c.order_id, _work_order.c.id, _work_order.c.state, _work_order.c.claim_no)
            for work in await connection.execute(works.where(_work_order.c.order_id == func.any(ids))):
                believed = {"state": work.state, "claim_no": work.claim_no}
                orders[str(work.order_id)]["work_orders"][str(work.id)] = believed
        return {"orders": orders}

    def _view(self, row: Mapping[Any, Any], rates: tuple[PayRate, ...], now: datetime) -> dict[str, Any]:
        work_order = work_order_from(row)
        if row["earned"] is not None:
            pay = Money(row["earned"], row["earned_in"])
        else:
            pay = pay_for(work_order, rate_for(work_order.material, rates, at=now))
        order = None
        if row["order_status"] is not None:
            order = {
                "status": row["order_status"],
                "status_since": row["order_status_since"].isoformat(),
                "version": row["order_version"],
                "cancellation_requested": row["cancellation_requested"],
            }
        return work_order_view(work_order, pay=pay, now=now, terms=self._terms, order=order)


async def _rates(connection: AsyncConnection) -> tuple[PayRate, ...]:
    rows = await connection.execute(select(tables.pay_rate))
    return tuple(pay_rate_from(row) for row in rows.mappings())


def _moment_and_id(keys: list[Any] | None) -> tuple[datetime, UUID] | None:
    if keys is None:
        return None
    try:
        return datetime.fromisoformat(keys[0]), UUID(keys[1])
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("cursor-invalid", "This cursor belongs to another list; start again without it.") from error


def _ledger_key(keys: list[Any] | None) -> tuple[datetime, UUID, int, str] | None:
    if keys is None:
        return None
    try:
        return datetime.fromisoformat(keys[0]), UUID(keys[1]), int(keys[2]), str(keys[3])
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("cursor-invalid", "This cursor belongs to another list; start again without it.") from error
