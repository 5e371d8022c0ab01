"""A work order: the instruction to make one order line, from the board to the carrier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from system.mes.domain import rules
from system.mes.domain.errors import (
    AlreadyTheHolder,
    NotTheHolder,
    UndoTooLate,
    WorkOrderAlreadyClaimed,
    WorkOrderNotEscalated,
    WorkOrderStateRefused,
    WorkOrderWithdrawn,
)


class WorkOrderState(StrEnum):
    """Where a work order is."""

    RELEASED = "RELEASED"
    CLAIMED = "CLAIMED"
    COMPLETED = "COMPLETED"
    PACKING = "PACKING"
    SHIPPED = "SHIPPED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Operator:
    """Who makes pieces."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Claim:
    """An operator's exclusive hold on a work order."""

    operator: Operator
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Parcel:
    """What was handed to a carrier."""

    carrier: str
    tracking_number: str


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One order line in production. `weight_g` is the weight of one piece; `claim_no` counts the claims it has had; `extras` is
    what it gets besides its metal, as the shop said it.

    `state_since` is when anything last happened to it: it reached its state, or its holder said that it goes on.
    """

    id: UUID
    order_id: UUID
    line_id: UUID
    order_number: str
    channel: str
    title: str
    kind: Literal["custom", "ready_made"]
    material: str
    quantity: int
    ring_size: str | None
    file_id: UUID | None
    sku: str | None
    weight_g: Decimal | None
    approved_at: datetime
    promise_at: datetime
    released_at: datetime
    state: WorkOrderState = WorkOrderState.RELEASED
    state_since: datetime | None = None
    claim_no: int = 0
    claim: Claim | None = None
    rework_count: int = 0
    parcel: Parcel | None = None
    extras: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What may be done next, whoever asks."""
        return rules.ACTIONS[self.state]

    def refusal_of_claim(self) -> WorkOrderAlreadyClaimed | WorkOrderWithdrawn | None:
        """Why this work order cannot be claimed, or None when it is free."""
        if rules.claim_is_free(self.state):
            return None
        if self.state is WorkOrderState.WITHDRAWN or self.claim is None:
            return WorkOrderWithdrawn()
        return WorkOrderAlreadyClaimed(
            claimed_by=self.claim.operator.name,
            claimed_by_id=self.claim.operator.id,
            claimed_at=self.claim.claimed_at,
            state=self.state,
        )

    def check_assignable(self, *, now: datetime, claim_budget_s: int) -> None:
        """Raises what refuses a claim, or WorkOrderNotEscalated while operators still have time to choose it themselves."""
        if refusal := self.refusal_of_claim():
            raise refusal
        if not rules.is_escalated(self.state, self.released_at, now=now, claim_budget_s=claim_budget_s):
            raise WorkOrderNotEscalated(escalates_at=rules.escalates_at(self.released_at, claim_budget_s))

    def returned(self, by: Operator, *, now: datetime) -> WorkOrder:
        """Back on the board, for others to take."""
        self._check("return", by)
        return self._freed(now)

    def handed_over(self, to: Operator, *, now: datetime) -> WorkOrder:
        """The claim of another operator, with a number of its own; it never was on the board between."""
        if self._claim_for("handover").operator.id == to.id:
            raise AlreadyTheHolder(held_by=to.name)
        return replace(self, state_since=now, claim_no=self.claim_no + 1, claim=Claim(to, now))

    def going_on(self, by: Operator, *, now: datetime) -> WorkOrder:
        """Still on the bench, as its holder says: its claim lapses as much later."""
        self._check("progress", by)
        return replace(self, state_since=now)

    def weighed(self, by: Operator, *, now: datetime) -> WorkOrder:
        """Its holder put it on the scales: on the bench that shows that it goes on, later it changes nothing."""
        self._check("weighing", by)
        return replace(self, state_since=now) if self.state is WorkOrderState.CLAIMED else self

    def lapsed(self, *, now: datetime, idle_s: int) -> WorkOrder | None:
        """Back on the board, because nothing happened to its claim for too long; None where that is not so, or not any more."""
        lapses_at = rules.lapses_at(self.state, self.state_since or self.released_at, idle_s=idle_s)
        return self._freed(now) if lapses_at is not None and lapses_at <= now else None

    def completed(self, by: Operator, *, now: datetime) -> WorkOrder:
        """The piece is made."""
        self._check("completion", by)
        return replace(self, state=WorkOrderState.COMPLETED, state_since=now)

    def undone(self, by: Operator, *, now: datetime, undo_s: int) -> WorkOrder:
        """On the bench as if it never was said to be made: no rework. Raises UndoTooLate."""
        self._check("undo", by)
        state_since = self.state_since or self.released_at
        ends_at = rules.undo_ends_at(self.state, state_since, undo_s=undo_s)
        if ends_at is None or ends_at <= now:
            raise UndoTooLate(ended_at=ends_at or state_since)
        return replace(self, state=WorkOrderState.CLAIMED, state_since=now)

    def reworked(self, by: Operator, *, now: datetime) -> WorkOrder:
        """Back to the bench, under the same claim: rework is not paid twice."""
        self._check("rework", by)
        return replace(self, state=WorkOrderState.CLAIMED, state_since=now, rework_count=self.rework_count + 1)

    def packed(self, by: Operator, *, now: datetime) -> WorkOrder:
        """Packing began."""
        self._check("packing", by)
        return replace(self, state=WorkOrderState.PACKING, state_since=now)

    def shipped(self, by: Operator, parcel: Parcel, *, now: datetime) -> WorkOrder:
        """Handed to the carrier: the end of MES's part."""
        self._check("shipment", by)
        return replace(self, state=WorkOrderState.SHIPPED, state_since=now, parcel=parcel)

    def withdrawn(self, *, now: datetime) -> WorkOrder:
        """Off the board for good; the claim, if there was one, stays readable."""
        return replace(self, state=WorkOrderState.WITHDRAWN, state_since=now)

    def _freed(self, now: datetime) -> WorkOrder:
        return replace(self, state=WorkOrderState.RELEASED, state_since=now, claim=None)

    def _check(self, action: str, by: Operator) -> None:
        # The state comes first: telling a late operator "you are not the holder" would hide what really happened.
        holder = self._claim_for(action).operator
        if holder.id != by.id:
            raise NotTheHolder(held_by=holder.name)

    def _claim_for(self, action: str) -> Claim:
        if self.state is WorkOrderState.WITHDRAWN:
            raise WorkOrderWithdrawn()
        if action not in self.allowed_actions or self.claim is None:
            raise WorkOrderStateRefused(action=action, state=self.state, allowed=self.allowed_actions)
        return self.claim
