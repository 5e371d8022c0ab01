"""A return or a complaint: what a customer asks about an order that they have, or wait for, and what our sellers make of it.

OPEN --question--> ANSWERED --the customer writes--> OPEN
  |                   |
  +---acceptance------+--> ACCEPTED --closure--> CLOSED
  +---refusal---------+--> REFUSED  --closure--> CLOSED
  +---closure---------+--> CLOSED
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from system.crm.domain.errors import (
    AnswerMissing,
    CaseAlreadyOpen,
    CaseChangedSinceRead,
    CaseHasEnded,
    PieceNotOfOrder,
    ReturnTooEarly,
    ReturnTooLate,
)
from system.crm.domain.sales_order import SalesOrder

SHIPPED, CLOSED = "SHIPPED", "CLOSED"


class CaseKind(StrEnum):
    """What the customer wants."""

    RETURN = "return"
    COMPLAINT = "complaint"


class CaseReason(StrEnum):
    """Why, in the words that pages offer."""

    DOES_NOT_FIT = "does_not_fit"
    DAMAGED = "damaged"
    NOT_AS_ORDERED = "not_as_ordered"
    LATE = "late"
    OTHER = "other"


class CaseState(StrEnum):
    """Where it stands. Only an OPEN one waits for us."""

    OPEN = "open"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CLOSED = "closed"


UNDECIDED = frozenset({CaseState.OPEN, CaseState.ANSWERED})
DEEDS: dict[CaseState, tuple[str, ...]] = {
    CaseState.OPEN: ("acceptance", "refusal", "question", "closure"),
    CaseState.ANSWERED: ("acceptance", "refusal", "closure"),
    CaseState.ACCEPTED: ("closure",),
    CaseState.REFUSED: ("closure",),
    CaseState.CLOSED: (),
}
"""What a seller can do about it."""
_ASKED_FOR = {CaseState.ACCEPTED: "acceptance", CaseState.REFUSED: "refusal", CaseState.ANSWERED: "question"}


@dataclass(frozen=True, slots=True)
class CaseTerms:
    """Within how many days after the delivery something may come back, where to, and how soon a customer is answered."""

    return_days: int
    return_address: str
    answer_within: timedelta


@dataclass(frozen=True, slots=True)
class CaseWish:
    """What a customer asks with a letter. No `line_ids` means the whole order."""

    kind: CaseKind
    reason: CaseReason
    line_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseStep:
    """One thing that was done about it: by the `customer`, or by a seller of that name. `text` is what the customer reads."""

    state: CaseState
    by: str
    at: datetime
    text: str = ""
    by_seller: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """A return or a complaint; its id is that of the letter that opened it. `due_at`: until when the customer is to be answered."""

    id: UUID
    order_id: UUID
    wish: CaseWish
    state: CaseState
    opened_at: datetime
    due_at: datetime | None
    version: int = 1
    steps: tuple[CaseStep, ...] = ()

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What a seller may do now."""
        return DEEDS[self.state]

    def decided(self, state: CaseState, *, by: str, text: str, at: datetime, seen_version: int | None = None) -> Case:
        """A seller's word on it. Raises CaseHasEnded, CaseChangedSinceRead, and AnswerMissing when the customer would read nothing."""
        if seen_version is not None and seen_version != self.version:
            raise CaseChangedSinceRead(present=self.version)
        if _ASKED_FOR.get(state, "closure") not in self.allowed_actions:
            last = self.steps[-1]
            raise CaseHasEnded(state=self.state, by=last.by, at=last.at, allowed=self.allowed_actions)
        # A return that is accepted says by itself what happens next: where it goes to.
        says_itself = state is CaseState.CLOSED or (state, self.wish.kind) == (CaseState.ACCEPTED, CaseKind.RETURN)
        if not text and not says_itself:
            raise AnswerMissing
        return self._goes(CaseStep(state, by, at, text), due_at=None)

    def written_to(self, *, by: str, at: datetime, terms: CaseTerms) -> Case:
        """The customer wrote: one that waited for that waits for us again, any other stays as it is."""
        if self.state is not CaseState.ANSWERED:
            return self
        return self._goes(CaseStep(CaseState.OPEN, by, at, by_seller=False), due_at=at + terms.answer_within)

    def _goes(self, step: CaseStep, *, due_at: datetime | None) -> Case:
        return replace(self, state=step.state, due_at=due_at, version=self.version + 1, steps=(*self.steps, step))


def opened(
    wish: CaseWish,
    order: SalesOrder,
    present: Sequence[Case],
    *,
    case_id: UUID,
    by: str,
    at: datetime,
    terms: CaseTerms,
) -> Case:
    """A new one about an order whose cases are `present`.

    Raises ReturnTooEarly, ReturnTooLate, CaseAlreadyOpen, PieceNotOfOrder.
    """
    if wish.kind is CaseKind.RETURN:
        _check_return(order, now=at, terms=terms)
    if any(each.state in UNDECIDED for each in present):
        raise CaseAlreadyOpen
    known = {str(line["line_id"]) for line in order.content.lines} if order.content else set()
    if strange := [each for each in wish.line_ids if str(each) not in known]:
        raise PieceNotOfOrder(str(strange[0]))
    first = CaseStep(CaseState.OPEN, by, at, by_seller=False)
    return Case(case_id, order.order_id, wish, CaseState.OPEN, at, at + terms.answer_within, steps=(first,))


def return_until(order: SalesOrder, terms: CaseTerms) -> datetime | None:
    """The last moment for a return; None while the parcel is under way, and for what was never sent."""
    return order.status_since + timedelta(days=terms.return_days) if order.status == CLOSED else None


def kinds_offered(
    order: SalesOrder, present: Sequence[Case], *, now: datetime, terms: CaseTerms
) -> tuple[CaseKind, ...]:
    """What the customer of a submitted order may open now."""
    if order.content is None or any(each.state in UNDECIDED for each in present):
        return ()
    until = return_until(order, terms)
    may_return = order.status == SHIPPED or (until is not None and now <= until)
    return (CaseKind.RETURN, CaseKind.COMPLAINT) if may_return else (CaseKind.COMPLAINT,)


def _check_return(order: SalesOrder, *, now: datetime, terms: CaseTerms) -> None:
    if order.status not in (SHIPPED, CLOSED):
        raise ReturnTooEarly(order_status=order.status)
    until = return_until(order, terms)
    if until is not None and now > until:
        raise ReturnTooLate(until=until, days=terms.return_days)
