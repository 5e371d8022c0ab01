"""Reads for whoever leads the shift: what moved through the workshop, and what stands in it. Each reads what it tells."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    ScalarSelect,
    Select,
    case,
    cast,
    extract,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from system.mes.adapters import tables
from system.mes.adapters.queries import in_work_count_statement
from system.mes.domain.flow import Move, Standing

STANDING_MAX = 50_000
OPERATORS_MAX = 300

_work_order = tables.work_order
_history = tables.work_order_history
_ledger = tables.pay_ledger
_operator = tables.operator
# Literals on purpose: a prepared statement with a bound state could not use the partial index.
_UNFINISHED: ColumnElement[bool] = literal_column(f"work_order.{tables.UNFINISHED}")
_ON_THE_BOARD: ColumnElement[bool] = literal_column(f"work_order.{tables.ON_THE_BOARD}")


def _state_before() -> ScalarSelect[str]:
    """The state that a work order left for the one of this entry: that of the entry before it."""
    earlier = _history.alias("earlier")
    return (
        select(earlier.c.state)
        .where(earlier.c.work_order_id == _history.c.work_order_id, earlier.c.id < _history.c.id)
        .order_by(earlier.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def moves_statement(*, begins: datetime, ends: datetime, zone: str) -> Select[Any]:
    """From where to where work orders went, by day and hour of a zone. One range of one index, and one entry before each of it."""
    local = func.timezone(zone, _history.c.at)
    moved = (
        select(
            cast(local, Date).label("day"),
            cast(extract("hour", local), Integer).label("hour"),
            _state_before().label("before"),
            _history.c.state.label("after"),
        )
        .where(_history.c.at >= begins, _history.c.at < ends)
        .subquery("moved")
    )
    columns = (moved.c.day, moved.c.hour, moved.c.before, moved.c.after)
    return select(*columns, func.count().label("number")).group_by(*columns)


def operators_moves_statement(*, begins: datetime, ends: datetime) -> Select[Any]:
    """The same by operator: who was paid for the claim with which it moved, so that namesakes stay apart."""
    moved = (
        select(
            _ledger.c.operator_id,
            _ledger.c.operator_name,
            _state_before().label("before"),
            _history.c.state.label("after"),
        )
        .join(
            _ledger,
            (_ledger.c.work_order_id == _history.c.work_order_id)
            & (_ledger.c.claim_no == _history.c.claim_no)
            & (_ledger.c.kind == "earn"),
        )
        .where(_history.c.at >= begins, _history.c.at < ends)
        .subquery("moved")
    )
    return select(
        moved.c.operator_id,
        func.max(moved.c.operator_name).label("name"),
        moved.c.before,
        moved.c.after,
        func.count().label("number"),
    ).group_by(moved.c.operator_id, moved.c.before, moved.c.after)


def standing_statement(*, limit: int) -> Select[Any]:
    """Everything unfinished, each stage's oldest approval first: the index of the board, backwards."""
    # A claim that goes on has been on the bench since it was taken, whatever its holder said of it since.
    since = case((_work_order.c.state == "CLAIMED", _work_order.c.claimed_at), else_=_work_order.c.state_since)
    return (
        select(
            _work_order.c.id,
            _work_order.c.order_number,
            _work_order.c.title,
            _work_order.c.state,
            since.label("since"),
            _work_order.c.state_since,
            _work_order.c.approved_at,
            _work_order.c.promise_at,
            _work_order.c.claimed_by,
            _work_order.c.claimed_by_name,
        )
        .where(_UNFINISHED)
        .order_by(_work_order.c.state.desc(), _work_order.c.approved_at, _work_order.c.id)
        .limit(limit)
    )


def released_statement() -> Select[Any]:
    """How many work orders are on the board."""
    return select(func.count()).select_from(_work_order).where(_ON_THE_BOARD)


class FlowQueries:
    """What the shift lead's page asks."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def moves(self, *, begins: datetime, ends: datetime, zone: str) -> dict[date, list[Move]]:
        """What moved in that time, by day of the zone; days on which nothing did are left out."""
        days: dict[date, list[Move]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(moves_statement(begins=begins, ends=ends, zone=zone)):
                days.setdefault(row.day, []).append(Move(row.before, row.after, row.number, row.hour))
        return days

    async def operators_moves(self, *, begins: datetime, ends: datetime) -> dict[tuple[UUID, str], list[Move]]:
        """What moved in that time by the hand of each operator: id and name."""
        found: dict[tuple[UUID, str], list[Move]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(operators_moves_statement(begins=begins, ends=ends)):
                found.setdefault((row.operator_id, row.name), []).append(Move(row.before, row.after, row.number))
        return found

    async def counts(self) -> dict[str, int]:
        """How many work orders stand in each stage now."""
        async with self._engine.connect() as connection:
            working = {row.state: row.number for row in await connection.execute(in_work_count_statement())}
            return working | {"RELEASED": (await connection.execute(released_statement())).scalar_one()}

    async def standing(self) -> list[Standing]:
        """Everything unfinished, each stage's oldest approval first; STANDING_MAX of it at most."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(standing_statement(limit=STANDING_MAX))).all()
        return [Standing(*row) for row in rows]

    async def operators_seen(self, since: datetime) -> list[tuple[UUID, str, datetime]]:
        """Operators who were at the board since then: id, name and when; the newest first, OPERATORS_MAX at most."""
        statement = (
            select(_operator.c.id, _operator.c.name, _operator.c.seen_at)
            .where(_operator.c.seen_at >= since)
            .order_by(_operator.c.seen_at.desc())
            .limit(OPERATORS_MAX)
        )
        async with self._engine.connect() as connection:
            return [(row.id, row.name, row.seen_at) for row in await connection.execute(statement)]
