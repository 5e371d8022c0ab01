"""Deleting what pricing keeps of a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from system.plumbing.schema import idempotency_key
from system.pricing.adapters import tables


class ErasureRepository:
    """Quotes of one person, whatever became of them, and the answers kept for requests of theirs."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def hold(self, owner_id: UUID) -> int:
        """Locks their quotes until this transaction ends: no worker finishes one, no order takes one. How many those are."""
        rows = await self._connection.execute(
            select(tables.quote.c.quote_id)
            .where(tables.quote.c.owner_id == owner_id)
            # By id, as orders lock them, so that two never wait for each other.
            .order_by(tables.quote.c.quote_id)
            .with_for_update()
        )
        return len(rows.all())

    async def delete_unused(self, owner_id: UUID) -> int:
        """Deletes their quotes that no order uses, what the calculations of these took, and how far they were served.

        How many quotes those were.
        """
        # The trigger on final quotes lets nobody delete who has not said whose they are.
        await self._connection.execute(select(func.set_config("alexandrite.erased_person", str(owner_id), True)))
        unused = _unused(owner_id)
        going = select(tables.quote.c.quote_id).where(unused)
        for table in (tables.calculation, tables.calculation_setback):
            await self._connection.execute(delete(table).where(table.c.quote_id.in_(going)))
        await self._connection.execute(delete(tables.fair_share).where(tables.fair_share.c.asker == owner_id))
        return (await self._connection.execute(delete(tables.quote).where(unused))).rowcount

    async def forget_engravings(self, owner_id: UUID) -> int:
        """Takes the texts out of the engravings of what is left of their quotes: those that orders use; how many."""
        # As above: the trigger lets through who says whose they are, and then nothing but this.
        await self._connection.execute(select(func.set_config("alexandrite.erased_person", str(owner_id), True)))
        quote = tables.quote
        taken = await self._connection.execute(
            update(quote)
            .where(quote.c.owner_id == owner_id, quote.c.engraving.has_key("text"))
            .values(engraving=quote.c.engraving.op("-", return_type=JSONB())("text"))
        )
        return taken.rowcount

    async def forget_answers(self, person_id: UUID) -> int:
        """Deletes the answers kept for their requests, which hold quotes as they were; how many."""
        gone = await self._connection.execute(
            delete(idempotency_key).where(idempotency_key.c.scope.startswith(f"{person_id} ", autoescape=True))
        )
        return gone.rowcount


def _unused(owner_id: UUID) -> Any:
    """Of a person, neither named in a request for an order's price nor made for one in place of another."""
    quote, by_quote = tables.quote, tables.price_request_quote
    return and_(
        quote.c.owner_id == owner_id,
        quote.c.replaces.is_(None),
        ~exists().where(by_quote.c.quote_id == quote.c.quote_id),
    )
