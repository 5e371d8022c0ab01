"""What MES refuses.

Refused
├── NotFound    WorkOrderNotFound, PayRateNotFound
├── Forbidden   NotTheHolder
├── Invalid     OperatorUnknown, PayRateInThePast, PayRateTooFarAhead, PayRatePaysNothing
├── Stale       PayRatesChanged
└── Conflict    WorkOrderAlreadyClaimed, WorkOrderWithdrawn, WorkOrderStateRefused, WorkOrderNotEscalated,
                ClaimLimitReached, AlreadyTheHolder, UndoTooLate, TrackingNumberTaken, PayRateMomentTaken, PayRateBegan,
                WeightDoubtful, WeighingRequired
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from system.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Stale


class WorkOrderNotFound(NotFound):
    """No work order has this id."""

    def __init__(self, work_order_id: UUID) -> None:
        super().__init__(
            "work-order-not-found",
            f"There is no work order {work_order_id}. Open one from the board.",
            id=str(work_order_id),
        )


class NotTheHolder(Forbidden):
    """Only the operator who claimed a work order may work on it."""

    def __init__(self, *, held_by: str) -> None:
        super().__init__(
            "not-the-holder", f"{held_by} holds this work order, and only the holder may do this.", claimed_by=held_by
        )


class OperatorUnknown(Invalid):
    """MES has never met this operator, so it cannot write their name on the work order."""

    def __init__(self, operator_id: UUID) -> None:
        super().__init__(
            "operator-unknown",
            f"No operator {operator_id} has signed in to MES yet. Name them with `operator_name`, or choose one who has.",
            operator_id=str(operator_id),
        )


class WorkOrderAlreadyClaimed(Conflict):
    """Somebody was first; says who, and when."""

    def __init__(self, *, claimed_by: str, claimed_by_id: UUID, claimed_at: datetime, state: str) -> None:
        super().__init__(
            "work-order-already-claimed",
            f"{claimed_by} took this work order at {claimed_at.isoformat()}. Choose another one from the board.",
            claimed_by=claimed_by,
            claimed_by_id=str(claimed_by_id),
            claimed_at=claimed_at.isoformat(),
            state=state,
        )


class WorkOrderWithdrawn(Conflict):
    """The order was cancelled, so nobody makes this work order."""

    def __init__(self) -> None:
        super().__init__(
            "work-order-withdrawn",
            "The order was cancelled and this work order is off the board. Choose another one.",
            state="WITHDRAWN",
            allowed=[],
        )


class WorkOrderStateRefused(Conflict):
    """The action does not fit the state the work order is in; `allowed` lists those that do."""

    def __init__(self, *, action: str, state: str, allowed: tuple[str, ...]) -> None:
        can = f"Possible now: {', '.join(allowed)}." if allowed else "Nothing more can be done with it."
        super().__init__(
            "work-order-state",
            f"A work order that is {state} allows no {action}. {can}",
            state=state,
            allowed=list(allowed),
        )


class WorkOrderNotEscalated(Conflict):
    """Work is assigned only when nobody took it within its budget."""

    def __init__(self, *, escalates_at: datetime) -> None:
        super().__init__(
            "work-order-not-escalated",
            f"Operators may still take this work order themselves until {escalates_at.isoformat()}; assign it after that.",
            escalates_at=escalates_at.isoformat(),
        )


class ClaimLimitReached(Conflict):
    """An operator has as much in hand as anybody may; says how much that is, and what it is."""

    def __init__(self, *, limit: int, in_hand: list[str]) -> None:
        super().__init__(
            "claim-limit-reached",
            f"You have {len(in_hand)} work orders that are not made yet ({', '.join(in_hand)}), and {limit} at once is the limit. "
            "Finish one or give one back, then take this one.",
            limit=limit,
            in_hand=in_hand,
        )


class AlreadyTheHolder(Conflict):
    """Work is handed over to somebody else."""

    def __init__(self, *, held_by: str) -> None:
        super().__init__(
            "already-the-holder",
            f"{held_by} holds this work order already. Choose another operator.",
            claimed_by=held_by,
        )


class UndoTooLate(Conflict):
    """A completion is undone while it may still be a slip of the hand; after that it is rework."""

    def __init__(self, *, ended_at: datetime) -> None:
        super().__init__(
            "undo-too-late",
            f"That it is made could be undone until {ended_at.isoformat()}. Take it back to the bench, and say what is not good.",
            ended_at=ended_at.isoformat(),
        )


class TrackingNumberTaken(Conflict):
    """A parcel carries one order."""

    def __init__(self, *, carrier: str, tracking_number: str) -> None:
        super().__init__(
            "tracking-number-taken",
            f"{carrier} {tracking_number} already carries another order. Check the number on the parcel's label.",
            carrier=carrier,
            tracking_number=tracking_number,
        )


class PayRateNotFound(NotFound):
    """There is no such rate, or it was withdrawn."""

    def __init__(self, material: str) -> None:
        super().__init__(
            "pay-rate-not-found",
            f"There is no such rate of {material}; perhaps it was withdrawn already. Look at the rates again.",
            material=material,
        )


class PayRateInThePast(Invalid):
    """A rate holds from now on or later: what was earned is not computed anew."""

    def __init__(self, *, valid_from: datetime) -> None:
        super().__init__(
            "pay-rate-in-the-past",
            f"{valid_from.isoformat()} is over, and what was earned stays as it was. Name a later moment, or none: at once.",
            valid_from=valid_from.isoformat(),
        )


class PayRateTooFarAhead(Invalid):
    """Nobody plans pay for so long; a digit too many does."""

    def __init__(self, *, until: datetime) -> None:
        super().__init__(
            "pay-rate-too-far-ahead",
            f"A rate may be planned until {until.isoformat()}. Look at the year once more.",
            until=until.isoformat(),
        )


class PayRatePaysNothing(Invalid):
    """Work is paid for."""

    def __init__(self) -> None:
        super().__init__(
            "pay-rate-pays-nothing", "By this rate nothing would be paid at all. Enter what a piece or a gram pays."
        )


class PayRateMomentTaken(Conflict):
    """One rate begins at one moment."""

    def __init__(self, *, valid_from: datetime) -> None:
        super().__init__(
            "pay-rate-moment-taken",
            f"A rate of this material begins at {valid_from.isoformat()} already. Withdraw it first, or name another moment.",
            valid_from=valid_from.isoformat(),
        )


class PayRateBegan(Conflict):
    """A rate by which somebody may have earned is replaced by another one, and not withdrawn."""

    def __init__(self, *, valid_from: datetime) -> None:
        super().__init__(
            "pay-rate-began",
            f"This rate has held since {valid_from.isoformat()}, and somebody may have earned by it. Set a new one instead.",
            valid_from=valid_from.isoformat(),
        )


class PayRatesChanged(Stale):
    """Somebody changed the rates between what was shown and what was confirmed."""

    def __init__(self) -> None:
        super().__init__(
            "pay-rates-changed",
            "Somebody changed the rates meanwhile. Look at what yours means now, and confirm it again.",
        )


class WeightDoubtful(Conflict):
    """A weight that is hard to believe is written down when whoever weighed says it twice."""

    def __init__(self, *, doubts: tuple[str, ...], quoted_g: Decimal | None, cast_g: Decimal | None) -> None:
        super().__init__(
            "weight-doubtful",
            "This weight is unusual. Look at the scales once more; if it is so, send it again with `confirmed`.",
            doubts=[str(doubt) for doubt in doubts],
            quoted_g=None if quoted_g is None else str(quoted_g),
            cast_g=None if cast_g is None else str(cast_g),
        )


class WeighingRequired(Conflict):
    """Here a piece counts as made when its finished weight is known."""

    def __init__(self) -> None:
        super().__init__("weighing-required", "Weigh the finished piece and enter its weight; then it is made.")
