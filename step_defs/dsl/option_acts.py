"""Pieces with stones or words on them: asked for, ordered, seen by those who make them; and prices nobody waits for any more."""

from __future__ import annotations

from decimal import Decimal
from http import HTTPStatus
from typing import Any

from step_defs.drivers.http import Refusal
from step_defs.drivers.waiting import eventually
from step_defs.dsl.model_desk import QUOTES
from step_defs.dsl.operator import Operator
from step_defs.dsl.order import Order, amount
from step_defs.dsl.seller import Seller
from step_defs.dsl.shopper import Shopper

LETTERS_MM = "2"
STOPPED_WITHIN = 5
SEEN_WITHIN_S = 15.0


def asks_with(shopper: Shopper, model: str, material: str, **options: Any) -> None:
    """Asks what a piece with these options costs, and waits for its price. Raises Refusal."""
    if model not in shopper.files:
        shopper.uploads(model)
    wish = {"file_id": shopper.files[model], "material": shopper.world.material(material), "quantity": 1}
    shopper.wish = wish | options
    shopper.quotes.append(shopper.desk.asks_price(shopper.wish))
    shopper.waits_for_quote()


def engraved(text: str) -> dict[str, Any]:
    """The option of a text."""
    return {"engraving": {"text": text, "height_mm": LETTERS_MM}}


def orders_priced(shopper: Shopper) -> None:
    """Puts what the last price was asked for into an order, and submits it at that price."""
    shopper.starts_order()
    shopper.order.answered = shopper.desk.puts_model(shopper.order.order_id, shopper.quote(), shopper.wish)
    shopper.submits()


def asked_more(shopper: Shopper) -> None:
    """The last quote asks for more than the one before."""
    earlier, later = shopper.quotes[-2:]
    assert amount(later["total"]) > amount(earlier["total"]), f"{later['total']} after {earlier['total']}"


def seller_reads(seller: Seller, order: Order, text: str) -> None:
    """CRM shows the words on the order's piece."""
    eventually(
        lambda: seller.desk.engravings(order.order_id),
        lambda read: read == [text],
        within_s=SEEN_WITHIN_S,
        what=f"CRM shows what is engraved on {order.number}",
    )


def operator_reads(operator: Operator, order: Order, text: str) -> None:
    """MES shows the words on the order's piece."""
    operator.finds_on_board(order)
    read = operator.reads_engraving(order)
    assert read == text, f"the card says {read!r}, not {text!r}"


def stops_price(shopper: Shopper, model: str, material: str) -> None:
    """Asks what a model that nobody saw before costs, and stops it; one that was quicker than that is tried again with another."""
    for _ in range(STOPPED_WITHIN):
        shopper.uploads(model, shopper.world.models.never_seen(model))
        quote = shopper.asks_price(model, material, wait=False)
        try:
            shopper.door.ask("DELETE", f"{QUOTES}/{quote['quote_id']}")
        except Refusal as refusal:
            if refusal.status != HTTPStatus.CONFLICT:
                raise
            continue
        return
    raise AssertionError(f"every one of {STOPPED_WITHIN} prices was there before it could be stopped")


def is_stopped(shopper: Shopper) -> None:
    """There is no price, because nobody waits for it; stopped once more, it is still that."""
    quote = shopper.waits_for_quote()
    assert quote["problem"] is not None and quote["problem"]["code"] == "cancelled", f"it was not stopped: {quote}"
    again = shopper.door.ask("DELETE", f"{QUOTES}/{quote['quote_id']}").body
    assert again["problem"]["code"] == "cancelled", f"stopped twice it is {again}"


def knows_why(shopper: Shopper) -> None:
    """The quote says by how much the firm price differs from the estimate, and why, in sentences."""
    quote = shopper.waits_for_quote()
    difference, reasons = shopper.desk.difference(quote)
    assert Decimal(difference) == amount(quote["total"]) - amount(quote["estimate"]), f"not by {difference}"
    assert reasons and all(reasons), "no reason is given"
