"""What MES and the carrier report: from the first claim to the delivered parcel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from system.kernel.ids import derived_id
from system.orchestrator.domain.order import Cancellation, Delivery, Line, Order, Policy
from system.orchestrator.domain.rules import all_parcels_delivered
from system.orchestrator.domain.saga import Command
from system.orchestrator.domain.status import RELEASED, Status, Who
from system.orchestrator.domain.work import STAGE_MOVES, Stage, WorkFact, status_of_stages


@dataclass(frozen=True, slots=True)
class Parcel:
    """What an operator handed to the carrier."""

    carrier: str
    tracking_number: str


def work_order_moved(
    order: Order,
    fact: WorkFact,
    *,
    work_order_id: UUID,
    operator: str,
    now: datetime,
    policy: Policy,
    parcel: Parcel | None = None,
    reason: str | None = None,
) -> None:
    """A work order moved; the order follows when its work orders together say so."""
    line = next((line for line in order.lines if line.work_order_id(order.order_id) == work_order_id), None)
    if line is None:
        return order.note(
            "out_of_order",
            f"{fact} names a work order that is not this order's",
            now=now,
            work_order=str(work_order_id),
        )
    if order.status not in RELEASED:
        return _came_too_late(order, fact, line, operator=operator, now=now, parcel=parcel)
    if fact is WorkFact.CLAIMED and line.stage is Stage.CLAIMED and line.held_by != operator:
        return _handed_over(order, line, operator=operator, now=now)
    move = STAGE_MOVES[fact]
    if line.stage is move.end:
        return order.repeated(fact, now=now)
    if line.stage not in move.start:
        return order.note(
            "out_of_order", f"{fact} came for a work order that is {line.stage.name}", now=now, operator=operator
        )
    moved = replace(line, stage=move.end, held_by=None if move.end is Stage.WAITING else operator)
    if parcel is not None:
        moved = replace(moved, carrier=parcel.carrier, tracking_number=parcel.tracking_number)
    order.lines = tuple(moved if other is line else other for other in order.lines)
    order.touch()
    status = status_of_stages(other.stage for other in order.lines)
    if status is not order.status:
        order.move(status, actor=f"{Who.OPERATOR} {operator}", now=now, reason=reason)
    if status is Status.SHIPPED:
        _shipped(order, now=now, policy=policy)


def delivered(order: Order, *, carrier: str, tracking_number: str, delivered_at: datetime, now: datetime) -> None:
    """The carrier reported a parcel. One that comes before SHIPPED is remembered and closes the order then."""
    known = {(delivery.carrier, delivery.tracking_number) for delivery in order.deliveries}
    if (carrier, tracking_number) in known:
        return order.repeated("ShipmentDelivered", now=now)
    order.deliveries = (*order.deliveries, Delivery(carrier, tracking_number, delivered_at))
    order.note(
        "delivered", f"{carrier} delivered parcel {tracking_number}", now=now, delivered_at=delivered_at.isoformat()
    )
    if order.ended_early:
        order.too_late("ShipmentDelivered", now=now, carrier=carrier, tracking_number=tracking_number)
    elif order.status is Status.SHIPPED:
        _close_when_all_arrived(order, now=now)


def _handed_over(order: Order, line: Line, *, operator: str, now: datetime) -> None:
    """Claimed again without a return between: another operator makes it now, and the order is where it was."""
    order.note("handed_over", f"{operator} makes it now", now=now, held_by_before=line.held_by)
    order.lines = tuple(replace(line, held_by=operator) if other is line else other for other in order.lines)
    order.touch()


def _shipped(order: Order, *, now: datetime, policy: Policy) -> None:
    if order.cancellation is not None:
        order.note("cancellation_refused", "It was shipped before the cancellation was decided", now=now)
        order.saga.undo_decided("release_work_orders", accepted=False, now=now)
        order.cancellation = None
    order.saga.answered("make_and_ship", now)
    order.advance(now=now, policy=policy)
    _close_when_all_arrived(order, now=now)


def _close_when_all_arrived(order: Order, *, now: datetime) -> None:
    parcels = [(line.carrier or "", line.tracking_number or "") for line in order.lines]
    if all_parcels_delivered(parcels, [(delivery.carrier, delivery.tracking_number) for delivery in order.deliveries]):
        order.saga.answered("deliver", now)
        order.move(Status.CLOSED, actor=Who.CARRIER, now=now)


def _came_too_late(
    order: Order, fact: WorkFact, line: Line, *, operator: str, now: datetime, parcel: Parcel | None
) -> None:
    """MES went on with an order that moves no more: a claim is taken back, a parcel has to be called back by a person."""
    if not order.ended_early:
        if order.status in (Status.SHIPPED, Status.CLOSED) and fact not in (WorkFact.RETURNED, WorkFact.REWORK):
            return order.repeated(fact, now=now)
        return order.note("out_of_order", f"{fact} came when the order was {order.status}", now=now, operator=operator)
    if fact is WorkFact.CLAIMED:
        order.too_late(fact, now=now, operator=operator, compensation="the work order is withdrawn")
        withdrawal_id = derived_id(order.order_id, f"late-claim:{line.line_id}")
        wish = Cancellation(withdrawal_id, "orchestrator", Who.SELLER, f"The order is {order.status}.", now)
        return order.send(Command.WITHDRAW_WORK_ORDERS, cancellation=wish)
    if parcel is not None:
        todo = f"Call parcel {parcel.tracking_number} back from {parcel.carrier}: the order is {order.status}."
        return order.too_late(fact, now=now, operator=operator, what_to_do=todo)
    order.too_late(fact, now=now, operator=operator)
