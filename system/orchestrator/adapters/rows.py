"""Orders between their rows and the domain, mapped by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from system.kernel.ids import bucket_of
from system.kernel.money import Money
from system.orchestrator.domain.order import (
    Cancellation,
    Consent,
    Contact,
    Delivery,
    Line,
    Note,
    Order,
    Policy,
    Transition,
)
from system.orchestrator.domain.saga import SagaRun, State, StepRun
from system.orchestrator.domain.status import Status, Who
from system.orchestrator.domain.work import Stage
from system.plumbing import telemetry


def order_values(order: Order, *, policy: Policy, now: datetime) -> dict[str, Any]:
    """The row of an order, without its id."""
    deadlines = order.deadlines(policy)
    money = order.agreed_total or order.total
    return {
        "number": order.number,
        "channel": order.channel,
        "customer_id": order.contact.customer_id,
        "customer_name": order.contact.name,
        "email": order.contact.email,
        "partner_reference": order.contact.partner_reference,
        "status": order.status.value,
        "status_since": order.status_since,
        "version": order.version,
        "promise_at": order.promise_at,
        "budget_until": deadlines.budget_until,
        "at_risk_from": deadlines.at_risk_from,
        "step_is_stuck": order.saga.is_stuck,
        "reason": order.reason,
        "agreed_total": order.agreed_total.amount if order.agreed_total else None,
        "total": order.total.amount if order.total else None,
        "currency": money.currency if money else None,
        "price_valid_until": order.price_valid_until,
        "approved_at": order.approved_at,
        "consent": _consent_json(order.consent),
        "cancellation": _cancellation_json(order.cancellation),
        "deliveries": [
            {"carrier": each.carrier, "tracking_number": each.tracking_number, "at": each.at.isoformat()}
            for each in order.deliveries
        ],
        "changed_at": now,
    }


def order_of(row: Row[Any], lines: tuple[Line, ...], saga: SagaRun, history: list[Transition]) -> Order:
    """The order of these rows."""
    return Order(
        order_id=row.order_id,
        number=row.number,
        channel=row.channel,
        contact=Contact(row.customer_id, row.customer_name, row.email, row.partner_reference),
        promise_at=row.promise_at,
        status=Status(row.status),
        status_since=row.status_since,
        version=row.version,
        loaded_version=row.version,
        loaded_status=Status(row.status),
        reason=row.reason,
        agreed_total=_money(row.agreed_total, row.currency),
        total=_money(row.total, row.currency),
        price_valid_until=row.price_valid_until,
        approved_at=row.approved_at,
        consent=_consent(row.consent),
        cancellation=_cancellation(row.cancellation),
        lines=lines,
        deliveries=tuple(
            Delivery(each["carrier"], each["tracking_number"], datetime.fromisoformat(each["at"]))
            for each in row.deliveries
        ),
        saga=saga,
        history=history,
    )


def line_of(row: Row[Any]) -> Line:
    """A line of its row."""
    return Line(
        line_id=row.line_id,
        kind=row.kind,
        title=row.title,
        material=row.material,
        quantity=row.quantity,
        quote_id=row.quote_id,
        agreed_total=Money(row.agreed_total, row.currency),
        ring_size=row.ring_size,
        file_id=row.file_id,
        sku=row.sku,
        total=_money(row.total, row.currency),
        weight_g=row.weight_g,
        stage=Stage(row.stage),
        held_by=row.held_by,
        carrier=row.carrier,
        tracking_number=row.tracking_number,
        extras=row.extras,
    )


def line_values(order_id: UUID, position: int, line: Line) -> dict[str, Any]:
    """The row of a line."""
    return {
        "order_id": order_id,
        "line_id": line.line_id,
        "position": position,
        "kind": line.kind,
        "title": line.title,
        "material": line.material,
        "quantity": line.quantity,
        "ring_size": line.ring_size,
        "file_id": line.file_id,
        "sku": line.sku,
        "quote_id": line.quote_id,
        "agreed_total": line.agreed_total.amount,
        "total": line.total.amount if line.total else None,
        "currency": line.agreed_total.currency,
        "weight_g": line.weight_g,
        "stage": int(line.stage),
        "held_by": line.held_by,
        "carrier": line.carrier,
        "tracking_number": line.tracking_number,
        "extras": line.extras,
    }


def run_of(row: Row[Any]) -> StepRun:
    """A step of the saga of its row."""
    return StepRun(row.name, State(row.state), row.attempts, row.since, row.deadline_at, row.first_attempt)


def transition_of(row: Row[Any]) -> Transition:
    """A step of the history of its row."""
    start = Status(row.from_status) if row.from_status else None
    end = Status(row.to_status)
    return Transition(row.seq, row.version, start, end, row.at, row.actor, row.reason, row.reason_code)


def run_values(order_id: UUID, run: StepRun) -> dict[str, Any]:
    """The row of a step of the saga."""
    return {
        "order_id": order_id,
        "name": run.name,
        "bucket": bucket_of(str(order_id)),
        "state": run.state.value,
        "attempts": run.attempts,
        "first_attempt": run.first_attempt,
        "since": run.since,
        "deadline_at": run.deadline_at,
    }


def transition_values(order_id: UUID, step: Transition) -> dict[str, Any]:
    """The row of a step of the history."""
    return {
        "order_id": order_id,
        "seq": step.seq,
        "version": step.version,
        "from_status": step.start.value if step.start else None,
        "to_status": step.end.value,
        "at": step.at,
        "actor": step.actor,
        "reason": step.reason,
        "reason_code": step.reason_code,
    }


def note_values(order_id: UUID, note: Note) -> dict[str, Any]:
    """The row of a note, in the trace of now."""
    return {
        "order_id": order_id,
        "kind": note.kind,
        "at": note.at,
        "title": note.title,
        "details": note.details,
        "traceparent": telemetry.current_traceparent(),
    }


def as_read(order: Order) -> Order:
    """The order as it would be read after having been stored: its moments are in UTC, whatever its senders' clocks are set to."""
    order.promise_at = _in_utc(order.promise_at)
    order.price_valid_until = _in_utc(order.price_valid_until) if order.price_valid_until else None
    order.approved_at = _in_utc(order.approved_at) if order.approved_at else None
    return order


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    return Money(amount, currency) if amount is not None and currency is not None else None


def _consent_json(consent: Consent | None) -> dict[str, Any] | None:
    if consent is None:
        return None
    return {
        "reasons": list(consent.reasons),
        "agreed_total": f"{consent.agreed_total.amount:.2f}",
        "total": f"{consent.total.amount:.2f}",
        "currency": consent.total.currency,
    }


def _consent(stored: dict[str, Any] | None) -> Consent | None:
    if stored is None:
        return None
    currency = stored["currency"]
    return Consent(
        tuple(stored["reasons"]), Money.of(stored["agreed_total"], currency), Money.of(stored["total"], currency)
    )


def _cancellation_json(wish: Cancellation | None) -> dict[str, Any] | None:
    if wish is None:
        return None
    return {
        "withdrawal_id": str(wish.withdrawal_id),
        "requested_by": wish.requested_by,
        "who": wish.who.value,
        "reason": wish.reason,
        "at": wish.at.isoformat(),
    }


def _cancellation(stored: dict[str, Any] | None) -> Cancellation | None:
    if stored is None:
        return None
    return Cancellation(
        UUID(stored["withdrawal_id"]),
        stored["requested_by"],
        Who(stored["who"]),
        stored["reason"],
        datetime.fromisoformat(stored["at"]),
    )
