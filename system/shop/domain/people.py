"""What the shop refuses about a person's own things: their data, and the models they uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from system.kernel.errors import Conflict


class OrdersOpen(Conflict):
    """Orders of this person are still on their way, and cannot be made or delivered to nobody."""

    def __init__(self, numbers: Sequence[str]) -> None:
        super().__init__(
            "orders-open",
            f"These orders are still on their way: {', '.join(numbers)}. Cancel them, or wait until they have arrived.",
            numbers=list(numbers),
        )


class ModelInUse(Conflict):
    """An order is made from this model, or may be."""

    def __init__(self, file_id: UUID, *, number: str) -> None:
        super().__init__(
            "model-in-use",
            f"The order {number} is made from this model: take it out of the cart first. An order keeps its models.",
            file_id=str(file_id),
            number=number,
        )
