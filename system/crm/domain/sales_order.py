"""An order as CRM sees it: the shop's content, the orchestrator's status, and the seller's decision, which alone is CRM's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from system.crm.domain.errors import (
    OrderAlreadyDecided,
    OrderChangedSinceRead,
    OrderContentMissing,
    OrderNotAwaitingApproval,
    OrderTaken,
)
from system.crm.domain.escalation import Escalation, EscalationTerms, Level
from system.kernel.errors import Refused
from system.kernel.money import Money

AWAITS_APPROVAL = "PRICE_CALCULATED"


class DecisionKind(StrEnum):
    """What a seller decided."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Seller:
    """Who looks after orders."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A seller's one decision about an order."""

    kind: DecisionKind
    seller: Seller
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A seller took an order that waits: the others see who looks after it."""

    seller: Seller
    at: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """What was submitted. `customer`, `delivery` and `lines` are as the shop published them."""

    channel: str
    customer: dict[str, Any]
    delivery: dict[str, Any]
    lines: tuple[dict[str, Any], ...]
    agreed_total: Money
    submitted_at: datetime
    partner_reference: str | None


@dataclass(frozen=True, slots=True)
class SalesOrder:
    """Either half may be missing until its message arrives: `version` 0 means that the orchestrator was not heard yet."""

    order_id: UUID
    number: str
    opened_at: datetime
    version: int
    status: str
    status_since: datetime
    promise_at: datetime | None
    budget_until: datetime | None
    allowed: tuple[str, ...]
    reason: str | None
    cancellation_requested: bool
    total: Money | None
    priced_lines: tuple[dict[str, Any], ...]
    consent: dict[str, Any] | None
    shipments: tuple[dict[str, Any], ...]
    history: tuple[dict[str, Any], ...]
    content: Content | None
    decision: Decision | None
    waits_for_customer_since: datetime | None = None
    escalated: Escalation | None = None
    assignment: Assignment | None = None

    @property
    def due_at(self) -> datetime | None:
        """When this status has lasted too long; the promise to the customer when the status has no budget."""
        return self.budget_until or self.promise_at

    def is_at_risk(self, *, now: datetime, margin_s: int) -> bool:
        """Past its deadline, or nearer to it than the margin. An order that has ended is not."""
        if not self.allowed or self.due_at is None:
            return False
        return now >= self.due_at - timedelta(seconds=margin_s)

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What a seller may do now."""
        actions: list[str] = []
        if self.refusal_of_decision() is None:
            actions += ["approval", "rejection"]
        if "CLOSED" in self.allowed:
            actions.append("closure")
        if "CANCELLED" in self.allowed and not self.cancellation_requested:
            actions.append("cancellation")
        return tuple(actions)

    @property
    def escalation(self) -> Escalation | None:
        """How far this wait was escalated; an earlier wait of the same order, and one that is over, count no more."""
        if self.escalated is None or self.escalated.waits_since != self.status_since:
            return None
        return self.escalated if self.refusal_of_decision() is None else None

    def escalates_to(self, terms: EscalationTerms, *, now: datetime) -> Level | None:
        """Who is to be told now that it waits too long; None when nobody is, or they were told."""
        if self.refusal_of_decision() is not None:
            return None
        level = terms.level_at(now, waits_since=self.status_since, due_at=self.due_at)
        told = self.escalation.level if self.escalation else None
        return None if level == told or told == Level.ADMINISTRATORS else level

    def refusal_of_taking(self, seller: Seller, *, instead_of: UUID | None) -> Refused | None:
        """Why this seller may not take the order now, or None: it waits, and nobody has it but they themselves or whom they
        mean to relieve."""
        if refusal := self.refusal_of_decision():
            return refusal
        if self.assignment is None or self.assignment.seller.id in (seller.id, instead_of):
            return None
        holder = self.assignment.seller
        return OrderTaken(taken_by=holder.name, taken_by_id=str(holder.id), taken_at=self.assignment.at)

    def refusal_of_giving_back(self, seller: Seller, *, administers: bool) -> Refused | None:
        """Why they may not give the order back to all sellers, or None: it waits, and a colleague has it only if they administer."""
        if refusal := self.refusal_of_decision():
            return refusal
        if self.assignment is None or administers or self.assignment.seller.id == seller.id:
            return None
        holder = self.assignment.seller
        return OrderTaken(taken_by=holder.name, taken_by_id=str(holder.id), taken_at=self.assignment.at)

    def refusal_of_decision(self, *, seen_version: int | None = None) -> Refused | None:
        """Why nobody may decide about this order now, or None. `seen_version` is what the seller looked at."""
        if self.status != AWAITS_APPROVAL and self.decision is None:
            return OrderNotAwaitingApproval(order_status=self.status, allowed=self.allowed)
        if self.decision is not None:
            return OrderAlreadyDecided(
                decision=self.decision.kind,
                decided_by=self.decision.seller.name,
                decided_at=self.decision.at,
                order_status=self.status,
                allowed=self.allowed,
            )
        if self.content is None:
            return OrderContentMissing(order_status=self.status)
        if seen_version is not None and seen_version != self.version:
            return OrderChangedSinceRead(seen=seen_version, present=self.version)
        return None
