"""An operator in MES: takes work orders from the board, makes, packs and ships, and is paid for it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from step_defs.drivers.waiting import eventually
from step_defs.dsl.order import SOON_S, Order
from step_defs.dsl.person import Person

if TYPE_CHECKING:
    from step_defs.dsl.world import World

MES = "/api/mes/v1"
PAGES_MAX = 40
CARRIER = "SwiftPost"


class Operator(Person):
    """Somebody who makes pieces."""

    roles = ("operator",)

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self._claimed: dict[str, dict[str, Any]] = {}

    # -- the board -----------------------------------------------------------------------------------------------

    def board(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every row of the board, newest approved first, page by page."""
        yield from self._pages(f"{MES}/work-orders", **filters)

    def work_orders_on_board(self, order: Order, **filters: Any) -> list[dict[str, Any]]:
        """The order's work orders that are on the board now."""
        return [row for row in self.board(**filters) if row["order_id"] == order.order_id]

    def finds_on_board(self, order: Order, *, within_s: float = SOON_S, **filters: Any) -> list[dict[str, Any]]:
        """Waits until work orders of the order can be taken from the board. They are remembered by their order."""
        found = eventually(
            lambda: self.work_orders_on_board(order, status="RELEASED", **filters),
            within_s=within_s,
            what=f"order {order.number} is on the board {filters or ''}",
        )
        self.world.remember_work_orders(order, found)
        return found

    def misses_on_board(self, order: Order, *, within_s: float = SOON_S) -> None:
        """Waits until none of the order's work orders can be taken from the board."""
        eventually(
            lambda: self.work_orders_on_board(order, status="RELEASED"),
            lambda rows: not rows,
            within_s=within_s,
            what=f"order {order.number} is off the board",
        )

    # -- the work ------------------------------------------------------------------------------------------------

    def takes(self, order: Order) -> None:
        """Claims the order's first work order that is free. Raises Refusal when somebody was first."""
        self.act(self.finds_on_board(order)[0], "claim")

    def takes_known(self, order: Order) -> None:
        """Claims a work order that was seen on the board before, whether or not it is still there."""
        self.act(self.world.work_orders_of(order)[0], "claim")

    def returns(self, order: Order, *, reason: str) -> None:
        """Gives the work order back."""
        self.act(self.in_hand(order), "return", reason=reason)

    def completes(self, order: Order) -> None:
        """Has made the piece."""
        self.act(self.in_hand(order), "completion")

    def reworks(self, order: Order, *, reason: str) -> None:
        """Takes a made piece back to the bench."""
        self.act(self.in_hand(order), "rework", reason=reason)

    def packs(self, order: Order) -> None:
        """Begins to pack."""
        self.act(self.in_hand(order), "packing")

    def ships(self, order: Order) -> None:
        """Hands the parcel to the carrier."""
        tracking_number = self.world.next_tracking_number()
        self.act(self.in_hand(order), "shipment", carrier=CARRIER, tracking_number=tracking_number)
        order.parcels.append((CARRIER, tracking_number))

    def act(self, work_order: dict[str, Any], action: str, **body: str) -> dict[str, Any]:
        """One action on a work order. Raises Refusal."""
        done: dict[str, Any] = self.door.post(f"{MES}/work-orders/{work_order['work_order_id']}/{action}", body).body
        if action == "claim":
            self._claimed[done["order_id"]] = done
        return done

    def in_hand(self, order: Order) -> dict[str, Any]:
        """The order's work order that this operator claimed, or was given."""
        return self._claimed.get(order.order_id) or self.held(order)

    def held(self, order: Order) -> dict[str, Any]:
        """What MES shows as held by this operator for the order. Raises AssertionError when it shows nothing."""
        mine = [row for row in self._pages(f"{MES}/work-orders", mine="true") if row["order_id"] == order.order_id]
        assert mine, f"{self.name} holds no work order of {order.number}"
        return mine[0]

    def work_order(self, order: Order) -> dict[str, Any]:
        """The order's first work order as MES shows it now."""
        known = self.world.work_orders_of(order)[0]
        shown: dict[str, Any] = self.door.get(f"{MES}/work-orders/{known['work_order_id']}").body
        return shown

    # -- the pay -------------------------------------------------------------------------------------------------

    def pay_entries(self, order: Order) -> list[str]:
        """The kinds of this operator's ledger entries for an order: earn, reverse; oldest first."""
        entries = [entry for entry in self._pages(f"{MES}/pay") if entry["order_id"] == order.order_id]
        return [str(entry["kind"]) for entry in sorted(entries, key=lambda entry: entry["at"])]

    def paid(self) -> Decimal:
        """What this operator earned in all."""
        return Decimal(self.door.get(f"{MES}/pay")["total"]["amount"])

    def _pages(self, path: str, **filters: Any) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = self.door.get(path, limit=100, cursor=cursor, **filters).body
            yield from page.get("items", page.get("entries", []))
            cursor = page.get("next")
            if cursor is None:
                return
        raise AssertionError(f"more than {PAGES_MAX} pages of {path}")
