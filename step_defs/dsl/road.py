"""The usual road of an order: brings one to the status where a scenario begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from step_defs.dsl.order import Order
from step_defs.dsl.shopper import Shopper

if TYPE_CHECKING:
    from step_defs.dsl.operator import Operator
    from step_defs.dsl.world import World

SELLER = "Sofia"
OPERATOR = "Otto"
MODEL = "torus-ring"
UNSEEN = "signet-ring"
MATERIAL = "silver_925"


class Road:
    """Walks an order along the ordinary road, by the hands of the staff whom a scenario does not name."""

    def __init__(self, world: World) -> None:
        self._world = world

    def bring(self, shopper: Shopper, status: str) -> Order:
        """A new order of this customer, brought to `status`: one plain silver ring."""
        with shopper.unseen():
            return self._bring(shopper, status)

    def _bring(self, shopper: Shopper, status: str) -> Order:
        if status == "INITIATED":
            return shopper.starts_order()
        order = shopper.starts_order()
        shopper.adds_model(MODEL, MATERIAL)
        if status == "FILE_UPLOADED":
            order.becomes(status)
            return order
        shopper.submits()
        if status == "SUBMITTED":
            return order
        if status == "PRICE_CALCULATED":
            order.becomes(status)
            return order
        # The seller's own screen says when the price is there.
        self._walk(order, "PRICE_CALCULATED", status)
        return order

    def bring_unseen(self, shopper: Shopper) -> Order:
        """A new order of this customer that has its price, for a model that nobody uploaded before."""
        with shopper.unseen():
            order = shopper.starts_order()
            shopper.uploads(UNSEEN, self._world.models.never_seen(UNSEEN))
            shopper.adds_model(UNSEEN, MATERIAL)
            shopper.submits()
            order.becomes("PRICE_CALCULATED")
        return order

    def continue_to(self, order: Order, status: str) -> None:
        """Brings an order that has its price further, to `status`.

        Raises AssertionError when the ordinary road does not lead from where the order is to `status`.
        """
        now = order.status
        if now != status:
            self._walk(order, now, status)

    def _walk(self, order: Order, now: str, status: str) -> None:
        """Staff act as soon as their own screens let them, so only the end is waited for."""
        for reached, step in self._steps(order, now):
            step()
            if reached == status:
                order.becomes(status)
                return
        raise AssertionError(f"the ordinary road does not lead to {status}")

    def _steps(self, order: Order, now: str) -> list[tuple[str, Callable[[], None]]]:
        seller = self._world.seller(SELLER)
        seller.uses(self._world.backstage.unnamed("seller", SELLER))
        steps: list[tuple[str, Callable[[], None]]] = [
            ("MANUFACTURING_APPROVED", lambda: seller.approves(order)),
            ("MANUFACTURING_STARTED", lambda: self._operator().takes(order)),
            ("MANUFACTURING_COMPLETED", lambda: self._operator().completes(order)),
            ("PACKAGING", lambda: self._operator().packs(order)),
            ("SHIPPED", lambda: self._operator().ships(order)),
            ("CLOSED", lambda: self._world.carrier.delivers(order)),
        ]
        done = ["PRICE_CALCULATED", *(reached for reached, _ in steps)].index(now)
        return steps[done:]

    def _operator(self) -> Operator:
        """One for each scenario: what others left in an operator's hands would count against what one may hold."""
        operator = self._world.operator(OPERATOR)
        if not operator.is_here:
            operator.uses(self._world.backstage.hire("operator", OPERATOR))
        return operator
