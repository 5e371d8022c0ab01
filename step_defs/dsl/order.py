"""One order as its customer sees it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from step_defs.drivers.http import Door
from step_defs.drivers.waiting import eventually

SOON_S = 15.0
"""How long news about an order may take to show, on a machine that is busy with everything at once."""


class Order:
    """A customer's order. Every question asks the shop anew: `look` shows the order of an id as its customer sees it now."""

    def __init__(self, door: Door, view: dict[str, Any], look: Callable[[str], dict[str, Any]]) -> None:
        self._door, self._look = door, look
        self.order_id: str = view["order_id"]
        self.number: str = view["number"]
        self.answered: dict[str, Any] = view
        """The order as the shop last answered: what stands on the customer's screen."""
        self.agreed: dict[str, str] | None = None
        self.submission: tuple[dict[str, Any], str] | None = None
        self.parcels: list[tuple[str, str]] = []

    @property
    def path(self) -> str:
        """Where the shop keeps it."""
        return f"/api/shop/v1/orders/{self.order_id}"

    def view(self) -> dict[str, Any]:
        """The order as the shop shows it now."""
        return self._look(self.order_id)

    def asked(self) -> dict[str, Any]:
        """The order as the shop's API answers now, with its lines."""
        self.answered = self._door.get(self.path).body
        return self.answered

    @property
    def status(self) -> str:
        """Its status as the customer sees it now."""
        return str(self.view()["status"])

    def becomes(self, status: str, *, within_s: float = SOON_S) -> dict[str, Any]:
        """Waits until the customer sees this status. Raises NotInTime with the road it took instead."""
        return eventually(
            self.view, lambda view: view["status"] == status, within_s=within_s, what=f"order {self.number} is {status}"
        )

    def road(self) -> list[str]:
        """Every status it has had, in order."""
        return [str(step["status"]) for step in self.view()["history"]]

    def went_through(self, *statuses: str, within_s: float = SOON_S) -> list[str]:
        """Waits until the history holds exactly these statuses. Raises NotInTime with those it holds."""
        return eventually(
            self.road,
            lambda road: road == list(statuses),
            within_s=within_s,
            what=f"order {self.number} went {statuses}",
        )

    def takes_line(self, line: dict[str, Any]) -> None:
        """Puts a piece into the order. Raises Refusal."""
        self.answered = self._door.post(f"{self.path}/lines", line)["order"]

    def total(self) -> Decimal:
        """The price now in force."""
        return amount(self.view()["total"])


def amount(money: dict[str, str] | None) -> Decimal:
    """The decimal amount of a money value. Raises AssertionError when there is none."""
    assert money is not None, "no amount is shown"
    return Decimal(money["amount"])
