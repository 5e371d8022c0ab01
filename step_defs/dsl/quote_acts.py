"""What is looked at in quotes: where a model is broken, what was heard of a price, and one's own list."""

from __future__ import annotations

from step_defs.dsl.order import amount
from step_defs.dsl.shopper import Shopper


def shows_where_broken(shopper: Shopper) -> None:
    """The refusal names a few points of the model."""
    quote = shopper.waits_for_quote()
    places = quote["problem"].get("places")
    assert places, f"nothing says where it is broken: {quote['problem']}"
    assert all(len(place) == 3 for place in places) and len(places) <= 20, f"these are no few points: {places}"


def heard_the_price(shopper: Shopper) -> None:
    """Everything heard before the last word said how far it was, and the last word is the firm price as it is shown."""
    assert shopper.heard, f"{shopper.name} heard nothing"
    *before, last = shopper.heard
    assert all(quote["progress"]["stage"] for quote in before), f"nothing says how far it was: {before}"
    assert amount(last["total"]) == shopper.firm_price(), f"{last} is not the price that is shown"


def lists_own_prices(shopper: Shopper, *, count: int) -> None:
    """The customer's list is what they asked for, the last first."""
    listed = [quote["quote_id"] for quote in shopper.own_prices()]
    asked = [quote["quote_id"] for quote in reversed(shopper.quotes)]
    assert len(asked) == count and listed == asked, f"{shopper.name} asked for {asked}, and listed is {listed}"
