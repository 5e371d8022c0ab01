"""An operator in MES: takes work orders from the board, makes, packs and ships, and is paid for it."""

from __future__ import annotations

import time
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING

from step_defs.drivers.http import Door, Refusal
from step_defs.drivers.waiting import eventually
from step_defs.dsl.bench import IDENTITY, Bench, choose_pin, try_elsewhere
from step_defs.dsl.desk import CLAIM_AT_ONCE_IN_S, MES, Desk, Row, desk_of
from step_defs.dsl.order import SOON_S, Order
from step_defs.dsl.person import Person

if TYPE_CHECKING:
    from step_defs.dsl.world import World

CARRIER = "SwiftPost"
CUSTOMER = "Buyer"
PIN = "4096"
WRONG_PIN = "7305"
IN_HAND_MAX = 12
"""More than an operator may hold anywhere."""
AT_ONCE_S = 1.0
"""Within this time an open board shows what was approved or taken elsewhere."""


class Operator(Person):
    """Somebody who makes pieces."""

    roles = ("operator",)

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self._claimed: dict[str, Row] = {}
        self._badge = ""
        self._bench: Bench | None = None
        self._token_at_bench = ""

    @cached_property
    def desk(self) -> Desk:
        """Where they work: MES's API or its pages, whichever this run is about; at a bench, once they signed in there."""
        return self._bench.desk if self._bench is not None else desk_of(self)

    def leaves(self) -> None:
        """Ends the connection. A bench stays where it is."""
        if "desk" in self.__dict__ and self._bench is None:
            self.desk.close()
        super().leaves()

    # -- the bench -----------------------------------------------------------------------------------------------

    def carries_badge(self, code: str) -> None:
        """Has this badge from now on, and a PIN for it."""
        self._badge = code
        choose_pin(self.world, self.door, email=self.email, password=self.password, pin=PIN)

    def signs_in_at(self, bench: Bench, *, pin: str = PIN) -> None:
        """Scans the badge, types the PIN, and works there from now on. Raises Refusal."""
        self._token_at_bench = bench.signs_in(self._badge, pin)
        if self._bench is None and "desk" in self.__dict__:
            self.__dict__.pop("desk").close()
        self._bench = bench

    def guesses_pin_at(self, bench: Bench, times: int) -> None:
        """Types a wrong PIN so often. Raises the last Refusal."""
        for _ in range(times - 1):
            self.world.attempt(lambda: self.signs_in_at(bench, pin=WRONG_PIN))
            self.world.was_refused("the badge or PIN is wrong")
        self.signs_in_at(bench, pin=WRONG_PIN)

    def signs_in_elsewhere(self) -> None:
        """Tries the badge where there is no workstation. Raises Refusal."""
        try_elsewhere(self.world, self._badge, PIN)

    def is_out_at_bench(self) -> None:
        """The session that they had at the bench opens nothing any more."""
        with Door(self.world.backstage.address) as door:
            door.token = self._token_at_bench
            self.world.attempt(lambda: door.get(f"{IDENTITY}/me"))
        self.world.was_refused("one has to sign in")

    # -- the board -----------------------------------------------------------------------------------------------

    def work_orders_on_board(self, order: Order, **filters: str) -> list[Row]:
        """The order's work orders that are on the board now."""
        return list(self.desk.rows(number=order.number, **filters))

    def finds_on_board(self, order: Order, *, within_s: float = SOON_S, **filters: str) -> list[Row]:
        """Waits until work orders of the order can be taken from the board. They are remembered by their order."""
        found = eventually(
            lambda: self.work_orders_on_board(order, status="RELEASED", **filters),
            within_s=within_s,
            what=f"order {order.number} is on the board {filters or ''}",
        )
        self.world.remember_work_orders(order, found)
        return found

    def comes_to_board(self) -> None:
        """Looks at the board, and is known there from now on."""
        next(self.desk.rows(), None)

    def sees_piece(self, order: Order) -> None:
        """The board's row of the order shows what the piece looks like."""
        [row] = self.finds_on_board(order)
        eventually(
            lambda: self.desk.picture(row["work_order_id"], number=order.number),
            lambda picture: picture is not None and picture.shows_a_piece,
            within_s=SOON_S,
            what=f"a picture of {order.number} on the board",
        )

    def misses_on_board(self, order: Order, *, within_s: float = SOON_S) -> None:
        """Waits until none of the order's work orders can be taken from the board."""
        eventually(
            lambda: self.work_orders_on_board(order, status="RELEASED"),
            lambda rows: not rows,
            within_s=within_s,
            what=f"order {order.number} is off the board",
        )

    def moments_on_board(self) -> list[str]:
        """When the work on the first rows of the board was approved, top first."""
        return [str(row["approved_at"]) for row, _ in zip(self.desk.rows(), range(50), strict=False)]

    # -- the work ------------------------------------------------------------------------------------------------

    def takes(self, order: Order) -> None:
        """Claims the order's first work order that is free. Raises Refusal when somebody was first."""
        self.act(self.finds_on_board(order)[0], "claim")

    def takes_known(self, order: Order) -> None:
        """Claims a work order that was seen on the board before, whether or not it is still there."""
        self.act(self.world.work_orders_of(order)[0], "claim")

    def takes_until_refused(self) -> Refusal:
        """Takes one order after another, each of a customer of its own, until one is refused. The last is the scenario's order."""
        for number in range(IN_HAND_MAX):
            order = self.world.road.bring(self.world.shopper(f"{CUSTOMER}{number}"), "MANUFACTURING_APPROVED")
            if (refusal := self.world.attempt(partial(self.takes, order))) is not None:
                assert isinstance(refusal, Refusal), f"taking one more ended with {refusal}"
                return refusal
        raise AssertionError(f"{self.name} could take {IN_HAND_MAX} orders and more")

    def completes_one(self) -> None:
        """Has made the piece that was taken first of those in hand."""
        self.act(next(iter(self._claimed.values())), "completion")

    def returns(self, order: Order, *, reason: str) -> None:
        """Gives the work order back."""
        self.act(self.in_hand(order), "return", reason=reason)

    def goes_on(self, order: Order) -> None:
        """Says that the piece is still being made."""
        self.act(self.in_hand(order), "progress")

    def weighs(self, order: Order, *, confirmed: bool = False, **grams: Decimal) -> None:
        """Enters what the pieces weigh: cast, finished. Raises Refusal."""
        self.desk.weighs(self.in_hand(order)["work_order_id"], confirmed=confirmed, **grams)

    def completes(self, order: Order) -> None:
        """Has made the piece."""
        self.act(self.in_hand(order), "completion")

    def undoes_completion(self, order: Order) -> None:
        """Has not made the piece after all."""
        self.act(self.in_hand(order), "undo")

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

    def act(self, work_order: Row, action: str, **fields: str) -> Row:
        """One action on a work order. Raises Refusal."""
        done = self.desk.act(work_order["work_order_id"], action, **fields)
        if action == "claim":
            self._claimed[done["order_number"]] = done
        return done

    def in_hand(self, order: Order) -> Row:
        """The order's work order that this operator claimed, or was given."""
        return self._claimed.get(order.number) or self.held(order)

    def prints_label(self, order: Order) -> None:
        """Prints the label of the order's piece."""
        work_order_id = self.world.work_orders_of(order)[0]["work_order_id"]
        self.world.label = self.desk.prints_label(work_order_id)

    def scans(self, code: str) -> None:
        """Scans it at the board; remembers the card that opens."""
        self.world.seen_by[self.name] = self.desk.scans(code)

    def types_number(self, order: Order) -> None:
        """Types the order's number at the board; remembers the card that opens."""
        self.world.seen_by[self.name] = self.desk.types(order.number)

    def reads_engraving(self, order: Order) -> str | None:
        """What is to be engraved on the order's first piece."""
        return self.desk.engraving(self.world.work_orders_of(order)[0]["work_order_id"])

    def details(self, order: Order) -> Row:
        """All that MES knows of the order's first work order."""
        row: Row = self.door.get(f"{MES}/work-orders/{self.world.work_orders_of(order)[0]['work_order_id']}").body
        return row

    def held(self, order: Order) -> Row:
        """What MES shows as held by this operator for the order. Raises AssertionError when it shows nothing."""
        mine = [row for row in self.desk.mine() if row["order_number"] == order.number]
        assert mine, f"{self.name} holds no work order of {order.number}"
        return mine[0]

    def work_order(self, order: Order) -> Row:
        """The order's first work order as MES shows it now."""
        return self.desk.shown(self.world.work_orders_of(order)[0]["work_order_id"])

    # -- the open board ------------------------------------------------------------------------------------------

    def opens_board(self) -> None:
        """Opens the board and leaves it open."""
        self.desk.open_board()

    def sees_arrive(self, order: Order, *, within_s: float = AT_ONCE_S) -> None:
        """The order's work appears on the open board, by itself and free to take, within the time since MES released it."""
        [row] = self.world.operator_who_looks.finds_on_board(order)
        eventually(
            lambda: self.desk.on_open_board(row["work_order_id"]),
            lambda shown: shown is not None and shown["state"] == "RELEASED",
            within_s=within_s,
            what=f"order {order.number} on the open board of {self.name}",
        )

    def sees_taken(self, order: Order, *, by: str, within_s: float = AT_ONCE_S) -> None:
        """The open board says, by itself, who has the order's work."""
        work_order_id = self.world.work_orders_of(order)[0]["work_order_id"]
        eventually(
            lambda: self.desk.on_open_board(work_order_id),
            lambda shown: shown is not None and (shown["state"], shown["claimed_by"]) == ("CLAIMED", by),
            within_s=within_s,
            what=f"order {order.number} taken by {by} on the open board of {self.name}",
        )

    def sees_missed(self, order: Order, *, by: str) -> None:
        """The open board lost its connection, said so, and shows by itself what happened meanwhile."""
        self.sees_taken(order, by=by, within_s=SOON_S)
        assert self.desk.was_cut_off(), f"the board of {self.name} did not notice that it was cut off"

    # -- the pay -------------------------------------------------------------------------------------------------

    def pay_entries(self, order: Order) -> list[str]:
        """The kinds of this operator's ledger entries for an order: earn, reverse; oldest first."""
        return [str(entry["kind"]) for entry in reversed(self.desk.pay()) if entry["order_number"] == order.number]

    def earned(self, order: Order) -> Decimal:
        """What the newest earning of this operator for an order is."""
        entries = (entry for entry in self.desk.pay() if entry["order_number"] == order.number)
        return next(Decimal(entry["amount"]) for entry in entries if entry["kind"] == "earn")

    def paid(self) -> Decimal:
        """What this operator earned in all."""
        return sum((Decimal(entry["amount"]) for entry in self.desk.pay()), Decimal(0))


def claim_at_once(operators: list[Operator], work_order_id: str) -> list[Row | AssertionError]:
    """Everybody presses the button at one moment; how it ended for each, in the order given."""
    for operator in operators:
        operator.desk.looks_at(work_order_id)
    moment = time.time() + CLAIM_AT_ONCE_IN_S
    for operator in operators:
        operator.desk.claim_at(work_order_id, moment)
    ended: list[Row | AssertionError] = []
    for operator in operators:
        try:
            ended.append(operator.desk.claimed(work_order_id))
        except AssertionError as error:
            ended.append(error)
    return ended
