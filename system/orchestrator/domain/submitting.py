"""From the cart to the seller's decision: what the customer, stock, pricing and the seller say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from system.kernel.money import Money
from system.orchestrator.domain.order import Consent, Contact, Line, Order, Policy
from system.orchestrator.domain.rules import consent_reasons
from system.orchestrator.domain.saga import Command, Fact
from system.orchestrator.domain.status import Status, Who


@dataclass(frozen=True, slots=True)
class Price:
    """The firm price of one line."""

    quote_id: UUID
    total: Money
    weight_g: Decimal | None
    valid_until: datetime
    remade_because: tuple[str, ...] = ()


def file_uploaded(order: Order, *, now: datetime) -> None:
    """The first model was attached."""
    if order.status is Status.INITIATED:
        order.move(Status.FILE_UPLOADED, actor=Who.CUSTOMER, now=now)
    elif order.ended_early:
        order.too_late("FileUploaded", now=now)
    else:
        order.repeated("FileUploaded", now=now)


def submitted(
    order: Order,
    *,
    contact: Contact,
    lines: tuple[Line, ...],
    agreed_total: Money,
    submitted_at: datetime,
    now: datetime,
    policy: Policy,
) -> None:
    """The customer pressed "order": the promise counts from now and the saga begins."""
    if order.ended_early:
        return order.too_late("OrderSubmitted", now=now)
    if order.status not in (Status.INITIATED, Status.FILE_UPLOADED):
        return order.repeated("OrderSubmitted", now=now)
    order.contact, order.lines, order.agreed_total = contact, lines, agreed_total
    order.promise_at = policy.budgets.promise_at(submitted_at)
    order.move(Status.SUBMITTED, actor=Who.CUSTOMER, now=now)
    order.advance(now=now, policy=policy)


def stock_reserved(order: Order, *, now: datetime, policy: Policy) -> None:
    """The goods are set aside. For an order that has ended they are put back at once."""
    if order.ended_early:
        order.too_late(Fact.STOCK_RESERVED, now=now, compensation="the goods are put back")
        order.send(Command.RELEASE_STOCK)
    elif order.saga.answered("reserve_stock", now):
        order.advance(now=now, policy=policy)
    else:
        order.repeated(Fact.STOCK_RESERVED, now=now)


def stock_refused(order: Order, *, sku: str, asked: int, available: int, now: datetime) -> None:
    """Not enough goods: the order ends, the customer reads why."""
    if order.ended_early:
        return order.too_late(Fact.STOCK_REFUSED, now=now, sku=sku)
    if not order.saga.refused("reserve_stock", now):
        return order.repeated(Fact.STOCK_REFUSED, now=now)
    end(
        order,
        Status.CANCELLED,
        actor=Who.STOCK,
        now=now,
        reason=f"Sold out: {asked} of {sku} were ordered, {available} are left.",
    )


def priced(
    order: Order, *, attempt: int, prices: Mapping[UUID, Price], total: Money, now: datetime, policy: Policy
) -> None:
    """Every line has a firm quote: the price holds, or the customer is asked."""
    if order.ended_early:
        return order.too_late(Fact.ORDER_PRICED, now=now, total=str(total))
    if set(prices) != {line.line_id for line in order.lines} or order.agreed_total is None:
        return order.note(
            "out_of_order", "A price came that does not cover the order's lines", now=now, total=str(total)
        )
    if not order.saga.counts("confirm_price", attempt) or not order.saga.answered("confirm_price", now):
        return order.repeated(Fact.ORDER_PRICED, now=now)
    order.lines = tuple(_with_price(line, prices[line.line_id]) for line in order.lines)
    order.total = total
    order.price_valid_until = min(price.valid_until for price in prices.values())
    remade = {why for price in prices.values() for why in price.remade_because}
    reasons = consent_reasons(agreed=order.agreed_total, total=total, remade_because=remade)
    order.consent = Consent(reasons, order.agreed_total, total) if reasons else None
    if order.consent is None:
        order.move(Status.PRICE_CALCULATED, actor=Who.PRICING, now=now)
    elif order.status is Status.SUBMITTED:
        order.move(Status.AWAITING_CUSTOMER, actor=Who.PRICING, now=now)
    else:
        order.touch()  # It waits for the customer already; now with another price.
    order.advance(now=now, policy=policy)


def unpriceable(order: Order, *, attempt: int, code: str, detail: str, now: datetime) -> None:
    """A line cannot be made or priced: the order ends, the customer reads why."""
    if order.ended_early:
        return order.too_late(Fact.ORDER_UNPRICEABLE, now=now, code=code)
    if not order.saga.counts("confirm_price", attempt) or not order.saga.refused("confirm_price", now):
        return order.repeated(Fact.ORDER_UNPRICEABLE, now=now)
    order.note("price_failed", detail, now=now, code=code)
    end(order, Status.PRICE_FAILED, actor=Who.PRICING, now=now, reason=detail, reason_code=code)


def price_accepted(order: Order, *, total: Money, accepted_at: datetime, now: datetime, policy: Policy) -> None:
    """The customer agreed. When the price has expired meanwhile it is confirmed once more, against what they agreed to."""
    if order.ended_early:
        return order.too_late(Fact.PRICE_ACCEPTED, now=now, total=str(total))
    if not order.saga.waits_for("agree_price"):
        return order.repeated(Fact.PRICE_ACCEPTED, now=now)
    if order.consent is None or order.consent.total != total:
        return order.note(
            "stale_consent", "The customer agreed to a price that is no longer the question", now=now, total=str(total)
        )
    order.agreed_total, order.consent = total, None
    order.lines = tuple(replace(line, agreed_total=line.total or line.agreed_total) for line in order.lines)
    if order.price_valid_until is not None and accepted_at > order.price_valid_until:
        order.touch()
        return order.send_all(order.saga.ask_again("confirm_price", now, policy.patience))
    order.saga.answered("agree_price", now)
    order.move(Status.PRICE_CALCULATED, actor=Who.CUSTOMER, now=now)
    order.advance(now=now, policy=policy)


def price_declined(order: Order, *, now: datetime) -> None:
    """The customer did not agree: the order ends."""
    if order.ended_early:
        return order.too_late(Fact.PRICE_DECLINED, now=now)
    if not order.saga.refused("agree_price", now):
        return order.repeated(Fact.PRICE_DECLINED, now=now)
    end(order, Status.CANCELLED, actor=Who.CUSTOMER, now=now, reason="The customer did not agree to the new price.")


def approved(order: Order, *, seller: str, approved_at: datetime, now: datetime, policy: Policy) -> None:
    """A seller confirmed the order: its work orders go to MES in the same transaction."""
    if order.approved_at is not None and not order.ended_early:
        return order.repeated(Fact.ORDER_APPROVED, now=now)
    if order.ended_early or not order.saga.answered("approve", now):
        return order.too_late(Fact.ORDER_APPROVED, now=now, seller=seller)
    order.approved_at = approved_at
    order.move(Status.MANUFACTURING_APPROVED, actor=f"{Who.SELLER} {seller}", now=now)
    order.advance(now=now, policy=policy)


def rejected(order: Order, *, seller: str, reason: str, now: datetime) -> None:
    """A seller refused the order: it ends, the customer reads why."""
    if not order.saga.waits_for("approve"):
        return order.too_late(Fact.ORDER_REJECTED, now=now, seller=seller, reason=reason)
    order.saga.refused("approve", now)
    end(order, Status.REJECTED, actor=f"{Who.SELLER} {seller}", now=now, reason=reason)


def end(
    order: Order, status: Status, *, actor: str, now: datetime, reason: str | None, reason_code: str | None = None
) -> None:
    """Ends the order early and undoes what its saga did, the last step first."""
    order.move(status, actor=actor, now=now, reason=reason, reason_code=reason_code)
    order.consent = order.cancellation = None
    undone = order.saga.compensate(now)
    if undone:
        names = [sending.command.value for sending in undone]
        order.note("compensated", f"Undone, the last step first: {', '.join(names)}", now=now, commands=names)
    order.send_all(undone)


def _with_price(line: Line, price: Price) -> Line:
    return replace(line, quote_id=price.quote_id, total=price.total, weight_g=price.weight_g)
