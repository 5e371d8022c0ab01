"""The queue of calculations: procrastinate's tables in pricing's own database."""

from __future__ import annotations

from uuid import UUID

import procrastinate
from sqlalchemy.ext.asyncio import AsyncConnection

QUEUE = "pricing"
CALCULATE = "calculate_quote"
_deferring = procrastinate.App(connector=procrastinate.PsycopgConnector())


class JobQueue:
    """Defers over the transaction's own connection: the job is there if, and only if, its quote is."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def calculate(self, quote_id: UUID) -> None:
        """Asks the workers to calculate a quote."""
        raw = await self._connection.get_raw_connection()
        await _deferring.configure_task(
            CALCULATE, queue=QUEUE, allow_unknown=True, connection=raw.driver_connection
        ).defer_async(quote_id=str(quote_id))
