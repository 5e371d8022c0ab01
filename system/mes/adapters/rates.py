"""The rates of pay in PostgreSQL. The application's role may only add to them, and reads none that was withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from system.mes.adapters import tables
from system.mes.adapters.ledger import pay_rate_from
from system.mes.domain.pay import PayRate
from system.mes.domain.rates import RateWithdrawal
from system.mes.domain.work_order import Operator


class PayRateRepository:
    """Rates and their withdrawals. A withdrawn rate is hidden by the table's own policy, from every release alike."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> tuple[PayRate, ...]:
        """Every rate, past and future, that was not withdrawn."""
        found = await self._connection.execute(select(tables.pay_rate))
        return tuple(pay_rate_from(row) for row in found.mappings())

    async def withdrawals(self) -> tuple[RateWithdrawal, ...]:
        """Every planned rate that was withdrawn."""
        found = await self._connection.execute(select(tables.pay_rate_withdrawal))
        return tuple(rate_withdrawal_from(row) for row in found.mappings())

    async def add(self, rate: PayRate) -> None:
        """Stores a rate. A second one of the same material and moment raises IntegrityError."""
        await self._connection.execute(insert(tables.pay_rate).values(_row_of(rate)))

    async def withdraw(self, withdrawal: RateWithdrawal) -> None:
        """From the commit on the rate is not shown to anybody who asks for rates."""
        await self._connection.execute(
            insert(tables.pay_rate_withdrawal).values(
                _row_of(withdrawal.rate)
                | {
                    "withdrawn_by": withdrawal.withdrawn_by.id,
                    "withdrawn_by_name": withdrawal.withdrawn_by.name,
                    "withdrawn_at": withdrawal.withdrawn_at,
                    "withdrawn_because": withdrawal.because,
                }
            )
        )


def _row_of(rate: PayRate) -> dict[str, Any]:
    return {
        "material": rate.material,
        "valid_from": rate.valid_from,
        "per_piece": rate.per_piece.amount,
        "per_gram": rate.per_gram.amount,
        "currency": rate.per_piece.currency,
        "set_by": rate.set_by.id if rate.set_by else None,
        "set_by_name": rate.set_by.name if rate.set_by else None,
        "set_at": rate.set_at,
        "reason": rate.reason,
    }


def rate_withdrawal_from(row: Mapping[Any, Any]) -> RateWithdrawal:
    """The domain's withdrawal from a row, which repeats the rate."""
    return RateWithdrawal(
        rate=pay_rate_from(row),
        withdrawn_by=Operator(row["withdrawn_by"], row["withdrawn_by_name"]),
        withdrawn_at=row["withdrawn_at"],
        because=row["withdrawn_because"],
    )
