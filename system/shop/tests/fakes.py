"""Stand-ins for the shop's database and for the services around it. They keep the same promises as the real adapters: the same
contract tests run over both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from system.kernel.errors import Invalid, Unavailable
from system.kernel.guests import GUEST_DOMAIN
from system.kernel.ids import new_id
from system.kernel.money import Money
from system.messages.envelope import Message
from system.plumbing.mail.notice import HeldNotices, KeptNotice, Notice, NoticeState, can_be_written_to
from system.plumbing.tokens import Principal, TokenAuthority
from system.plumbing.unit_of_work import Answer, IdempotencyKey
from system.shop.application.ports import (
    CancellationOutcome,
    CareKind,
    CareStep,
    CareWish,
    Case,
    Catalogue,
    Correspondence,
    GuestSession,
    Letter,
    ModelFile,
    Orders,
    Stock,
    Told,
)
from system.shop.domain import rules
from system.shop.domain.catalogue import Language, Product, Title
from system.shop.domain.errors import CancellationRefused, CareRefused, NotForSale, OrderUnknownHere, OrderWasChanged
from system.shop.domain.options import Options
from system.shop.domain.order import Channel, Order, Terms, number_of
from system.shop.domain.progress import Progress
from system.shop.domain.quote import Quote, QuoteProblem
from system.shop.domain.stock import Reservation, ReservationState

SIZES = tuple(f"{half / 2:g}" for half in range(30, 45))
GOODS = {
    "ring-classic-585": Product("ring-classic-585", Title("Кольцо", "Classic ring"), "gold_585", SIZES, 1_000_000),
    "pendant-drop-925": Product("pendant-drop-925", Title("Подвеска", "Pendant"), "silver_925", (), 1_000_000),
    "ring-solitaire-950": Product("ring-solitaire-950", Title("Солитер", "Solitaire"), "platinum_950", SIZES, 3),
}
PRICES = {
    "ring-classic-585": Money.of("31500.00", "RUB"),
    "pendant-drop-925": Money.of("4200.00", "RUB"),
    "ring-solitaire-950": Money.of("98000.00", "RUB"),
}


@dataclass
class Shelf:
    """What a commit keeps."""

    orders: dict[UUID, Order] = field(default_factory=dict)
    available: dict[str, int] = field(default_factory=lambda: {sku: good.in_stock for sku, good in GOODS.items()})
    reservations: dict[UUID, Reservation] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[str, Answer]] = field(default_factory=dict)
    published: list[Message] = field(default_factory=list)
    notices: dict[UUID, KeptNotice] = field(default_factory=dict)
    numbers: int = 0


class MemoryUnitOfWork:
    """One transaction over a Shelf: what is not committed never happened."""

    now: datetime
    orders: Orders
    stock: Stock
    catalogue: Catalogue
    notices: HeldNotices

    def __init__(self, shelf: Shelf, clock: MovingClock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._key: IdempotencyKey | None = None

    async def __aenter__(self) -> Self:
        self.now = self._clock.now()
        self._outgoing: list[Message] = []
        self._key = None
        self._orders = dict(self._shelf.orders)
        self._available = dict(self._shelf.available)
        self._reservations = dict(self._shelf.reservations)
        self.orders = MemoryOrders(self._orders, self._shelf)
        self.stock = MemoryStock(self._available, self._reservations)
        self.catalogue = MemoryCatalogue(self._available)
        self._notices = dict(self._shelf.notices)
        self.notices = MemoryNotices(self._notices, self.now)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outgoing.clear()

    async def lock(self, *subjects: UUID | str) -> None:
        """Nobody else is here."""

    async def answer_to(self, key: IdempotencyKey | None) -> Answer | None:
        """The answer kept under this key."""
        if key is None:
            return None
        kept = self._shelf.answers.get((key.scope, key.key))
        if kept is None:
            self._key = key
            return None
        if kept[0] != key.fingerprint:
            raise Invalid("idempotency-key-reused", "This Idempotency-Key was already used with another body.")
        return kept[1]

    def publish(self, message: Message) -> None:
        """Kept back until the commit."""
        self._outgoing.append(message)

    async def commit(self, answer: Answer | None = None) -> Any:
        """Makes it all true."""
        self._shelf.orders, self._shelf.available = dict(self._orders), dict(self._available)
        self._shelf.reservations = dict(self._reservations)
        self._shelf.notices = dict(self._notices)
        self._shelf.published += self._outgoing
        self._outgoing = []
        if self._key is not None and answer is not None:
            self._shelf.answers[(self._key.scope, self._key.key)] = (self._key.fingerprint, answer)
        return answer


class MemoryOrders:
    """Orders in a dictionary."""

    def __init__(self, orders: dict[UUID, Order], shelf: Shelf) -> None:
        self._orders = orders
        self._shelf = shelf

    async def next_number(self, *, now: datetime) -> str:
        """Like a sequence: a number taken by a rolled-back transaction is gone."""
        self._shelf.numbers += 1
        return number_of(self._shelf.numbers, now=now)

    async def add(self, order: Order) -> None:
        """Keeps it."""
        self._orders[order.id] = order

    async def get(self, order_id: UUID) -> Order | None:
        """As kept."""
        return self._orders.get(order_id)

    async def cart_of(self, customer_id: UUID) -> Order | None:
        """The youngest that may still change."""
        carts = [each for each in self._orders.values() if each.customer_id == customer_id and each.is_cart]
        return max((each for each in carts if each.channel is Channel.SHOP), key=lambda each: each.id, default=None)

    async def save(self, before: Order, after: Order) -> None:
        """Only over the revision that was read."""
        kept = self._orders.get(before.id)
        if kept is None or kept.revision != before.revision:
            raise OrderWasChanged()
        self._orders[after.id] = replace(after, progress=kept.progress)

    async def tell(self, order_id: UUID, progress: Progress) -> Told | None:
        """Only news."""
        order = self._orders.get(order_id)
        if order is None:
            raise OrderUnknownHere(order_id)
        if not rules.is_news(progress.version, order.progress.version if order.progress else None):
            return None
        self._orders[order_id] = replace(order, progress=progress)
        return Told(order.progress)


class MemoryNotices:
    """Notices in a dictionary. Nobody sends them."""

    def __init__(self, notices: dict[UUID, KeptNotice], now: datetime) -> None:
        self._notices = notices
        self._now = now

    async def post(self, notice: Notice) -> bool:
        """Once for each occasion."""
        if notice.id in self._notices or not can_be_written_to(notice.to):
            return False
        self._notices[notice.id] = KeptNotice(notice, NoticeState.WAITING, self._now)
        return True

    def post_at_commit(self, notice: Notice) -> None:
        """At once: nothing here is seen before the commit."""
        if can_be_written_to(notice.to):
            self._notices.setdefault(notice.id, KeptNotice(notice, NoticeState.WAITING, self._now))

    async def withdraw(self, kind: str, *, about: UUID) -> int:
        """Those that wait."""
        found = [
            each
            for each in self._notices.values()
            if (each.notice.kind, each.notice.about, each.state) == (kind, about, NoticeState.WAITING)
        ]
        for each in found:
            self._notices[each.notice.id] = replace(each, state=NoticeState.WITHDRAWN, settled_at=self._now)
        return len(found)


class MemoryStock:
    """Pieces in a dictionary."""

    def __init__(self, available: dict[str, int], reservations: dict[UUID, Reservation]) -> None:
        self._available = available
        self._reservations = reservations

    async def available(self, skus: Iterable[str]) -> dict[str, int]:
        """Of the goods we sell."""
        return {sku: self._available[sku] for sku in skus if sku in self._available}

    async def reservation(self, order_id: UUID) -> Reservation | None:
        """As decided."""
        return self._reservations.get(order_id)

    async def decide(self, reservation: Reservation, *, now: datetime) -> None:
        """Takes the pieces of a reserved one."""
        self._reservations[reservation.order_id] = reservation
        for sku, pieces in reservation.pieces.items():
            self._available[sku] -= pieces

    async def release(self, reservation: Reservation, *, now: datetime) -> None:
        """Gives them back."""
        released = replace(reservation, state=ReservationState.RELEASED)
        self._reservations[reservation.order_id] = released
        for sku, pieces in reservation.pieces.items():
            self._available[sku] += pieces


class MemoryCatalogue:
    """The goods above."""

    def __init__(self, available: dict[str, int]) -> None:
        self._available = available

    async def product(self, sku: str) -> Product | None:
        """With what is available now."""
        good = GOODS.get(sku)
        return replace(good, in_stock=self._available[sku]) if good else None


class MemoryQueries:
    """What the pages read, of the orders on a Shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def _of(self, customer_id: UUID) -> list[Order]:
        mine = [order for order in self._shelf.orders.values() if order.customer_id == customer_id]
        return sorted(mine, key=lambda order: order.id, reverse=True)

    async def order(self, order_id: UUID, *, customer_id: UUID) -> Order | None:
        """Of this customer."""
        return next((order for order in self._of(customer_id) if order.id == order_id), None)

    async def submitted_by(self, customer_id: UUID, *, limit: int, before: UUID | None) -> list[Order]:
        """The youngest first."""
        found = [order for order in self._of(customer_id) if order.submitted_at is not None]
        return [order for order in found if before is None or order.id < before][:limit]

    async def submitted(self, order_id: UUID) -> Order | None:
        """Whoever's it is."""
        order = self._shelf.orders.get(order_id)
        return order if order is not None and order.submitted_at is not None else None

    async def last_terms(self, customer_id: UUID) -> Terms | None:
        """Of the youngest."""
        last = await self.submitted_by(customer_id, limit=1, before=None)
        return last[0].terms if last else None

    async def cart_of(self, customer_id: UUID) -> Order | None:
        """The youngest that may still change."""
        return await MemoryOrders(self._shelf.orders, self._shelf).cart_of(customer_id)

    async def pieces_in_cart(self, customer_id: UUID) -> int:
        """Of all its lines."""
        cart = await self.cart_of(customer_id)
        return sum(line.quantity for line in cart.lines) if cart else 0


class MemoryKeptNotices:
    """The notices on a Shelf, as pages read them."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def of(self, about: UUID) -> list[KeptNotice]:
        """The oldest first."""
        found = [each for each in self._shelf.notices.values() if each.notice.about == about]
        return sorted(found, key=lambda each: (each.created_at, each.notice.id))


class MovingClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """A millisecond later at every look, so that times order what happened."""
        self.at += timedelta(milliseconds=1)
        return self.at


class FakePricing:
    """Pricing with prices that a test sets. `away` makes it unavailable."""

    def __init__(self) -> None:
        self.away = False
        self.calls = 0
        self.prices: dict[str, Money] = dict(PRICES)
        self.known: dict[UUID, Quote] = {}
        self.choices = Options()
        self._by_line: dict[UUID, UUID] = {}

    def _answer(self) -> None:
        self.calls += 1
        if self.away:
            raise Unavailable("pricing-unavailable", "The pricing service does not answer just now.")

    def has(self, quote: Quote) -> Quote:
        """A test puts a quote in."""
        self.known[quote.id] = quote
        return quote

    def becomes(self, quote_id: UUID, **changes: Any) -> Quote:
        """A test lets a quote go on."""
        return self.has(replace(self.known[quote_id], **changes))

    def fails(self, quote_id: UUID) -> Quote:
        """A test lets the model turn out open."""
        problem = QuoteProblem("mesh-not-closed", "The surface has 12 open edges. Close it and upload the model again.")
        return self.becomes(quote_id, total=None, problem=problem)

    async def quote_ready_made(
        self, *, sku: str, quantity: int, ring_size: str | None, line_id: UUID, acting_for: Principal
    ) -> Quote:
        """One per line."""
        self._answer()
        if line_id in self._by_line:
            return self.known[self._by_line[line_id]]
        if sku not in self.prices:
            raise NotForSale(sku, detail=f"There is no price for {sku}.")
        total = self.prices[sku] * quantity
        quote = Quote(
            id=new_id(),
            owner_id=acting_for.subject,
            kind="ready_made",
            material=GOODS[sku].material,
            quantity=quantity,
            ring_size=ring_size,
            sku=sku,
            estimate=total,
            total=total,
        )
        self._by_line[line_id] = quote.id
        return self.has(quote)

    async def quotes(self, quote_ids: Iterable[UUID]) -> dict[UUID, Quote]:
        """Those that are known."""
        self._answer()
        return {quote_id: self.known[quote_id] for quote_id in quote_ids if quote_id in self.known}

    async def options(self) -> Options:
        """Those that a test sets."""
        self._answer()
        return self.choices

    async def catalogue_prices(self, skus: Iterable[str]) -> Mapping[str, Money]:
        """Those that have one."""
        self._answer()
        return {sku: self.prices[sku] for sku in skus if sku in self.prices}


class FakeFiles:
    """Models that a test uploads."""

    def __init__(self) -> None:
        self.away = False
        self.known: dict[UUID, ModelFile] = {}

    def has(self, file: ModelFile) -> ModelFile:
        """A test puts a model in."""
        self.known[file.id] = file
        return file

    async def model(self, file_id: UUID, *, acting_for: Principal) -> ModelFile | None:
        """As uploaded."""
        if self.away:
            raise Unavailable("files-unavailable", "The files service does not answer just now.")
        return self.known.get(file_id)


class FakeOrchestrator:
    """Says what a test tells it to say about an order."""

    def __init__(self) -> None:
        self.away = False
        self.says: dict[UUID, CancellationOutcome | CancellationRefused] = {}
        self.asked: list[tuple[UUID, str | None]] = []

    async def cancel(self, order_id: UUID, *, reason: str | None, acting_for: Principal) -> CancellationOutcome:
        """Cancelled, unless told otherwise; the same again when asked again."""
        if self.away:
            raise Unavailable("orchestrator-unavailable", "The orchestrator service does not answer just now.")
        self.asked.append((order_id, reason))
        said = self.says.get(order_id, CancellationOutcome.CANCELLED)
        if isinstance(said, CancellationRefused):
            raise said
        return said


class FakeLetters:
    """CRM's letters in memory."""

    def __init__(self) -> None:
        self.away = False
        self.refusal: CareRefused | None = None
        self.offers: tuple[CareKind, ...] = ("complaint",)
        self.kept: dict[UUID, list[Letter]] = {}
        self.cases: dict[UUID, list[Case]] = {}

    async def of(self, order_id: UUID, *, acting_for: Principal) -> Correspondence:
        self._answers()
        letters, cases = tuple(self.kept.get(order_id, ())), tuple(self.cases.get(order_id, ()))
        return Correspondence(letters, cases, self.offers)

    async def send(
        self, order_id: UUID, letter: Letter, *, acting_for: Principal, wish: CareWish | None = None
    ) -> Letter:
        self._answers()
        if wish and self.refusal:
            raise self.refusal
        kept = self.kept.setdefault(order_id, [])
        known = next((each for each in kept if each.id == letter.id), None)
        if known is None:
            kept.append(letter)
            if wish:
                step = CareStep("open", "customer", letter.author, letter.at, "")
                self.cases.setdefault(order_id, []).append(Case(letter.id, wish, "open", letter.at, None, (step,)))
        return known or letter

    def _answers(self) -> None:
        if self.away:
            raise Unavailable("crm-unavailable", "The crm service does not answer just now.")


class FakeIdentity:
    """Identity, which makes guests with real tokens and cookies for their browsers."""

    def __init__(self, authority: TokenAuthority) -> None:
        self.away = False
        self.guests: list[Principal] = []
        self._authority = authority

    async def guest(self, language: Language) -> GuestSession:
        """A new one each time."""
        if self.away:
            raise Unavailable("identity-unavailable", "The identity service does not answer just now.")
        who = Principal(new_id(), frozenset({"customer"}), "", f"guest-{new_id()}@{GUEST_DOMAIN}")
        self.guests.append(who)
        token = self._authority.issue_for_user(who)
        cookies = (
            f"__Host-session={token}; HttpOnly; Path=/; SameSite=lax; Secure",
            "__Secure-refresh=secret; HttpOnly; Path=/api/identity/v1/sessions; SameSite=strict; Secure",
        )
        return GuestSession(token, who.subject, cookies)
