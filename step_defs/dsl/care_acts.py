"""Deeds and outcomes about what sellers keep in mind that a step needs more than one call for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from step_defs.drivers.waiting import eventually, holds_for
from step_defs.dsl.acts import STAYS_S
from step_defs.dsl.order import SOON_S, Order

if TYPE_CHECKING:
    from step_defs.dsl.administrator import Administrator
    from step_defs.dsl.seller import Seller
    from step_defs.dsl.shopper import Shopper
    from step_defs.dsl.world import World


def finish_reminder(seller: Seller, order: Order) -> None:
    """The one reminder of the order that is due is done."""
    [reminder] = seller.reminders_of(order)
    seller.care.finishes(reminder["id"])


def not_reminded(seller: Seller, order: Order) -> None:
    """Nothing about the order is due for the seller, now and for a moment."""
    holds_for(
        lambda: not seller.reminders_of(order), seconds=STAYS_S, what=f"{seller.name} is not reminded of {order.number}"
    )


def note(seller: Seller, order: Order, text: str) -> None:
    """The seller notes something about an order that CRM shows."""
    seller.sees(order, "PRICE_CALCULATED")
    seller.care.writes_note(order.order_id, text)


def reads_note(seller: Seller, order: Order, text: str) -> None:
    """It is the newest note on the order."""
    shown = seller.care.notes(order.order_id)
    assert shown[:1] == [text], f"{seller.name} reads {shown}"


def not_told(shopper: Shopper, order: Order, text: str) -> None:
    """Nothing that the shop tells of the order holds these words: not the order, nor what was written about it."""
    told = str(order.view()) + str(shopper.door.get(f"{order.path}/letters").body)
    assert text not in told, f"{shopper.name} reads {text!r}"


def escalated(administrator: Administrator, order: Order) -> None:
    """The order is on the administrators' list, in nobody's charge, and among what they are reminded of."""
    administrator.sees_escalated(order, in_charge=None)
    administrator.is_reminded(order)


def all_orders_in_one_place(seller: Seller, shopper: Shopper) -> None:
    """The customer's page has the orders that they submitted, each once, and no others."""
    listed = sorted(each["order_id"] for each in shopper.orders_listed())
    eventually(
        lambda: sorted(seller.care.orders_of(shopper.email)),
        lambda shown: shown == listed,
        within_s=SOON_S,
        what=f"all orders of {shopper.name} on one page",
    )


def tries_to_return(world: World, shopper: Shopper) -> None:
    """The customer asks to return the order; what was refused is remembered."""
    world.attempt(lambda: shopper.opens_case("return", "other", "I have changed my mind"))


def reads_answer(shopper: Shopper, text: str) -> None:
    """The customer reads a seller's word on what they asked."""
    shopper.reads_answer(text)


def reads_where_to(shopper: Shopper) -> None:
    """The accepted return says where it goes to."""
    case = shopper.desk.cases(shopper.order.order_id)[-1]
    assert case["return_to"], f"{shopper.name} reads no address: {case}"
