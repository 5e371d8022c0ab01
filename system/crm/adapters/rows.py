"""Between rows and CRM's domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from system.crm.domain.care import Note, Reminder, Subject
from system.crm.domain.escalation import Escalation, Level
from system.crm.domain.letter import Letter, Side
from system.crm.domain.parcel import CarrierEvent, Shipment
from system.crm.domain.sales_order import Assignment, Content, Decision, DecisionKind, SalesOrder, Seller
from system.kernel.money import Money


def sales_order_from(row: Mapping[Any, Any]) -> SalesOrder:
    """The domain's order from a row of its table."""
    return SalesOrder(
        order_id=row["order_id"],
        number=row["number"],
        opened_at=row["opened_at"],
        version=row["version"],
        status=row["status"],
        status_since=row["status_since"],
        promise_at=row["promise_at"],
        budget_until=row["budget_until"],
        allowed=tuple(row["allowed"]),
        reason=row["reason"],
        cancellation_requested=row["cancellation_requested"],
        total=Money(row["total"], row["total_currency"]) if row["total"] is not None else None,
        priced_lines=tuple(row["priced_lines"]),
        consent=row["consent"],
        shipments=tuple(row["shipments"]),
        history=tuple(row["history"]),
        content=_content(row),
        decision=_decision(row),
        waits_for_customer_since=row["waits_for_customer_since"],
        escalated=(
            Escalation(Level(row["escalation"]), row["escalated_at"], row["escalated_wait"])
            if row["escalation"] is not None
            else None
        ),
        assignment=(
            Assignment(Seller(row["taken_by"], row["taken_by_name"]), row["taken_at"])
            if row["taken_by"] is not None
            else None
        ),
    )


def note_from(row: Mapping[Any, Any]) -> Note:
    """The domain's note from a row."""
    author = Seller(row["author_id"], row["author_name"])
    return Note(row["note_id"], _subject(row), author, row["text"], row["at"], row["corrects"])


def reminder_from(row: Mapping[Any, Any]) -> Reminder:
    """The domain's reminder from a row."""
    return Reminder(
        id=row["reminder_id"],
        about=_subject(row),
        text=row["text"],
        due_at=row["due_at"],
        for_whom=_seller(row["for_id"], row["for_name"]),
        made_by=_seller(row["made_by"], row["made_by_name"]),
        made_at=row["made_at"],
        version=row["version"],
        done_by=_seller(row["done_by"], row["done_by_name"]),
        done_at=row["done_at"],
    )


def letter_from(row: Mapping[Any, Any]) -> Letter:
    """The domain's letter from a row."""
    return Letter(row["letter_id"], row["order_id"], Side(row["side"]), row["author"], row["text"], row["at"])


def carrier_event_from(row: Mapping[Any, Any]) -> CarrierEvent:
    """The domain's carrier message from a row."""
    return CarrierEvent(
        webhook_id=row["webhook_id"],
        carrier=row["carrier"],
        tracking_number=row["tracking_number"],
        event=row["event"],
        occurred_at=row["occurred_at"],
        received_at=row["received_at"],
        body=row["body"],
    )


def shipment_from(row: Mapping[Any, Any]) -> Shipment:
    """The domain's shipment from a row."""
    return Shipment(row["order_id"], row["work_order_id"], row["carrier"], row["tracking_number"])


def _subject(row: Mapping[Any, Any]) -> Subject:
    return Subject(order_id=row["order_id"], customer_id=row["customer_id"])


def _seller(seller_id: UUID | None, name: str | None) -> Seller | None:
    return Seller(seller_id, name or "") if seller_id is not None else None


def _content(row: Mapping[Any, Any]) -> Content | None:
    if row["submitted_at"] is None:
        return None
    return Content(
        channel=row["channel"],
        customer=row["customer"],
        delivery=row["delivery"],
        lines=tuple(row["lines"]),
        agreed_total=Money(row["agreed_total"], row["agreed_currency"]),
        submitted_at=row["submitted_at"],
        partner_reference=row["partner_reference"],
    )


def _decision(row: Mapping[Any, Any]) -> Decision | None:
    if row["decision"] is None:
        return None
    seller = Seller(row["decided_by"], row["decided_by_name"])
    return Decision(DecisionKind(row["decision"]), seller, row["decided_at"], row["decision_reason"])
