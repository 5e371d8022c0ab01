"""The order: its status, its saga and everything that decides them.

This file holds the state and the few ways to change it; what a fact means is decided in `submitting.py`, `making.py`, `ending.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from system.kernel.ids import derived_id
from system.kernel.money import Money
from system.orchestrator.domain.budgets import Budgets, Deadlines
from system.orchestrator.domain.saga import Command, OnlyIf, Patience, SagaRun, Sending
from system.orchestrator.domain.status import TERMINAL, Status, Who, is_legal
from system.orchestrator.domain.work import Stage

LineKind = Literal["custom", "ready_made"]


@dataclass(frozen=True)
class Policy:
    """The durations of this environment."""

    budgets: Budgets
    patience: Patience


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the order, the price in force for it, and its work order. `extras` are for whoever makes it."""

    line_id: UUID
    kind: LineKind
    title: str
    material: str
    quantity: int
    quote_id: UUID
    agreed_total: Money
    ring_size: str | None = None
    file_id: UUID | None = None
    sku: str | None = None
    total: Money | None = None
    weight_g: Decimal | None = None
    stage: Stage = Stage.WAITING
    held_by: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    extras: Mapping[str, Any] | None = field(default=None, repr=False)

    def work_order_id(self, order_id: UUID) -> UUID:
        """The id of the line's work order: the same however often the release is repeated."""
        return derived_id(order_id, f"work-order:{self.line_id}")


@dataclass(frozen=True, slots=True)
class Contact:
    """Whose order it is, as support may be asked for it."""

    customer_id: UUID
    name: str | None = None
    email: str | None = None
    partner_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """The question the customer has to answer."""

    reasons: tuple[str, ...]
    agreed_total: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A wish to cancel that MES has to decide."""

    withdrawal_id: UUID
    requested_by: str
    who: Who
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """The carrier says that a parcel arrived. It may say so before we know the parcel."""

    carrier: str
    tracking_number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the order's history; `seq` counts 1, 2, 3. `reason_code` is a stable word for a reason that a service gave."""

    seq: int
    version: int
    start: Status | None
    end: Status
    at: datetime
    actor: str
    reason: str | None = None
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that did not change the status and that people must be able to see. `kind`: late_fact, repeated_fact,
    out_of_order, cancellation_requested, cancellation_refused, stale_consent, resent, stuck, compensated, delivered, handed_over."""

    kind: str
    at: datetime
    title: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A command to be published with the change; a withdrawal says whose wish it carries."""

    command: Command
    attempt: int = 1
    cancellation: Cancellation | None = None


@dataclass(slots=True)
class Order:
    """One order. `version` grows with every change; `loaded_version` is what the database holds."""

    order_id: UUID
    number: str
    channel: str
    contact: Contact
    promise_at: datetime
    status: Status
    status_since: datetime
    version: int = 0
    loaded_version: int = 0
    loaded_status: Status | None = None
    reason: str | None = None
    agreed_total: Money | None = None
    total: Money | None = None
    price_valid_until: datetime | None = None
    approved_at: datetime | None = None
    consent: Consent | None = None
    cancellation: Cancellation | None = None
    lines: tuple[Line, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    saga: SagaRun = field(default_factory=SagaRun)
    history: list[Transition] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)

    @classmethod
    def initiate(
        cls,
        *,
        order_id: UUID,
        number: str,
        channel: str,
        customer_id: UUID,
        initiated_at: datetime,
        now: datetime,
        policy: Policy,
    ) -> Order:
        """A new order. Its promise counts from here until it is submitted."""
        promise_at = policy.budgets.promise_at(initiated_at)
        order = cls(order_id, number, channel, Contact(customer_id), promise_at, Status.INITIATED, now)
        order._record(None, Status.INITIATED, actor=Who.CUSTOMER, now=now, reason=None)
        return order

    @property
    def is_over(self) -> bool:
        """Whether the order never moves again."""
        return self.status in TERMINAL

    @property
    def ended_early(self) -> bool:
        """Whether it ended without reaching its customer: what it holds has to be given back."""
        return self.is_over and self.status is not Status.CLOSED

    @property
    def changed(self) -> bool:
        """Whether readers have to be told."""
        return self.version != self.loaded_version

    @property
    def reason_code(self) -> str | None:
        """The stable word for `reason`, when that is the last step's and a service gave it."""
        last = self.history[-1] if self.history else None
        return last.reason_code if last is not None and last.reason == self.reason else None

    def deadlines(self, policy: Policy) -> Deadlines:
        """The end of the present status' budget and the start of the risk to the promise."""
        return policy.budgets.deadlines(status=self.status, since=self.status_since, promise_at=self.promise_at)

    def move(
        self, end: Status, *, actor: str, now: datetime, reason: str | None = None, reason_code: str | None = None
    ) -> None:
        """Changes the status. Callers have checked the rule; an illegal step is a bug here, so it raises AssertionError."""
        if not is_legal(self.status, end):
            raise AssertionError(f"{self.status} to {end} is no legal edge: the caller should have refused it")
        start, self.status, self.status_since = self.status, end, now
        self._record(start, end, actor=actor, now=now, reason=reason, reason_code=reason_code)
        self.reason = reason

    def touch(self) -> None:
        """A change that readers must hear of although the status stays."""
        if not self.changed:
            self.version += 1

    def note(self, kind: str, title: str, *, now: datetime, **details: Any) -> None:
        """Writes something down for people."""
        self.notes.append(Note(kind, now, title, details))

    def too_late(self, fact: str, *, now: datetime, **details: Any) -> None:
        """A fact the order can no longer follow: noted, never retried, and everybody is told again where the order stands."""
        self.note(
            "late_fact",
            f"{fact} came when the order was {self.status} and could not be followed",
            now=now,
            fact=fact,
            **details,
        )
        self.touch()

    def repeated(self, fact: str, *, now: datetime) -> None:
        """A fact that was already followed: noted, nothing else."""
        self.note("repeated_fact", f"{fact} came again and changed nothing", now=now, fact=fact)

    def send(self, command: Command, *, attempt: int = 1, cancellation: Cancellation | None = None) -> None:
        """Puts a command beside the change."""
        self.outgoing.append(Outgoing(command, attempt, cancellation))

    def send_all(self, sendings: list[Sending]) -> None:
        """Puts what the saga wants sent beside the change."""
        for sending in sendings:
            self.send(sending.command, attempt=sending.attempt)

    def advance(self, *, now: datetime, policy: Policy) -> None:
        """Begins the next steps of the saga."""
        self.send_all(self.saga.advance(needs=self.needs, now=now, patience=policy.patience))

    def needs(self, condition: OnlyIf) -> bool:
        """Whether a conditional step of the saga concerns this order."""
        if condition is OnlyIf.READY_MADE:
            return any(line.kind == "ready_made" for line in self.lines)
        if condition is OnlyIf.CONSENT:
            return self.consent is not None
        return True

    def _record(
        self,
        start: Status | None,
        end: Status,
        *,
        actor: str,
        now: datetime,
        reason: str | None,
        reason_code: str | None = None,
    ) -> None:
        self.version += 1
        seq = len(self.history) + 1
        self.history.append(Transition(seq, self.version, start, end, now, str(actor), reason, reason_code))
