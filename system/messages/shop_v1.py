"""What the shop says: how an order came to be, and what its customer decided."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from system.messages.envelope import ExtrasV1, Message, MoneyV1, Part


class OrderInitiated(Message):
    """A customer started an order."""

    TYPE: ClassVar[str] = "shop.order_initiated.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    number: str
    channel: Literal["shop", "partner"]
    customer_id: UUID
    initiated_at: datetime


class FileUploaded(Message):
    """The first 3D model was attached to the order."""

    TYPE: ClassVar[str] = "shop.file_uploaded.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    line_id: UUID
    file_id: UUID


class Customer(Part):
    """Who bought it, as of submission."""

    id: UUID
    name: str
    email: str
    phone: str | None = None
    language: Literal["ru", "en"] = "en"


class Delivery(Part):
    """Where it goes."""

    recipient: str
    address: str
    city: str
    postcode: str
    country: str


class OrderLine(Part):
    """One line of an order: a custom piece from a model, or a ready-made good."""

    line_id: UUID
    kind: Literal["custom", "ready_made"]
    title: str
    material: str
    quantity: int
    quote_id: UUID
    agreed_total: MoneyV1
    ring_size: str | None = None
    file_id: UUID | None = None
    sku: str | None = None
    extras: ExtrasV1 | None = None


class OrderSubmitted(Message):
    """The customer pressed "order": the whole content, and the total they agreed to."""

    TYPE: ClassVar[str] = "shop.order_submitted.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator", "crm")

    number: str
    channel: Literal["shop", "partner"]
    customer: Customer
    delivery: Delivery
    lines: tuple[OrderLine, ...]
    agreed_total: MoneyV1
    submitted_at: datetime
    partner_reference: str | None = None


class PriceAccepted(Message):
    """The customer agreed to the new price."""

    TYPE: ClassVar[str] = "shop.price_accepted.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    total: MoneyV1
    accepted_at: datetime


class PriceDeclined(Message):
    """The customer did not agree to the new price."""

    TYPE: ClassVar[str] = "shop.price_declined.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    declined_at: datetime


class StockReserved(Message):
    """Reply: the goods are set aside."""

    TYPE: ClassVar[str] = "shop.stock_reserved.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)


class StockRefused(Message):
    """Reply: there are not enough of one good; nothing was set aside."""

    TYPE: ClassVar[str] = "shop.stock_refused.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    sku: str
    asked: int
    available: int
