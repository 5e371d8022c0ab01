"""How long an order may take: a promise to the customer, a time budget per status, and when a person has to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from system.orchestrator.domain.status import Status

ROAD: tuple[Status, ...] = (
    Status.SUBMITTED,
    Status.PRICE_CALCULATED,
    Status.MANUFACTURING_APPROVED,
    Status.MANUFACTURING_STARTED,
    Status.MANUFACTURING_COMPLETED,
    Status.PACKAGING,
    Status.SHIPPED,
)
"""The statuses an order spends its promised time in, in order."""

BUDGETED: tuple[Status, ...] = (*ROAD, Status.AWAITING_CUSTOMER)
"""Every status that has a budget. A cart (INITIATED, FILE_UPLOADED) has none: it may wait for its customer for ever."""


class Attention(StrEnum):
    """Why an order is on a list of somebody."""

    NONE = "none"
    AT_RISK = "at_risk"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What the clock says about an order: the end of its status' budget, and from when its promise is at risk."""

    budget_until: datetime | None
    at_risk_from: datetime | None


@dataclass(frozen=True)
class Budgets:
    """The promise, and a budget for each status of BUDGETED. Raises ValueError when one is missing or not positive."""

    promise: timedelta
    per_status: dict[Status, timedelta]

    def __post_init__(self) -> None:
        missing = [status for status in BUDGETED if status not in self.per_status]
        if missing:
            raise ValueError(f"no time budget for {', '.join(missing)}")
        if self.promise <= timedelta(0) or any(budget <= timedelta(0) for budget in self.per_status.values()):
            raise ValueError("a promise and a time budget are positive durations")

    def promise_at(self, promised_from: datetime) -> datetime:
        """When an order submitted at `promised_from` is to be with its customer."""
        return promised_from + self.promise

    def deadlines(self, *, status: Status, since: datetime, promise_at: datetime) -> Deadlines:
        """The end of the present budget, and the moment from which the rest of the road no longer fits before the promise."""
        budget = self.per_status.get(status)
        if budget is None:
            return Deadlines(None, None)
        budget_until = since + budget
        rest = self.rest_after(status)
        late_already = budget_until + rest > promise_at
        return Deadlines(budget_until, since if late_already else promise_at - rest)

    def rest_after(self, status: Status) -> timedelta:
        """The budgets of the statuses that follow `status` on the road."""
        start = ROAD.index(Status.SUBMITTED if status is Status.AWAITING_CUSTOMER else status)
        return sum((self.per_status[later] for later in ROAD[start + 1 :]), timedelta(0))


def attention(*, deadlines: Deadlines, step_is_stuck: bool, now: datetime) -> Attention:
    """Stuck: the budget of the status is used up, or a step got no answer. At risk: the promise will not hold at this pace."""
    if step_is_stuck or (deadlines.budget_until is not None and now > deadlines.budget_until):
        return Attention.STUCK
    if deadlines.at_risk_from is not None and now > deadlines.at_risk_from:
        return Attention.AT_RISK
    return Attention.NONE


WHAT_TO_DO: dict[Status, str] = {
    Status.SUBMITTED: "Pricing or stock has not answered. See this order's parked messages, replay them, then resend the step.",
    Status.AWAITING_CUSTOMER: "Call the customer: the new price waits for their yes or no.",
    Status.PRICE_CALCULATED: "A seller has to approve or reject it: give it to a free one.",
    Status.MANUFACTURING_APPROVED: "Nobody took it: assign it to an operator on the escalated board.",
    Status.MANUFACTURING_STARTED: "Ask the operator who holds it; reassign the work order if it does not move.",
    Status.MANUFACTURING_COMPLETED: "It is made and not packed: ask for packing.",
    Status.PACKAGING: "It is packed and not shipped: hand it to the carrier and note the tracking number.",
    Status.SHIPPED: "The carrier has not reported: ask the carrier, close it by hand once it has arrived.",
}
"""For each budgeted status: what the person who looks at a late order does next."""
