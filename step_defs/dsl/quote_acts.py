"""What is looked at in quotes: where a model is broken, what was heard of a price, and one's own list."""

from __future__ import annotations

import time
from statistics import median

from step_defs.dsl.model_desk import HttpModelDesk
from step_defs.dsl.models import LARGE
from step_defs.dsl.order import amount
from step_defs.dsl.shopper import DECIDED, Shopper

FORETOLD_FROM = 3
WALLS_SHOWN = 100
ASKED_AGAIN = 5
"""One answer may meet a pause of the machine; half of five do not."""


def shows_where_broken(shopper: Shopper) -> None:
    """The refusal names a few points of the model."""
    quote = shopper.waits_for_quote()
    places = quote["problem"].get("places")
    assert places, f"nothing says where it is broken: {quote['problem']}"
    assert all(len(place) == 3 for place in places) and len(places) <= 20, f"these are no few points: {places}"


def sees_walls(shopper: Shopper) -> None:
    """At many points of the model it is told how thick its walls are; their median is that of the quote."""
    quote = shopper.waits_for_quote()
    told = shopper.desk.walls(quote)
    thick = sorted(thickness for _, _, _, thickness in told["points"])
    assert len(thick) >= WALLS_SHOWN, f"{len(thick)} points make no picture"
    assert float(told["wall_reject"]) < float(told["wall_min"]), f"what the alloy needs makes no sense: {told}"
    middle, wanted = median(thick), float(quote["mesh"]["thickness_mm"]["median"])
    assert abs(middle - wanted) <= 0.1 * wanted, f"walls of {middle} mm are shown where {wanted} mm was measured"


def heard_the_price(shopper: Shopper) -> None:
    """Everything heard before the last word said how far it was, and the last word is the firm price as it is shown."""
    assert shopper.heard, f"{shopper.name} heard nothing"
    *before, last = shopper.heard
    assert all(quote["progress"]["stage"] for quote in before), f"nothing says how far it was: {before}"
    assert amount(last["total"]) == shopper.firm_price(), f"{last} is not the price that is shown"


def follows_large(shopper: Shopper, material: str) -> None:
    """Asks what a model of a million triangles costs, which nobody sent before, and listens until the price is firm.

    Where such models were priced before: from fewer than three nobody can tell how long the next one takes.
    """
    models = shopper.world.models
    with shopper.unseen():
        for _ in range(FORETOLD_FROM):
            shopper.uploads(LARGE, models.never_seen(LARGE))
            shopper.asks_price(LARGE, material)
    shopper.follows_price(LARGE, material)


def saw_what_was_left(shopper: Shopper) -> None:
    """While the price was calculated it was told how far it is, and how long it will still take."""
    *before, _ = shopper.heard
    told = [quote for quote in before if quote.get("progress") and quote["progress"]["percent"] is not None]
    assert told, f"nothing says how far it was: {before}"
    assert any(quote.get("eta_s") is not None for quote in before), f"nothing says how long it would take: {before}"


def was_priced_within(shopper: Shopper, seconds: int) -> None:
    """The firm price was there in time, and it is the one that is shown."""
    heard_the_price(shopper)
    assert shopper.heard_within_s <= seconds, f"the price took {shopper.heard_within_s:.1f} s"


def asks_the_same(shopper: Shopper) -> None:
    """Sends the model that somebody else asked about, and asks for the same, a few times."""
    asked = shopper.world.priced
    assert asked is not None, "nobody asked for a price"
    model, material = asked
    shopper.uploads(model)
    wish = {"file_id": shopper.files[model], "material": shopper.world.material(material), "quantity": 1}
    for _ in range(ASKED_AGAIN):
        begun = time.monotonic()
        quote = HttpModelDesk(shopper.door).asks_price(wish)
        shopper.answered_in_ms.append((time.monotonic() - begun) * 1000)
        assert quote["status"] in DECIDED, f"the answer is no price yet: {quote['status']}"
        shopper.quotes.append(quote)


def was_answered_within(shopper: Shopper, milliseconds: int) -> None:
    """The answers with the price came in time, by their median."""
    assert shopper.firm_price() > 0
    took = shopper.answered_in_ms
    assert median(took) < milliseconds, f"the answers took {', '.join(f'{each:.0f}' for each in took)} ms"


def lists_own_prices(shopper: Shopper, *, count: int) -> None:
    """The customer's list is what they asked for, the last first."""
    listed = [quote["quote_id"] for quote in shopper.own_prices()]
    asked = [quote["quote_id"] for quote in reversed(shopper.quotes)]
    assert len(asked) == count and listed == asked, f"{shopper.name} asked for {asked}, and listed is {listed}"
