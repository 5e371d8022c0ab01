"""What the handlers need from outside. Every call to another service raises Unavailable when that one does not answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Literal, Protocol, Self
from uuid import UUID

from system.kernel.money import Money
from system.messages.envelope import Message
from system.plumbing.mail.notice import HeldNotices
from system.plumbing.tokens import Principal
from system.plumbing.unit_of_work import Answer, IdempotencyKey
from system.shop.domain.catalogue import Language, Product
from system.shop.domain.options import Options
from system.shop.domain.order import Order
from system.shop.domain.progress import Progress
from system.shop.domain.quote import Quote, QuoteProblem
from system.shop.domain.stock import Reservation


@dataclass(frozen=True, slots=True)
class Told:
    """News was recorded; `before` is what stood there until now, if anything."""

    before: Progress | None


class Orders(Protocol):
    """Every order, with what the orchestrator last said about it."""

    async def next_number(self, *, now: datetime) -> str:
        """A public number that no other order has."""

    async def add(self, order: Order) -> None:
        """Keeps a new order."""

    async def get(self, order_id: UUID) -> Order | None:
        """The order, or None."""

    async def cart_of(self, customer_id: UUID) -> Order | None:
        """The customer's cart: the youngest of their orders whose content may still change, or None."""

    async def save(self, before: Order, after: Order) -> None:
        """Keeps what changed. Raises OrderWasChanged when `before` is not the kept revision any more."""

    async def tell(self, order_id: UUID, progress: Progress) -> Told | None:
        """Keeps `progress` if it is news, and says what was recorded before; None when it was not. Raises OrderUnknownHere."""


class Stock(Protocol):
    """Pieces of ready-made goods, and who holds them."""

    async def available(self, skus: Iterable[str]) -> dict[str, int]:
        """Pieces nobody has reserved, of each good we sell; nobody else changes them until this transaction ends."""

    async def reservation(self, order_id: UUID) -> Reservation | None:
        """What was decided for an order, or None."""

    async def decide(self, reservation: Reservation, *, now: datetime) -> None:
        """Keeps a first decision; a reserved one takes its pieces out of what is available."""

    async def release(self, reservation: Reservation, *, now: datetime) -> None:
        """Puts the pieces of a reserved one back and marks it released."""


class Catalogue(Protocol):
    """The ready-made goods."""

    async def product(self, sku: str) -> Product | None:
        """A good that is for sale, or None."""


class ShopUnitOfWork(Protocol):
    """An open transaction: everything in it becomes true at `commit`, or never."""

    now: datetime
    orders: Orders
    stock: Stock
    catalogue: Catalogue
    notices: HeldNotices

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def lock(self, *subjects: UUID | str) -> None:
        """Waits until this transaction alone works on these orders."""

    async def answer_to(self, key: IdempotencyKey | None) -> Answer | None:
        """The answer given to this key before, or None after claiming it."""

    def publish(self, message: Message) -> None:
        """Sends `message` if this transaction commits."""

    async def commit(self, answer: Answer | None = None) -> Any:
        """Makes it all durable and returns `answer`."""


class Begin(Protocol):
    """Makes a unit of work, not yet entered."""

    def __call__(self) -> ShopUnitOfWork: ...


class ModelOrigin(StrEnum):
    """How a model came to be: sent by its owner, or built in our constructor, which is still to come."""

    UPLOADED = "uploaded"
    CONSTRUCTED = "constructed"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """An uploaded 3D model, as the files service knows it. Only a VERIFIED one can be made."""

    id: UUID
    owner_id: UUID
    status: str
    filename: str
    problem: QuoteProblem | None = None
    """Why it was refused, if it was."""
    origin: ModelOrigin = ModelOrigin.UPLOADED


class Files(Protocol):
    """The files service."""

    async def model(self, file_id: UUID, *, acting_for: Principal) -> ModelFile | None:
        """The model, or None when there is no such file."""


class Pricing(Protocol):
    """The pricing service: the only one that names a price."""

    async def quote_ready_made(
        self, *, sku: str, quantity: int, ring_size: str | None, line_id: UUID, acting_for: Principal
    ) -> Quote:
        """A quote for pieces of a good, owned by `acting_for`; one per line, however often asked. Raises NotForSale."""

    async def quotes(self, quote_ids: Iterable[UUID]) -> dict[UUID, Quote]:
        """The quotes as they are now; an id that pricing does not know is left out."""

    async def catalogue_prices(self, skus: Iterable[str]) -> Mapping[str, Money]:
        """What one piece of each good costs; a good without a price is left out."""

    async def options(self) -> Options:
        """What can be chosen for a piece of one's own. Raises Unavailable."""


class CancellationOutcome(StrEnum):
    """Cancelled at once, or MES decides first."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"


class Orchestrator(Protocol):
    """The service that alone decides an order's status."""

    async def cancel(self, order_id: UUID, *, reason: str | None, acting_for: Principal) -> CancellationOutcome:
        """Cancels, or asks for it. Raises CancellationRefused with what is allowed instead. Safe to repeat."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What was written about an order: by the `customer`, or by a `seller`."""

    id: UUID
    side: Literal["customer", "seller"]
    author: str
    text: str
    at: datetime


CareKind = Literal["return", "complaint"]
CareReason = Literal["does_not_fit", "damaged", "not_as_ordered", "late", "other"]


@dataclass(frozen=True, slots=True)
class CareWish:
    """What a customer asks with a letter: to return it, or that something is wrong. No `line_ids`: the whole order."""

    kind: CareKind
    reason: CareReason
    line_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class CareStep:
    """One thing that was done about a return or a complaint, and what a seller said to it."""

    state: str
    side: Literal["customer", "seller"]
    by: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """A return or a complaint as CRM has it; `return_to`: where an accepted return goes."""

    id: UUID
    wish: CareWish
    state: str
    due_at: datetime | None
    return_to: str | None
    steps: tuple[CareStep, ...]


@dataclass(frozen=True, slots=True)
class Correspondence:
    """All that was written about an order, the oldest first; its returns and complaints; the kinds that may be opened now, and until
    when it may be returned, if that is known."""

    letters: tuple[Letter, ...] = ()
    cases: tuple[Case, ...] = ()
    offers: tuple[CareKind, ...] = ()
    return_until: datetime | None = None


class Letters(Protocol):
    """CRM, which keeps what customers and sellers write to each other, and what they do about returns and complaints."""

    async def of(self, order_id: UUID, *, acting_for: Principal) -> Correspondence:
        """What was written about an order."""

    async def send(
        self, order_id: UUID, letter: Letter, *, acting_for: Principal, wish: CareWish | None = None
    ) -> Letter:
        """Passes a customer's letter on; the same id again is the same letter. Raises CareRefused when the wish cannot be had."""


@dataclass(frozen=True, slots=True)
class GuestSession:
    """A session that identity opened for somebody without an account; `cookies` are whole Set-Cookie values for their browser."""

    access_token: str
    user_id: UUID
    cookies: tuple[str, ...]


class Identity(Protocol):
    """The identity service, which knows who is who."""

    async def guest(self, language: Language) -> GuestSession:
        """Opens a session for a visitor who begins to buy."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the command handlers work with."""

    begin: Begin
    pricing: Pricing
    files: Files
    orchestrator: Orchestrator
    letters: Letters
