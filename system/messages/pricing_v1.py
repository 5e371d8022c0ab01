"""What pricing says about the quotes of an order."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from system.messages.envelope import Message, MoneyV1, Part


class ConfirmedLine(Part):
    """The firm quote of a line. `remade_because` is empty when the agreed quote itself was confirmed."""

    line_id: UUID
    quote_id: UUID
    total: MoneyV1
    weight_g: Decimal | None = None
    breakdown: dict[str, Any] = Field(default_factory=dict)
    valid_until: datetime
    remade_because: tuple[Literal["expired", "metal_moved"], ...] = ()


class OrderPriced(Message):
    """Reply to orchestrator.price_order.v1: every line has a firm quote."""

    TYPE: ClassVar[str] = "pricing.order_priced.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    attempt: int = 1
    lines: tuple[ConfirmedLine, ...]
    total: MoneyV1
    price_book_version: int


class OrderUnpriceable(Message):
    """Reply to orchestrator.price_order.v1: a line cannot be made or priced; `code` is stable, `detail` says why and what to do."""

    TYPE: ClassVar[str] = "pricing.order_unpriceable.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    attempt: int = 1
    line_id: UUID
    quote_id: UUID
    code: str
    detail: str
