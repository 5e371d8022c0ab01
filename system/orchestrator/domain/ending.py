"""Ending an order on request: cancelling it, closing it by hand; and looking after steps that nobody answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from system.kernel.ids import derived_id
from system.orchestrator.domain.errors import NothingToResend, TransitionNotAllowed
from system.orchestrator.domain.order import Cancellation, Order, Policy
from system.orchestrator.domain.rules import cancellation_is_allowed, closure_is_allowed
from system.orchestrator.domain.saga import UNDO_WAITING, WAITING, Command, Sending
from system.orchestrator.domain.status import RELEASED, Status, Who
from system.orchestrator.domain.submitting import end

RELEASE = "release_work_orders"


class CancellationAnswer(StrEnum):
    """What the caller is told at once."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"


def cancel(
    order: Order, *, who: Who, actor: str, reason: str | None, now: datetime, policy: Policy
) -> CancellationAnswer:
    """Cancels at once, or asks MES for the work orders once they are released. Raises TransitionNotAllowed."""
    if order.status is Status.CANCELLED:
        return CancellationAnswer.CANCELLED
    if not cancellation_is_allowed(order.status, who):
        raise TransitionNotAllowed(status=order.status, wanted=Status.CANCELLED, who=who)
    if order.status not in RELEASED:
        end(order, Status.CANCELLED, actor=actor, now=now, reason=reason)
        return CancellationAnswer.CANCELLED
    pending = order.cancellation
    if pending is not None and (pending.who is Who.SELLER or who is Who.CUSTOMER):
        return CancellationAnswer.REQUESTED  # The same or a stronger wish is with MES already.
    order.touch()
    withdrawal_id = derived_id(order.order_id, f"withdrawal:{who}:{order.version}")
    order.cancellation = Cancellation(withdrawal_id, actor, who, reason, now)
    order.saga.ask_undo(RELEASE, now, policy.patience)
    order.note("cancellation_requested", f"{actor} wants to cancel; MES decides", now=now, reason=reason)
    order.send(Command.WITHDRAW_WORK_ORDERS, cancellation=order.cancellation)
    return CancellationAnswer.REQUESTED


def withdrawal_decided(
    order: Order, *, withdrawal_id: UUID, accepted: bool, held_by: str | None, now: datetime
) -> None:
    """MES took the work orders back, or somebody is making one. Whoever asked, work orders taken back end the order."""
    pending = order.cancellation
    if order.status not in RELEASED:
        if order.status is Status.CANCELLED and accepted:
            return order.repeated("WithdrawalDecided", now=now)
        return order.too_late("WithdrawalDecided", now=now, accepted=accepted, held_by=held_by)
    if accepted:
        order.saga.undo_decided(RELEASE, accepted=True, now=now)
        actor = pending.requested_by if pending else Who.OPERATOR
        return end(order, Status.CANCELLED, actor=actor, now=now, reason=pending.reason if pending else None)
    if pending is None or pending.withdrawal_id != withdrawal_id:
        return order.repeated("WithdrawalDecided", now=now)
    order.saga.undo_decided(RELEASE, accepted=False, now=now)
    order.cancellation = None
    order.reason = f"The cancellation was refused: {held_by or 'an operator'} is already making it."
    order.note("cancellation_refused", order.reason, now=now, requested_by=pending.requested_by, held_by=held_by)
    order.touch()


def close(order: Order, *, actor: str, reason: str | None, now: datetime) -> None:
    """A seller closes a shipped order by hand. Closing a closed one changes nothing. Raises TransitionNotAllowed."""
    if order.status is Status.CLOSED:
        return
    if not closure_is_allowed(order.status):
        raise TransitionNotAllowed(status=order.status, wanted=Status.CLOSED, who=Who.SELLER)
    order.saga.answered("deliver", now)
    order.move(Status.CLOSED, actor=actor, now=now, reason=reason)


def step_overdue(order: Order, name: str, *, now: datetime, policy: Policy) -> None:
    """A step's deadline passed: its command goes out again, or people are told that nobody answers."""
    run = order.saga.runs.get(name)
    if run is None or run.deadline_at is None or run.deadline_at > now or run.state not in WAITING | UNDO_WAITING:
        return  # It was answered while the timer was on its way.
    sending = order.saga.overdue(name, now, policy.patience)
    if sending is None:
        return order.note("stuck", f"Nobody answered {name} after {run.attempts} attempts", now=now, step=name)
    _send_again(order, name, sending, now=now)


def resend(order: Order, *, actor: str, now: datetime, policy: Policy) -> None:
    """A person sends the commands of every waiting step once more. Raises NothingToResend."""
    waiting = [run for run in order.saga.runs.values() if run.state in WAITING | UNDO_WAITING]
    sent = [(run.name, order.saga.resend(run.name, now, policy.patience)) for run in waiting]
    sendings = [(name, sending) for name, sending in sent if sending is not None]
    if not sendings:
        raise NothingToResend(order.number)
    for name, sending in sendings:
        _send_again(order, name, sending, now=now, actor=actor)


def _send_again(order: Order, name: str, sending: Sending, *, now: datetime, actor: str = "orchestrator") -> None:
    withdrawal = order.cancellation if sending.command is Command.WITHDRAW_WORK_ORDERS else None
    order.note(
        "resent",
        f"{name} was asked again, attempt {sending.attempt}",
        now=now,
        step=name,
        attempt=sending.attempt,
        actor=actor,
    )
    order.send(sending.command, attempt=sending.attempt, cancellation=withdrawal)
