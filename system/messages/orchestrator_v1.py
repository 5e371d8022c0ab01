"""What the orchestrator says: the status of every order, and its commands to the other services."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Literal
from uuid import UUID

from system.messages.envelope import ExtrasV1, Message, MoneyV1, Part


class OrderStatus(StrEnum):
    """The ten public statuses, and the four of the unhappy roads."""

    INITIATED = "INITIATED"
    FILE_UPLOADED = "FILE_UPLOADED"
    SUBMITTED = "SUBMITTED"
    PRICE_CALCULATED = "PRICE_CALCULATED"
    MANUFACTURING_APPROVED = "MANUFACTURING_APPROVED"
    MANUFACTURING_STARTED = "MANUFACTURING_STARTED"
    MANUFACTURING_COMPLETED = "MANUFACTURING_COMPLETED"
    PACKAGING = "PACKAGING"
    SHIPPED = "SHIPPED"
    CLOSED = "CLOSED"
    AWAITING_CUSTOMER = "AWAITING_CUSTOMER"
    PRICE_FAILED = "PRICE_FAILED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class Transition(Part):
    """One step of an order's history. `reason_code` is a stable word for a reason that a service gave: why there is no price."""

    version: int
    from_status: OrderStatus | None
    to_status: OrderStatus
    at: datetime
    actor: str
    reason: str | None = None
    reason_code: str | None = None


class PricedLine(Part):
    """What a line costs by the quote in force."""

    line_id: UUID
    quote_id: UUID
    total: MoneyV1
    weight_g: Decimal | None = None


class Shipment(Part):
    """A parcel handed to a carrier."""

    work_order_id: UUID
    carrier: str
    tracking_number: str


class Consent(Part):
    """Why a customer is asked to agree to another price: above_estimate, expired, metal_moved."""

    reasons: tuple[Literal["above_estimate", "expired", "metal_moved"], ...]
    agreed_total: MoneyV1
    total: MoneyV1


class OrderChanged(Message):
    """The whole state of an order after a change. A reader keeps the highest `version` and ignores older ones."""

    TYPE: ClassVar[str] = "orchestrator.order_changed.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("shop", "crm", "mes")

    number: str
    version: int
    status: OrderStatus
    status_since: datetime
    promise_at: datetime
    budget_until: datetime | None = None
    allowed: tuple[OrderStatus, ...] = ()
    reason: str | None = None
    reason_code: str | None = None
    cancellation_requested: bool = False
    total: MoneyV1 | None = None
    lines: tuple[PricedLine, ...] = ()
    consent: Consent | None = None
    shipments: tuple[Shipment, ...] = ()
    history: tuple[Transition, ...] = ()


class QuotedLine(Part):
    """The quote a customer agreed to for a line, and the total shown to them."""

    line_id: UUID
    quote_id: UUID
    agreed_total: MoneyV1


class PriceOrder(Message):
    """Command: confirm the quotes of an order, or make new ones."""

    TYPE: ClassVar[str] = "orchestrator.price_order.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("pricing",)

    attempt: int = 1
    lines: tuple[QuotedLine, ...]


class StockItem(Part):
    """So many pieces of a ready-made good."""

    sku: str
    quantity: int


class ReserveStock(Message):
    """Command: set aside ready-made goods for an order."""

    TYPE: ClassVar[str] = "orchestrator.reserve_stock.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("shop",)

    items: tuple[StockItem, ...]


class ReleaseStock(Message):
    """Command, the undo of ReserveStock: put the goods back. Doing it twice, or without a reservation, changes nothing."""

    TYPE: ClassVar[str] = "orchestrator.release_stock.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("shop",)


class WorkOrderSpec(Part):
    """What to make for one order line."""

    work_order_id: UUID
    line_id: UUID
    title: str
    kind: Literal["custom", "ready_made"]
    material: str
    quantity: int
    ring_size: str | None = None
    file_id: UUID | None = None
    sku: str | None = None
    weight_g: Decimal | None = None
    extras: ExtrasV1 | None = None


class ReleaseWorkOrders(Message):
    """Command: put the work orders of an approved order on the board."""

    TYPE: ClassVar[str] = "orchestrator.release_work_orders.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("mes",)

    number: str
    channel: str
    approved_at: datetime
    promise_at: datetime
    work_orders: tuple[WorkOrderSpec, ...]


class WithdrawWorkOrders(Message):
    """Command, the undo of ReleaseWorkOrders: off the board, unless claimed. Answered by mes.withdrawal_decided.v1."""

    TYPE: ClassVar[str] = "orchestrator.withdraw_work_orders.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("mes",)

    withdrawal_id: UUID
    requested_by: str
    by_seller: bool = False
    reason: str | None = None
