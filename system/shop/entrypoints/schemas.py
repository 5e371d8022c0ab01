"""What goes over HTTP: requests and answers of the shop's API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from system.kernel.money import Money
from system.messages.envelope import MoneyV1
from system.shop.application.ports import CareKind, CareReason, CareWish, Correspondence
from system.shop.application.views import CaseView, LetterView, OrderView, TitleView
from system.shop.domain.catalogue import Product
from system.shop.domain.order import Customer, Delivery, Terms
from system.shop.domain.rules import LINES_MAX, QUANTITY_MAX

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
RingSize = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=12)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=40)]
Quantity = Annotated[int, Field(ge=1, le=QUANTITY_MAX, examples=[1])]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StartOrderBody(_Body):
    """A new order starts empty."""


class CustomLineBody(_Body):
    """A piece made from the caller's verified model; the quote is the caller's, for exactly this."""

    kind: Literal["custom"]
    file_id: UUID
    quote_id: UUID
    material: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(examples=["gold_585"])
    quantity: Quantity = 1
    ring_size: RingSize | None = None


class ReadyMadeLineBody(_Body):
    """A good from the catalogue; the shop asks pricing for its quote."""

    kind: Literal["ready_made"]
    sku: Annotated[str, StringConstraints(min_length=1, max_length=60)] = Field(examples=["ring-classic-585"])
    quantity: Quantity = 1
    ring_size: RingSize | None = None


LineBody = Annotated[CustomLineBody | ReadyMadeLineBody, Field(discriminator="kind")]


class CustomerBody(_Body):
    """Who buys it."""

    name: Words
    email: Email = Field(examples=["anna@example.org"])
    phone: Phone | None = None
    language: Literal["ru", "en"] = "en"


class DeliveryBody(_Body):
    """Where it goes."""

    recipient: Words
    address: Words
    city: Words
    postcode: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]
    country: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=60)]


class PositiveMoney(_Body):
    """Money that somebody pays."""

    amount: Annotated[str, StringConstraints(pattern=r"^\d{1,12}\.\d{2}$")] = Field(examples=["10450.00"])
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(examples=["RUB"])

    def money(self) -> Money:
        """The domain amount."""
        return Money.of(self.amount, self.currency)


class SubmissionBody(_Body):
    """The terms of the order. `agreed_total` is the sum of the lines' totals, or estimates, as pricing has shown them."""

    customer: CustomerBody
    delivery: DeliveryBody
    agreed_total: PositiveMoney
    partner_reference: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = (
        None
    )

    def terms(self) -> Terms:
        """The terms in the domain's words."""
        return Terms(
            customer=Customer(
                name=self.customer.name,
                email=self.customer.email,
                phone=self.customer.phone,
                language=self.customer.language,
            ),
            delivery=Delivery(
                recipient=self.delivery.recipient,
                address=self.delivery.address,
                city=self.delivery.city,
                postcode=self.delivery.postcode,
                country=self.delivery.country,
            ),
            agreed_total=self.agreed_total.money(),
            partner_reference=self.partner_reference,
        )


class ConsentBody(_Body):
    """The customer's word on the new price; `total` is the one they were shown."""

    accept: bool
    total: PositiveMoney


class CancellationBody(_Body):
    """Why the order is not wanted any more, if the customer says so."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] | None = None


class LetterBody(_Body):
    """What the customer writes. With a `kind` they return the order, or complain of it: then a `reason` is needed, and `line_ids`
    name the pieces, when it is not about all of them."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    kind: CareKind | None = None
    reason: CareReason | None = None
    line_ids: Annotated[list[UUID], Field(max_length=LINES_MAX)] = []

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.kind is None) != (self.reason is None) or (self.line_ids and self.kind is None):
            raise ValueError(
                "a return or a complaint has a kind and a reason; a letter has neither, and names no lines"
            )
        return self

    def wish(self) -> CareWish | None:
        """What is asked with it, if it is more than a letter."""
        if self.kind is None or self.reason is None:
            return None
        return CareWish(self.kind, self.reason, tuple(self.line_ids))


class LettersView(BaseModel):
    """All letters of an order, the oldest first. `waits_for_you`: a seller asked, and waits for the answer.

    `cases` are returns and complaints; `may_open`: the kinds of them that may be opened now; `return_until`: the last moment for a
    return, once the order was delivered.
    """

    items: list[LetterView]
    waits_for_you: bool
    cases: list[CaseView] = []
    may_open: list[CareKind] = []
    return_until: datetime | None = None

    @classmethod
    def of(cls, told: Correspondence) -> Self:
        """The correspondence as the API shows it."""
        return cls(
            items=[LetterView.of(each) for each in told.letters],
            waits_for_you=waits_for_customer(told),
            cases=[CaseView.of(each) for each in told.cases],
            may_open=list(told.offers),
            return_until=told.return_until,
        )


def waits_for_customer(told: Correspondence) -> bool:
    """Whether a seller wrote last."""
    return [each.side for each in told.letters[-1:]] == ["seller"]


class OrderAnswer(BaseModel):
    """One order."""

    order: OrderView


class LineAnswer(BaseModel):
    """The new line, and the order it is now part of."""

    line_id: UUID
    order: OrderView


class CancellationAnswer(BaseModel):
    """`requested`: operators may hold it already; whether it is cancelled shows in the order soon."""

    outcome: Literal["cancelled", "requested"]
    order: OrderView


class OrderPage(BaseModel):
    """A customer's orders, youngest first; `next` continues the list."""

    items: list[OrderView]
    next: str | None = None


class ProductView(BaseModel):
    """A ready-made good. `price` is null while pricing does not answer; `in_stock` counts the pieces that are free."""

    sku: str
    title: TitleView
    material: str
    ring_sizes: list[str]
    price: MoneyV1 | None
    in_stock: int

    @classmethod
    def of(cls, product: Product, price: Money | None) -> Self:
        """The view of a good at a price."""
        return cls(
            sku=product.sku,
            title=TitleView(ru=product.title.ru, en=product.title.en),
            material=product.material,
            ring_sizes=list(product.ring_sizes),
            price=MoneyV1.of(price) if price is not None else None,
            in_stock=product.in_stock,
        )


class ProductPage(BaseModel):
    """The catalogue. It is short, so there is one page."""

    items: list[ProductView]
    next: str | None = None


class BeliefView(BaseModel):
    """What the shop believes about an order; `version` 0 means that the orchestrator has not spoken of it."""

    number: str
    status: str | None
    version: int
    own_status: str
    submitted: bool
    stock: str | None


class Beliefs(BaseModel):
    """For the reconciliation, by order id."""

    orders: dict[str, BeliefView]
