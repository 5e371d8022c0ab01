"""Between the domain's order and the published language. Nothing is decided here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from system.kernel.money import Money
from system.messages import orchestrator_v1 as out
from system.messages.envelope import ExtrasV1, Message, MoneyV1
from system.messages.shop_v1 import OrderLine
from system.orchestrator.domain.order import Cancellation, Line, Order, Outgoing, Policy
from system.orchestrator.domain.saga import Command
from system.orchestrator.domain.status import Status, Who, allowed_from


def order_changed(order: Order, policy: Policy) -> out.OrderChanged:
    """The whole state of the order for every reader."""
    return out.OrderChanged(
        order_id=order.order_id,
        number=order.number,
        version=order.version,
        status=_status(order.status),
        status_since=order.status_since,
        promise_at=order.promise_at,
        budget_until=order.deadlines(policy).budget_until,
        allowed=tuple(_status(status) for status in allowed_from(order.status)),
        reason=order.reason,
        reason_code=order.reason_code,
        cancellation_requested=order.cancellation is not None,
        total=_money(order.total),
        lines=tuple(_priced(line) for line in order.lines if line.total is not None),
        consent=_consent(order),
        shipments=_shipments(order),
        history=tuple(
            out.Transition(
                version=step.version,
                from_status=_status(step.start) if step.start else None,
                to_status=_status(step.end),
                at=step.at,
                actor=step.actor,
                reason=step.reason,
                reason_code=step.reason_code,
            )
            for step in order.history
        ),
    )


def command_message(order: Order, outgoing: Outgoing) -> Message | None:
    """The message that carries a command; None for a command that no message carries (the payment's)."""
    match outgoing.command:
        case Command.RESERVE_STOCK:
            return out.ReserveStock(order_id=order.order_id, items=_stock_items(order))
        case Command.RELEASE_STOCK:
            return out.ReleaseStock(order_id=order.order_id)
        case Command.PRICE_ORDER:
            return out.PriceOrder(order_id=order.order_id, attempt=outgoing.attempt, lines=_quoted(order))
        case Command.RELEASE_WORK_ORDERS:
            return _release(order)
        case Command.WITHDRAW_WORK_ORDERS:
            return _withdraw(order.order_id, outgoing.cancellation)
        case _:
            return None


def line_of(published: OrderLine) -> Line:
    """A line as the shop published it."""
    return Line(
        line_id=published.line_id,
        kind=published.kind,
        title=published.title,
        material=published.material,
        quantity=published.quantity,
        quote_id=published.quote_id,
        agreed_total=published.agreed_total.money(),
        ring_size=published.ring_size,
        file_id=published.file_id,
        sku=published.sku,
        extras=published.extras.model_dump(mode="json") if published.extras else None,
    )


def summary(order: Order) -> dict[str, Any]:
    """The order as an HTTP command answers it."""
    return {
        "order_id": str(order.order_id),
        "number": order.number,
        "status": order.status.value,
        "version": order.version,
        "cancellation_requested": order.cancellation is not None,
        "reason": order.reason,
        "allowed": [status.value for status in allowed_from(order.status)],
    }


_STATUSES = {status: out.OrderStatus(status.value) for status in Status}


def _status(status: Status) -> out.OrderStatus:
    return _STATUSES[status]


def _money(money: Money | None) -> MoneyV1 | None:
    return MoneyV1.of(money) if money is not None else None


def _priced(line: Line) -> out.PricedLine:
    assert line.total is not None
    return out.PricedLine(
        line_id=line.line_id, quote_id=line.quote_id, total=MoneyV1.of(line.total), weight_g=line.weight_g
    )


def _consent(order: Order) -> out.Consent | None:
    if order.consent is None:
        return None
    return out.Consent.model_validate(
        {
            "reasons": order.consent.reasons,
            "agreed_total": MoneyV1.of(order.consent.agreed_total),
            "total": MoneyV1.of(order.consent.total),
        }
    )


def _shipments(order: Order) -> tuple[out.Shipment, ...]:
    return tuple(
        out.Shipment(
            work_order_id=line.work_order_id(order.order_id), carrier=line.carrier, tracking_number=line.tracking_number
        )
        for line in order.lines
        if line.carrier is not None and line.tracking_number is not None
    )


def _stock_items(order: Order) -> tuple[out.StockItem, ...]:
    wanted: dict[str, int] = {}
    for line in order.lines:
        if line.kind == "ready_made" and line.sku is not None:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return tuple(out.StockItem(sku=sku, quantity=quantity) for sku, quantity in wanted.items())


def _quoted(order: Order) -> tuple[out.QuotedLine, ...]:
    return tuple(
        out.QuotedLine(line_id=line.line_id, quote_id=line.quote_id, agreed_total=MoneyV1.of(line.agreed_total))
        for line in order.lines
    )


def _release(order: Order) -> out.ReleaseWorkOrders:
    return out.ReleaseWorkOrders(
        order_id=order.order_id,
        number=order.number,
        channel=order.channel,
        approved_at=order.approved_at or order.status_since,
        promise_at=order.promise_at,
        work_orders=tuple(
            out.WorkOrderSpec(
                work_order_id=line.work_order_id(order.order_id),
                line_id=line.line_id,
                title=line.title,
                kind=line.kind,
                material=line.material,
                quantity=line.quantity,
                ring_size=line.ring_size,
                file_id=line.file_id,
                sku=line.sku,
                weight_g=line.weight_g,
                extras=ExtrasV1.model_validate(line.extras) if line.extras else None,
            )
            for line in order.lines
        ),
    )


def _withdraw(order_id: UUID, wish: Cancellation | None) -> out.WithdrawWorkOrders:
    if wish is None:
        raise AssertionError("work orders are withdrawn on somebody's wish")
    return out.WithdrawWorkOrders(
        order_id=order_id,
        withdrawal_id=wish.withdrawal_id,
        requested_by=wish.requested_by,
        by_seller=wish.who is Who.SELLER,
        reason=wish.reason,
    )
