"""Between rows and the domain's objects, by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from system.kernel.money import Money
from system.shop.domain.catalogue import Product, Title
from system.shop.domain.order import Channel, ConsentAnswer, Customer, Delivery, Line, LineKind, Order, Terms
from system.shop.domain.progress import Moment, Parcel, PriceQuestion, Progress
from system.shop.domain.quote import Engraving, Extras
from system.shop.domain.status import Status


def order_row(order: Order, *, changed_at: datetime) -> dict[str, Any]:
    """The columns of an order that may change, its id and what never changes left out."""
    terms, answer = order.terms, order.consent_answer
    return {
        "revision": order.revision,
        "changed_at": changed_at,
        "model_attached_at": order.model_attached_at,
        "submitted_at": order.submitted_at,
        "cancelled_at": order.cancelled_at,
        "agreed_amount": terms.agreed_total.amount if terms else None,
        "agreed_currency": terms.agreed_total.currency if terms else None,
        "partner_reference": terms.partner_reference if terms else None,
        "customer": _customer_json(terms.customer) if terms else None,
        "delivery": _delivery_json(terms.delivery) if terms else None,
        "consent_asked_at": answer.asked_at if answer else None,
        "consent_accepted": answer.accepted if answer else None,
        "consent_amount": answer.total.amount if answer else None,
        "consent_currency": answer.total.currency if answer else None,
        "consent_at": answer.at if answer else None,
    }


def order_of(row: Any, lines: Iterable[Any]) -> Order:
    """The order of a row of `orders` joined with `order_progress.state`, and its line rows in order."""
    return Order(
        id=row.id,
        number=row.number,
        channel=Channel(row.channel),
        customer_id=row.customer_id,
        created_at=row.created_at,
        revision=row.revision,
        lines=tuple(line_of(line) for line in lines),
        model_attached_at=row.model_attached_at,
        terms=_terms(row),
        submitted_at=row.submitted_at,
        consent_answer=_answer(row),
        cancelled_at=row.cancelled_at,
        progress=progress_of(row.state) if row.state is not None else None,
    )


def _terms(row: Any) -> Terms | None:
    if row.submitted_at is None:
        return None
    return Terms(
        customer=Customer(**row.customer),
        delivery=Delivery(**row.delivery),
        agreed_total=Money(row.agreed_amount, row.agreed_currency),
        partner_reference=row.partner_reference,
    )


def _answer(row: Any) -> ConsentAnswer | None:
    if row.consent_at is None:
        return None
    return ConsentAnswer(
        asked_at=row.consent_asked_at,
        accepted=row.consent_accepted,
        total=Money(row.consent_amount, row.consent_currency),
        at=row.consent_at,
    )


def _customer_json(customer: Customer) -> dict[str, Any]:
    return {
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "language": customer.language,
    }


def _delivery_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "recipient": delivery.recipient,
        "address": delivery.address,
        "city": delivery.city,
        "postcode": delivery.postcode,
        "country": delivery.country,
    }


def line_row(line: Line, *, order_id: UUID) -> dict[str, Any]:
    """A row of `order_line`."""
    return {
        "id": line.id,
        "order_id": order_id,
        "kind": line.kind.value,
        "title_ru": line.title.ru,
        "title_en": line.title.en,
        "material": line.material,
        "quantity": line.quantity,
        "quote_id": line.quote_id,
        "ring_size": line.ring_size,
        "file_id": line.file_id,
        "sku": line.sku,
        "agreed_amount": line.agreed_total.amount if line.agreed_total else None,
        "agreed_currency": line.agreed_total.currency if line.agreed_total else None,
        "extras": extras_json(line.extras),
    }


def extras_json(extras: Extras | None) -> dict[str, Any] | None:
    """Extras as `order_line.extras` keeps them, of the shape that messages have."""
    if extras is None:
        return None
    engraving = extras.engraving
    return {
        "stones": dict(extras.stones),
        "plating": extras.plating,
        "engraving": {"text": engraving.text, "height_mm": engraving.height_mm} if engraving else None,
    }


def extras_of(data: dict[str, Any] | None) -> Extras | None:
    """Reads back what `extras_json` wrote."""
    if data is None:
        return None
    engraving = data["engraving"]
    return Extras(
        stones=data["stones"],
        plating=data["plating"],
        engraving=Engraving(engraving["height_mm"], engraving["text"]) if engraving else None,
    )


def line_of(row: Any) -> Line:
    """The line of a row of `order_line`."""
    return Line(
        id=row.id,
        kind=LineKind(row.kind),
        title=Title(ru=row.title_ru, en=row.title_en),
        material=row.material,
        quantity=row.quantity,
        quote_id=row.quote_id,
        ring_size=row.ring_size,
        file_id=row.file_id,
        sku=row.sku,
        agreed_total=Money(row.agreed_amount, row.agreed_currency) if row.agreed_amount is not None else None,
        extras=extras_of(row.extras),
    )


def product_of(row: Any) -> Product:
    """The good of a row of `product` joined with `stock.available`."""
    return Product(
        sku=row.sku,
        title=Title(ru=row.title_ru, en=row.title_en),
        material=row.material,
        ring_sizes=tuple(row.ring_sizes),
        in_stock=row.available or 0,
        design=row.design or row.sku,
        kind=row.kind,
        about=Title(ru=row.about_ru, en=row.about_en),
    )


def progress_json(progress: Progress) -> dict[str, Any]:
    """The orchestrator's word as `order_progress.state` keeps it."""
    question = progress.question
    return {
        "version": progress.version,
        "status": progress.status.value,
        "status_since": progress.status_since.isoformat(),
        "promise_at": progress.promise_at.isoformat(),
        "reason": progress.reason,
        "reason_code": progress.reason_code,
        "cancellation_requested": progress.cancellation_requested,
        "total": _money_json(progress.total) if progress.total else None,
        "line_totals": {str(line_id): _money_json(total) for line_id, total in progress.line_totals.items()},
        "question": {
            "reasons": list(question.reasons),
            "agreed_total": _money_json(question.agreed_total),
            "total": _money_json(question.total),
        }
        if question
        else None,
        "parcels": [[parcel.carrier, parcel.tracking_number] for parcel in progress.parcels],
        "history": [[moment.status.value, moment.at.isoformat()] for moment in progress.history],
    }


def progress_of(state: dict[str, Any]) -> Progress:
    """Reads back what `progress_json` wrote."""
    question = state["question"]
    return Progress(
        version=state["version"],
        status=Status(state["status"]),
        status_since=datetime.fromisoformat(state["status_since"]),
        promise_at=datetime.fromisoformat(state["promise_at"]),
        reason=state["reason"],
        # The release before this one wrote none.
        reason_code=state.get("reason_code"),
        cancellation_requested=state["cancellation_requested"],
        total=_money_of(state["total"]) if state["total"] else None,
        line_totals={UUID(line_id): _money_of(total) for line_id, total in state["line_totals"].items()},
        question=PriceQuestion(
            reasons=tuple(question["reasons"]),
            agreed_total=_money_of(question["agreed_total"]),
            total=_money_of(question["total"]),
        )
        if question
        else None,
        parcels=tuple(Parcel(carrier, tracking_number) for carrier, tracking_number in state["parcels"]),
        history=tuple(Moment(Status(status), datetime.fromisoformat(at)) for status, at in state["history"]),
    )


def _money_json(money: Money) -> list[str]:
    return [f"{money.amount:.2f}", money.currency]


def _money_of(pair: list[str]) -> Money:
    return Money(Decimal(pair[0]), pair[1])
