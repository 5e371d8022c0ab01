"""What the shop can be told to do. `customer` is who asks; an order of somebody else does not exist for them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from system.kernel.money import Money
from system.plumbing.tokens import Principal
from system.plumbing.unit_of_work import IdempotencyKey
from system.shop.application.ports import CareWish
from system.shop.domain.order import Terms


@dataclass(frozen=True, slots=True)
class StartOrder:
    """A customer opens an empty cart."""

    customer: Principal
    key: IdempotencyKey


@dataclass(frozen=True, slots=True)
class AddCustomLine:
    """A piece made from the customer's own model, for which they hold a quote. `if_match` is the ETag they read, if any."""

    order_id: UUID
    customer: Principal
    file_id: UUID
    quote_id: UUID
    material: str
    quantity: int
    ring_size: str | None = None
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class AddReadyMadeLine:
    """A good from the catalogue; the shop asks pricing for its quote."""

    order_id: UUID
    customer: Principal
    sku: str
    quantity: int
    ring_size: str | None = None
    if_match: str | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class PutIntoCart:
    """A good for the customer's cart, which is opened if there is none. The same key again puts nothing more into it."""

    customer: Principal
    sku: str
    quantity: int
    ring_size: str | None
    key: IdempotencyKey


@dataclass(frozen=True, slots=True)
class PutModelIntoCart:
    """A piece from the customer's own model, for their cart, which is opened if there is none. The same key again changes nothing."""

    customer: Principal
    file_id: UUID
    quote_id: UUID
    material: str
    quantity: int
    ring_size: str | None
    key: IdempotencyKey


@dataclass(frozen=True, slots=True)
class ChangeQuantity:
    """The customer wants more, or fewer, of a ready-made good; the price is asked for anew."""

    order_id: UUID
    customer: Principal
    line_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class RemoveLine:
    """The customer changed their mind about one line."""

    order_id: UUID
    customer: Principal
    line_id: UUID
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """The customer presses "order" and agrees to a total."""

    order_id: UUID
    customer: Principal
    terms: Terms
    key: IdempotencyKey
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerPriceQuestion:
    """The customer accepts or declines the new price they were asked about."""

    order_id: UUID
    customer: Principal
    accept: bool
    total: Money
    key: IdempotencyKey


@dataclass(frozen=True, slots=True)
class WriteLetter:
    """The customer writes to our sellers about a submitted order, or answers them; with a `wish` they return it or complain."""

    order_id: UUID
    customer: Principal
    text: str
    key: IdempotencyKey
    wish: CareWish | None = None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """The customer does not want the order any more."""

    order_id: UUID
    customer: Principal
    reason: str | None = None
