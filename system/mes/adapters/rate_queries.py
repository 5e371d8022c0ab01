"""Reads about the rates of pay: as they stand, and what a new one would mean."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.kernel.money import Money
from system.mes.adapters import tables
from system.mes.adapters.rates import PayRateRepository
from system.mes.application.rates import version_of
from system.mes.application.views import money_view, pay_rate_view, rate_withdrawal_view
from system.mes.domain.pay import ANY_MATERIAL, PayRate, pay_of
from system.mes.domain.rates import EXAMPLE_G, Lot, Meaning, change_percent, meaning_of, planned_for, standing

# What is unfinished is little, and one index holds it with its material.
MATERIALS_WORKED = f"SELECT DISTINCT material FROM work_order WHERE {tables.UNFINISHED}"  # noqa: S608 - a constant of ours
PAST_MAX = 200
"""Of what is over, the newest so many are shown."""


class RateQueries:
    """What administrators ask about rates."""

    def __init__(self, engine: AsyncEngine, *, currency: str) -> None:
        self._engine = engine
        self._currency = currency

    async def rates(self) -> dict[str, Any]:
        """Rates in force, planned, past (the newest PAST_MAX) and withdrawn, with the version of them all."""
        now = datetime.now(UTC)
        async with self._engine.connect() as connection:
            repository = PayRateRepository(connection)
            rates, withdrawals = await repository.all(), await repository.withdrawals()
            known = await _materials(connection, rates)
        found = standing(rates, at=now)
        past = [pay_rate_view(rate) | {"until": until.isoformat()} for rate, until in found.past[:PAST_MAX]]
        gone = sorted(withdrawals, key=lambda each: each.withdrawn_at, reverse=True)
        return {
            "version": version_of(rates, withdrawals),
            "in_force": [pay_rate_view(rate) | {"example": _example(rate)} for rate in found.in_force],
            "planned": [pay_rate_view(rate) | {"example": _example(rate)} for rate in found.planned],
            "past": past,
            "withdrawn": [rate_withdrawal_view(each) for each in gone[:PAST_MAX]],
            "materials": known,
        }

    async def meaning(
        self, *, material: str, per_piece: Decimal, per_gram: Decimal, valid_from: datetime | None
    ) -> dict[str, Any]:
        """What a rate would mean that nobody has set yet. Raises what would refuse it."""
        now = datetime.now(UTC)
        wanted = PayRate(
            material,
            now if valid_from is None else valid_from,
            Money(per_piece, self._currency),
            Money(per_gram, self._currency),
        )
        async with self._engine.connect() as connection:
            repository = PayRateRepository(connection)
            rates, withdrawals = await repository.all(), await repository.withdrawals()
            rate = planned_for(wanted, rates, withdrawals, now=now)
            lots = await _lots(connection)
        return _meaning_view(meaning_of(rate, rates, lots, now=now), version=version_of(rates, withdrawals))


async def _materials(connection: AsyncConnection, rates: tuple[PayRate, ...]) -> list[str]:
    """The materials that have a rate, or work that is not shipped yet; any material comes first."""
    worked = set((await connection.execute(text(MATERIALS_WORKED))).scalars())
    return [ANY_MATERIAL, *sorted(({rate.material for rate in rates} | worked) - {ANY_MATERIAL})]


async def _lots(connection: AsyncConnection) -> list[Lot]:
    """The work on the board, heaped by what decides its pay."""
    work = tables.work_order
    alike = (work.c.material, work.c.quantity, work.c.weight_g)
    statement = (
        select(*alike, func.count().label("work_orders"))
        .where(literal_column(f"work_order.{tables.ON_THE_BOARD}"))
        .group_by(*alike)
    )
    return [
        Lot(row.material, row.quantity, row.weight_g, row.work_orders) for row in await connection.execute(statement)
    ]


def _example(rate: PayRate) -> dict[str, str]:
    return money_view(pay_of(rate, quantity=1, weight_g=EXAMPLE_G))


def _meaning_view(meaning: Meaning, *, version: int) -> dict[str, Any]:
    percent = change_percent(meaning.example_before, meaning.example_after)
    return {
        "version": version,
        "rate": pay_rate_view(meaning.rate),
        "before": pay_rate_view(meaning.before),
        "until": meaning.until.isoformat() if meaning.until else None,
        "example": {
            "weight_g": str(EXAMPLE_G),
            "before": money_view(meaning.example_before),
            "after": money_view(meaning.example_after),
            "change_percent": None if percent is None else str(percent),
        },
        "board": {
            "work_orders": meaning.work_orders,
            "before": money_view(meaning.board_before),
            "after": money_view(meaning.board_after),
        },
    }
