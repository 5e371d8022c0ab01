"""An order: a customer's purchase, from an empty cart to the terms that were submitted. Its status is the orchestrator's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from system.kernel.money import Money
from system.shop.domain import rules
from system.shop.domain.catalogue import Language, Title
from system.shop.domain.errors import (
    ConsentAlreadyGiven,
    LineNotFound,
    NothingToConsentTo,
    OrderAlreadySubmitted,
    OrderHasEnded,
    OrderIsEmpty,
    OrderIsFull,
    PriceChanged,
    PriceFailed,
    PriceNotReady,
    QuantityRefused,
)
from system.shop.domain.progress import PriceQuestion, Progress
from system.shop.domain.quote import Extras, Quote
from system.shop.domain.status import ENDED, Status


class Channel(StrEnum):
    """Through which door an order came."""

    SHOP = "shop"
    PARTNER = "partner"


class LineKind(StrEnum):
    """A piece made from the customer's model, or a good from the catalogue."""

    CUSTOM = "custom"
    READY_MADE = "ready_made"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: so many pieces of one thing, and the quote that promises their price. `agreed_total` is set at submission."""

    id: UUID
    kind: LineKind
    title: Title
    material: str
    quantity: int
    quote_id: UUID
    ring_size: str | None = None
    file_id: UUID | None = None
    sku: str | None = None
    agreed_total: Money | None = None
    extras: Extras | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """Who bought it, as of submission."""

    name: str
    email: str
    phone: str | None
    language: Language


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where it goes."""

    recipient: str
    address: str
    city: str
    postcode: str
    country: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the customer put their name to by submitting."""

    customer: Customer
    delivery: Delivery
    agreed_total: Money
    partner_reference: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """The customer's word on one new price. `asked_at` tells which question it answered: when the order began to wait."""

    asked_at: datetime
    accepted: bool
    total: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """Content and terms of an order. `revision` counts its changes here; `progress` is what the orchestrator last said."""

    id: UUID
    number: str
    channel: Channel
    customer_id: UUID
    created_at: datetime
    revision: int = 1
    lines: tuple[Line, ...] = ()
    model_attached_at: datetime | None = None
    terms: Terms | None = None
    submitted_at: datetime | None = None
    consent_answer: ConsentAnswer | None = None
    cancelled_at: datetime | None = None
    progress: Progress | None = None

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def own_status(self) -> Status:
        """How far the order is by the facts that begin in the shop."""
        if self.submitted_at is not None:
            return Status.SUBMITTED
        return Status.FILE_UPLOADED if self.model_attached_at is not None else Status.INITIATED

    @property
    def status(self) -> Status:
        """The status to show."""
        told = self.progress.status if self.progress is not None else None
        return rules.shown_status(own=self.own_status, told=told, cancelled=self.cancelled_at is not None)

    @property
    def is_cart(self) -> bool:
        """Whether its content may still change."""
        return self.submitted_at is None and self.status not in ENDED

    @property
    def cancellation_requested(self) -> bool:
        """Whether a cancellation waits for a decision."""
        return self.progress is not None and self.progress.cancellation_requested

    @property
    def question(self) -> PriceQuestion | None:
        """The new price that waits for the customer's word, answered or not."""
        if self.progress is None or self.status is not Status.AWAITING_CUSTOMER:
            return None
        return self.progress.question

    @property
    def answer(self) -> ConsentAnswer | None:
        """The customer's answer to the present question."""
        if self.consent_answer is None or self.progress is None or self.question is None:
            return None
        return self.consent_answer if self.consent_answer.asked_at == self.progress.status_since else None

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What the customer can do next."""
        actions: list[str] = []
        if self.is_cart:
            actions.append("add_line")
            if self.lines:
                actions += ["remove_line", "submit"]
        if self.question is not None and self.answer is None:
            actions.append("consent")
        if rules.customer_may_cancel(self.status, cancellation_requested=self.cancellation_requested):
            actions.append("cancel")
        return tuple(actions)

    def line_with_quote(self, quote_id: UUID) -> Line | None:
        """The line that this quote is already part of."""
        return next((line for line in self.lines if line.quote_id == quote_id), None)

    def line_with_good(self, sku: str, ring_size: str | None) -> Line | None:
        """The line that already holds this good in this size."""
        return next((line for line in self.lines if (line.sku, line.ring_size) == (sku, ring_size)), None)

    def line_with_model(
        self, file_id: UUID, material: str, ring_size: str | None, extras: Extras | None = None
    ) -> Line | None:
        """The line that is already to be made from this model, in this material and size, with these stones, plating and words."""
        wanted = (file_id, material, ring_size, extras)
        return next(
            (line for line in self.lines if (line.file_id, line.material, line.ring_size, line.extras) == wanted), None
        )

    def line(self, line_id: UUID) -> Line:
        """The line of this id. Raises LineNotFound."""
        found = next((line for line in self.lines if line.id == line_id), None)
        if found is None:
            raise LineNotFound(line_id)
        return found

    # -- what happens to it --------------------------------------------------------------------------------------

    def check_open(self) -> None:
        """Raises OrderHasEnded or OrderAlreadySubmitted unless the content may change."""
        if self.status in ENDED:
            raise OrderHasEnded(status=self.status)
        if self.submitted_at is not None:
            raise OrderAlreadySubmitted(status=self.status, allowed=self.allowed_actions)

    def with_line(self, line: Line, *, now: datetime) -> Order:
        """One line more. The same quote again changes nothing: a repeated request must not order twice."""
        self.check_open()
        if not rules.quantity_is_allowed(line.quantity):
            raise QuantityRefused(line.quantity, at_most=rules.QUANTITY_MAX)
        if self.line_with_quote(line.quote_id) is not None:
            return self
        if len(self.lines) >= rules.LINES_MAX:
            raise OrderIsFull(at_most=rules.LINES_MAX)
        first_model = self.model_attached_at is None and line.kind is LineKind.CUSTOM
        return replace(
            self,
            lines=(*self.lines, line),
            model_attached_at=now if first_model else self.model_attached_at,
            revision=self.revision + 1,
        )

    def without_line(self, line_id: UUID) -> Order:
        """One line less. Raises LineNotFound."""
        self.check_open()
        self.line(line_id)
        return replace(self, lines=tuple(line for line in self.lines if line.id != line_id), revision=self.revision + 1)

    def with_line_requoted(self, line: Line) -> Order:
        """The line of this id as it is wanted now: another quantity, another quote. Raises LineNotFound, QuantityRefused."""
        self.check_open()
        if not rules.quantity_is_allowed(line.quantity):
            raise QuantityRefused(line.quantity, at_most=rules.QUANTITY_MAX)
        self.line(line.id)
        lines = tuple(line if each.id == line.id else each for each in self.lines)
        return replace(self, lines=lines, revision=self.revision + 1)

    def submitted(self, terms: Terms, quotes: Mapping[UUID, Quote], *, now: datetime) -> Order:
        """Submitted on these terms; `quotes` are those of the lines, by line. The same terms again change nothing.

        Raises OrderAlreadySubmitted, OrderHasEnded, OrderIsEmpty, PriceFailed, PriceNotReady or PriceChanged.
        """
        if self.terms is not None and self.terms == terms:
            return self
        self.check_open()
        if not self.lines:
            raise OrderIsEmpty()
        for line in self.lines:
            if (quote := quotes.get(line.id)) is not None and quote.problem is not None:
                raise PriceFailed(line.id, code=quote.problem.code, detail=quote.problem.detail)
        priced = rules.present_prices(quotes)
        if unpriced := [line.id for line in self.lines if line.id not in priced]:
            raise PriceNotReady(unpriced)
        agreed = rules.agreed_prices(quotes, terms.agreed_total)
        if agreed is None:
            raise PriceChanged(agreed=terms.agreed_total, total=rules.total_of(priced), lines=priced)
        return replace(
            self,
            lines=tuple(replace(line, agreed_total=agreed[line.id]) for line in self.lines),
            terms=terms,
            submitted_at=now,
            revision=self.revision + 1,
        )

    def answered(self, *, accepted: bool, total: Money, now: datetime) -> Order:
        """With the customer's word on the new price. The same word again changes nothing.

        Raises NothingToConsentTo, ConsentAlreadyGiven, or PriceChanged when `total` is not the price that was asked about.
        """
        given = self.consent_answer
        if given is not None and (self.question is None or self.answer is not None):
            if (given.accepted, given.total) == (accepted, total):
                return self
            if self.answer is not None:
                raise ConsentAlreadyGiven(accepted=given.accepted)
        if self.question is None or self.progress is None:
            raise NothingToConsentTo(status=self.status, allowed=self.allowed_actions)
        if total != self.question.total:
            raise PriceChanged(agreed=total, total=self.question.total)
        answer = ConsentAnswer(asked_at=self.progress.status_since, accepted=accepted, total=total, at=now)
        return replace(self, consent_answer=answer, revision=self.revision + 1)

    def cancelled(self, *, now: datetime) -> Order:
        """Cancelled, as the orchestrator has just confirmed."""
        if self.cancelled_at is not None:
            return self
        return replace(self, cancelled_at=now, revision=self.revision + 1)


def channel_for(roles: frozenset[str]) -> Channel:
    """A partner's own orders come through the partner channel; somebody who is a customer too orders as one."""
    return Channel.PARTNER if "partner" in roles and "customer" not in roles else Channel.SHOP


def number_of(counter: int, *, now: datetime) -> str:
    """The public number of an order: the year and a running number, as in A-26000123."""
    return f"A-{now:%y}{counter:06d}"
