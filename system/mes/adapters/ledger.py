"""The pay ledger and its rates in PostgreSQL. The application's role may only add to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from system.kernel.money import Money
from system.mes.adapters import tables
from system.mes.domain.pay import PayEntry, PayKind, PayRate
from system.mes.domain.work_order import Operator


class PayLedgerRepository:
    """Earnings and reversals; the primary key refuses a second payment of one claim."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, entry: PayEntry) -> None:
        """Stores the entry. A second one with the same key raises IntegrityError."""
        await self._connection.execute(
            insert(tables.pay_ledger).values(
                work_order_id=entry.work_order_id,
                claim_no=entry.claim_no,
                kind=entry.kind,
                operator_id=entry.operator.id,
                operator_name=entry.operator.name,
                order_id=entry.order_id,
                order_number=entry.order_number,
                title=entry.title,
                amount=entry.amount.amount,
                currency=entry.amount.currency,
                at=entry.at,
            )
        )

    async def earning_of(self, work_order_id: UUID, claim_no: int) -> PayEntry:
        """The earning of a claim; every claim has one."""
        ledger = tables.pay_ledger
        found = await self._connection.execute(
            select(ledger).where(
                ledger.c.work_order_id == work_order_id, ledger.c.claim_no == claim_no, ledger.c.kind == PayKind.EARN
            )
        )
        return pay_entry_from(found.mappings().one())

    async def rates(self) -> tuple[PayRate, ...]:
        """Every rate, past and future, that was not withdrawn."""
        found = await self._connection.execute(select(tables.pay_rate))
        return tuple(pay_rate_from(row) for row in found.mappings())


def pay_entry_from(row: Mapping[Any, Any]) -> PayEntry:
    """The domain's ledger entry from a row."""
    return PayEntry(
        work_order_id=row["work_order_id"],
        claim_no=row["claim_no"],
        kind=PayKind(row["kind"]),
        operator=Operator(row["operator_id"], row["operator_name"]),
        order_id=row["order_id"],
        order_number=row["order_number"],
        title=row["title"],
        amount=Money(row["amount"], row["currency"]),
        at=row["at"],
    )


def pay_rate_from(row: Mapping[Any, Any]) -> PayRate:
    """The domain's rate from a row."""
    return PayRate(
        material=row["material"],
        valid_from=row["valid_from"],
        per_piece=Money(row["per_piece"], row["currency"]),
        per_gram=Money(row["per_gram"], row["currency"]),
        set_by=Operator(row["set_by"], row["set_by_name"]) if row["set_by"] else None,
        set_at=row["set_at"],
        reason=row["reason"],
    )
