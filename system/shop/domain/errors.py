"""What the shop refuses.

Refused
├── NotFound    OrderNotFound, LineNotFound, ProductNotFound, FileNotFound, QuoteNotFound
├── Invalid     QuantityRefused, RingSizeRefused
├── Stale       OrderWasChanged
├── Conflict    OrderAlreadySubmitted, OrderHasEnded, OrderIsEmpty, OrderNotSubmitted, OrderIsFull, FileNotVerified, QuoteDoesNotFit,
│               NotForSale, PriceNotReady, PriceFailed, PriceChanged, NothingToConsentTo, ConsentAlreadyGiven, CancellationRefused,
│               CareRefused
└── Refused     ReservationWithdrawn, OrderUnknownHere (a message that cannot apply: recorded, not retried)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from system.kernel.errors import Conflict, Invalid, NotFound, Refused, Stale
from system.kernel.money import Money


def wire(money: Money) -> dict[str, str]:
    """Money as an API shows it."""
    return {"amount": f"{money.amount:.2f}", "currency": money.currency}


class OrderNotFound(NotFound):
    """There is no such order, or it is somebody else's."""

    def __init__(self, order_id: UUID) -> None:
        super().__init__("order-not-found", f"You have no order {order_id}. Your orders are at /api/shop/v1/orders.")


class LineNotFound(NotFound):
    """The order has no such line."""

    def __init__(self, line_id: UUID) -> None:
        super().__init__("line-not-found", f"This order has no line {line_id}. Read the order again.")


class ProductNotFound(NotFound):
    """The catalogue has no such good."""

    def __init__(self, sku: str) -> None:
        super().__init__("product-not-found", f"The catalogue has no {sku!r}. See /api/shop/v1/products.", sku=sku)


class FileNotFound(NotFound):
    """There is no such model, or it is somebody else's."""

    def __init__(self, file_id: UUID) -> None:
        super().__init__(
            "file-not-found", f"You have no uploaded model {file_id}. Upload one first.", file_id=str(file_id)
        )


class QuoteNotFound(NotFound):
    """There is no such quote, or it is somebody else's."""

    def __init__(self, quote_id: UUID) -> None:
        super().__init__("quote-not-found", f"You have no quote {quote_id}. Ask for one first.", quote_id=str(quote_id))


class QuantityRefused(Invalid):
    """Not a number of pieces that one line can hold."""

    def __init__(self, quantity: int, *, at_most: int) -> None:
        super().__init__(
            "quantity-refused",
            f"A line holds 1 to {at_most} pieces, not {quantity}.",
            quantity=quantity,
            at_most=at_most,
        )


class RingSizeRefused(Invalid):
    """The good does not come in this size."""

    def __init__(self, sku: str, ring_size: str | None, sizes: tuple[str, ...]) -> None:
        wanted = "a ring size" if ring_size is None else f"size {ring_size}"
        can = f"Choose one of {', '.join(sizes)}." if sizes else "It has no ring size; leave it out."
        missing = "needs" if ring_size is None else "does not come in"
        super().__init__("ring-size-refused", f"{sku} {missing} {wanted}. {can}", ring_sizes=list(sizes))


class OrderWasChanged(Stale):
    """The caller decided on an older state of the order."""

    def __init__(self) -> None:
        super().__init__(
            "order-was-changed", "The order changed since you read it. Read it again and repeat the request."
        )


class OrderAlreadySubmitted(Conflict):
    """A submitted order's content stays as it is."""

    def __init__(self, *, status: str, allowed: tuple[str, ...]) -> None:
        super().__init__(
            "order-already-submitted",
            "This order was submitted already; its content and terms stay as they are. Start a new order for more.",
            order_status=status,
            allowed=list(allowed),
        )


class OrderHasEnded(Conflict):
    """Nothing more happens to this order."""

    def __init__(self, *, status: str) -> None:
        super().__init__(
            "order-has-ended", f"This order is {status}. Start a new one.", order_status=status, allowed=[]
        )


class OrderIsEmpty(Conflict):
    """Nothing to order."""

    def __init__(self) -> None:
        super().__init__("empty-order", "There is nothing in this order yet. Add a line, then submit it.")


class OrderNotSubmitted(Conflict):
    """Nobody looks after a cart yet."""

    def __init__(self) -> None:
        super().__init__(
            "order-not-submitted", "This order is not submitted yet. Submit it, then write to us about it."
        )


class OrderIsFull(Conflict):
    """The order has as many lines as an order may have."""

    def __init__(self, *, at_most: int) -> None:
        super().__init__(
            "order-is-full",
            f"An order holds at most {at_most} lines. Submit this one and start another.",
            at_most=at_most,
        )


class FileNotVerified(Conflict):
    """The model was not, or could not be, verified."""

    def __init__(self, file_id: UUID, status: str) -> None:
        super().__init__(
            "file-not-verified",
            f"The model is {status}. Complete its upload, or upload another one.",
            file_id=str(file_id),
            file_status=status,
        )


class QuoteDoesNotFit(Conflict):
    """The quote promises the price of something else."""

    def __init__(self, differences: Mapping[str, tuple[Any, Any]]) -> None:
        parts = [f"{name}: the line says {line}, the quote {quote}" for name, (line, quote) in differences.items()]
        super().__init__(
            "quote-does-not-fit",
            f"The quote is for something else ({'; '.join(parts)}). Ask for a quote for exactly this line.",
            differences={
                name: {
                    "line": str(line) if line is not None else None,
                    "quote": str(quote) if quote is not None else None,
                }
                for name, (line, quote) in differences.items()
            },
        )


class NotForSale(Conflict):
    """Pricing has no price for this good."""

    def __init__(self, sku: str, *, detail: str) -> None:
        super().__init__("not-for-sale", f"{sku} cannot be ordered now: {detail}", sku=sku)


class PriceNotReady(Conflict):
    """Neither an estimate nor a firm price exists yet."""

    def __init__(self, line_ids: Iterable[UUID]) -> None:
        super().__init__(
            "price-not-ready",
            "A line has no price yet. Wait until its quote shows an estimate or a total, then submit.",
            lines=[str(line_id) for line_id in line_ids],
        )


class PriceFailed(Conflict):
    """A model cannot be made or priced."""

    def __init__(self, line_id: UUID, *, code: str, detail: str) -> None:
        super().__init__(
            "price-failed",
            f"A line cannot be priced: {detail} Remove the line, or replace its model.",
            line_id=str(line_id),
            problem={"code": code, "detail": detail},
        )


class PriceChanged(Conflict):
    """The customer agreed to a total that is not the one shown now."""

    def __init__(self, *, agreed: Money, total: Money, lines: Mapping[UUID, Money] | None = None) -> None:
        super().__init__(
            "price-changed",
            f"The total is {total} now, not {agreed}. Show it to the customer and send the total they agree to.",
            agreed_total=wire(agreed),
            total=wire(total),
            lines=[{"line_id": str(line_id), "total": wire(price)} for line_id, price in (lines or {}).items()],
        )


class NothingToConsentTo(Conflict):
    """No new price waits for the customer's word."""

    def __init__(self, *, status: str, allowed: tuple[str, ...]) -> None:
        super().__init__(
            "nothing-to-consent-to",
            f"The order is {status}; no new price waits for your consent.",
            order_status=status,
            allowed=list(allowed),
        )


class ConsentAlreadyGiven(Conflict):
    """The question was answered, the other way."""

    def __init__(self, *, accepted: bool) -> None:
        said = "accepted" if accepted else "declined"
        super().__init__("consent-already-given", f"You {said} this price already. That answer stands.", answer=said)


class CancellationRefused(Conflict):
    """The orchestrator does not allow it any more."""

    def __init__(self, *, detail: str, status: str | None, allowed: list[str]) -> None:
        super().__init__("cancellation-refused", detail, order_status=status, allowed=allowed)


class ReservationWithdrawn(Refused):
    """The undo came before the reservation: setting goods aside now would keep them for ever."""

    def __init__(self, order_id: UUID) -> None:
        super().__init__("reservation-withdrawn", f"The stock of order {order_id} was released before it was reserved.")


class OrderUnknownHere(Refused):
    """A message names an order that this shop never started."""

    def __init__(self, order_id: UUID) -> None:
        super().__init__("order-unknown", f"The shop never started an order {order_id}.")


class CareRefused(Conflict):
    """CRM, which decides about returns and complaints, says no: `return-too-early`, `return-too-late`, `case-already-open`."""

    def __init__(self, code: str, *, detail: str, **extra: Any) -> None:
        super().__init__(code, detail, **extra)
