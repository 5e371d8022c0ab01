"""Deeds and outcomes around whoever leads the shift."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from step_defs.drivers.waiting import eventually
from step_defs.dsl.order import SOON_S

if TYPE_CHECKING:
    from step_defs.dsl.seller import Seller
    from step_defs.dsl.shift_desk import Seen
    from step_defs.dsl.shopper import Shopper
    from step_defs.dsl.world import World

PROMISE_LEFT_MINUTES = 2
MATERIAL = "gold_585"


def promise_is_near(world: World) -> None:
    """The order's work has to be shipped within minutes."""
    [row] = world.operator_who_looks.finds_on_board(world.order)
    world.faults.promise_is_near(row["work_order_id"], minutes=PROMISE_LEFT_MINUTES)


def _seen_late(world: World, seller: Seller) -> Seen:
    seen = eventually(
        lambda: seller.shift.risky(world.order.number),
        within_s=SOON_S,
        what=f"{seller.name} sees that {world.order.number} will be late",
    )
    assert seen is not None
    return seen


def sees_late_before(world: World, seller: Seller) -> None:
    """The order is named as late while its day is not over."""
    seen = _seen_late(world, seller)
    assert datetime.fromisoformat(seen["promise_at"]) > datetime.now(UTC), "its day was over when it was named"


def reads_why(world: World, seller: Seller) -> None:
    """The forecast names a place in a queue."""
    seen = _seen_late(world, seller)
    assert seen["position"], f"no reason is given for {seen}"


def asks_without_waiting(world: World, shopper: Shopper, model: str) -> None:
    """Asks for the price of a model that is measured for the first time."""
    with shopper.unseen():
        shopper.uploads(model, world.models.never_seen(model))
        shopper.asks_price(model, MATERIAL, wait=False)


def asks_for_many(world: World, shopper: Shopper, count: int, model: str) -> None:
    """Asks for the prices of so many models that are measured for the first time."""
    for _ in range(count):
        asks_without_waiting(world, shopper, model)


def waits_for_one_at_most(shopper: Shopper, other: Shopper) -> None:
    """The place that the customer is told comes before all but one of the other's."""

    def places() -> tuple[int, list[int]]:
        own = shopper.quote().get("queue_position") or 0
        theirs = [other.door.get(f"/api/pricing/v1/quotes/{each['quote_id']}").body for each in other.quotes]
        return own, [quote.get("queue_position") or 0 for quote in theirs]

    eventually(
        places,
        lambda told: told[0] > 0 and sum(place < told[0] for place in told[1]) <= 1,
        within_s=SOON_S,
        what=f"{shopper.name} waits for one model of {other.name} at most",
    )


def sees_waiting_model(seller: Seller, shopper: Shopper) -> None:
    """The lead and the customer are told the same place in line."""

    def told_alike() -> bool:
        own = shopper.quote()
        seen = seller.shift.calculation(own["quote_id"])
        assert seen is not None, f"the model of {shopper.name} is not in the queue"
        assert (seen["state"], seen["position"]) == ("waiting", own.get("queue_position")), (
            f"{seen}, and the customer: {own}"
        )
        return bool(seen["position"] > 0)

    eventually(told_alike, within_s=SOON_S, what=f"{seller.name} sees the model of {shopper.name} wait")


def model_is_gone(seller: Seller, shopper: Shopper) -> None:
    """The queue does not show the model any more."""
    quote_id = shopper.quotes[-1]["quote_id"]
    eventually(
        lambda: seller.shift.calculation(quote_id),
        lambda seen: seen is None,
        within_s=SOON_S,
        what=f"the model of {shopper.name} left the queue",
    )
