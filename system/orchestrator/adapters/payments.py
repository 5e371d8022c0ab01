"""The place of payment. Money is taken outside this system today, so both calls only leave a line in the log."""

from __future__ import annotations

from uuid import UUID

from system.kernel.money import Money
from system.plumbing.telemetry import log


class PaymentOutside:
    """Authorises nothing and voids nothing; an adapter of a provider takes its place with the same two calls."""

    async def authorise(self, order_id: UUID, amount: Money) -> None:
        """Nothing to set aside."""
        log.info("payment is settled outside", step="authorise", amount=str(amount), **{"order.id": str(order_id)})

    async def void(self, order_id: UUID) -> None:
        """Nothing to let go of."""
        log.info("payment is settled outside", step="void", **{"order.id": str(order_id)})
