"""The shop's facts in the published language. Nothing is decided here."""

from __future__ import annotations

from system.messages import shop_v1
from system.messages.envelope import MoneyV1
from system.messages.orchestrator_v1 import OrderChanged
from system.shop.application.views import extras_view
from system.shop.domain.order import Line, Order
from system.shop.domain.progress import Moment, Parcel, PriceQuestion, Progress
from system.shop.domain.status import Status


def order_initiated(order: Order) -> shop_v1.OrderInitiated:
    """A customer started an order."""
    return shop_v1.OrderInitiated(
        order_id=order.id,
        number=order.number,
        channel=order.channel.value,
        customer_id=order.customer_id,
        initiated_at=order.created_at,
    )


def file_uploaded(order: Order, line: Line) -> shop_v1.FileUploaded:
    """The first model came with this line. Raises ValueError for a line without a model."""
    if line.file_id is None:
        raise ValueError(f"line {line.id} has no model")
    return shop_v1.FileUploaded(order_id=order.id, line_id=line.id, file_id=line.file_id)


def order_submitted(order: Order) -> shop_v1.OrderSubmitted:
    """The whole content of a submitted order. Raises ValueError for a cart."""
    if order.terms is None or order.submitted_at is None:
        raise ValueError(f"order {order.number} is not submitted")
    terms = order.terms
    return shop_v1.OrderSubmitted(
        order_id=order.id,
        number=order.number,
        channel=order.channel.value,
        customer=shop_v1.Customer(
            id=order.customer_id,
            name=terms.customer.name,
            email=terms.customer.email,
            phone=terms.customer.phone,
            language=terms.customer.language,
        ),
        delivery=shop_v1.Delivery(
            recipient=terms.delivery.recipient,
            address=terms.delivery.address,
            city=terms.delivery.city,
            postcode=terms.delivery.postcode,
            country=terms.delivery.country,
        ),
        lines=tuple(_line(line, order) for line in order.lines),
        agreed_total=MoneyV1.of(terms.agreed_total),
        submitted_at=order.submitted_at,
        partner_reference=terms.partner_reference,
    )


def _line(line: Line, order: Order) -> shop_v1.OrderLine:
    if line.agreed_total is None or order.terms is None:
        raise ValueError(f"line {line.id} has no agreed total")
    return shop_v1.OrderLine(
        line_id=line.id,
        kind=line.kind.value,
        title=line.title.in_language(order.terms.customer.language),
        material=line.material,
        quantity=line.quantity,
        quote_id=line.quote_id,
        agreed_total=MoneyV1.of(line.agreed_total),
        ring_size=line.ring_size,
        file_id=line.file_id,
        sku=line.sku,
        extras=extras_view(line.extras),
    )


def progress_of(message: OrderChanged) -> Progress:
    """What the orchestrator said, in the shop's words."""
    question = message.consent
    return Progress(
        version=message.version,
        status=Status(message.status.value),
        status_since=message.status_since,
        promise_at=message.promise_at,
        reason=message.reason,
        reason_code=message.reason_code,
        cancellation_requested=message.cancellation_requested,
        total=message.total.money() if message.total else None,
        line_totals={line.line_id: line.total.money() for line in message.lines},
        question=PriceQuestion(tuple(question.reasons), question.agreed_total.money(), question.total.money())
        if question
        else None,
        parcels=tuple(Parcel(parcel.carrier, parcel.tracking_number) for parcel in message.shipments),
        history=tuple(Moment(Status(step.to_status.value), step.at) for step in message.history),
    )
