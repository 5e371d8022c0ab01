"""A seller in CRM: approves, rejects, closes, cancels, searches, and reads why an order hangs."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from step_defs.drivers.waiting import eventually
from step_defs.dsl.care_desk import CareDesk, care_desk_of
from step_defs.dsl.desk import Desk, desk_of
from step_defs.dsl.exported import Exported
from step_defs.dsl.operator import AT_ONCE_S
from step_defs.dsl.order import SOON_S, Order
from step_defs.dsl.person import Person
from step_defs.dsl.sales_desk import BrowserSalesDesk, HttpSalesDesk, SalesDesk, Shown
from step_defs.dsl.shift_desk import ShiftDesk, shift_desk_of
from step_defs.dsl.trace_desk import TraceDesk, trace_desk_of

REMINDED_IN_S = 2.0


class Seller(Person):
    """One of our salespeople, who leads the shift at the operators' board too."""

    roles = ("seller",)

    @cached_property
    def desk(self) -> SalesDesk:
        """Where they work: CRM's API or its pages, whichever this run is about."""
        door = self.door
        browser = self.world.backstage.browser
        if browser is None or self.shares_session:
            return HttpSalesDesk(door)
        window = browser.window()
        window.sign_in(email=self.email, password=self.password)
        return BrowserSalesDesk(window)

    @cached_property
    def board(self) -> Desk:
        """Their place at MES, from where they lead the shift."""
        return desk_of(self)

    @cached_property
    def shift(self) -> ShiftDesk:
        """Where they see how the shift goes."""
        return shift_desk_of(self)

    @cached_property
    def care(self) -> CareDesk:
        """Where they keep notes and reminders, and see customers."""
        return care_desk_of(self)

    @cached_property
    def traces(self) -> TraceDesk:
        """Where they follow an order's whole road."""
        return trace_desk_of(self)

    def leaves(self) -> None:
        """Ends the connection."""
        for place in ("desk", "board", "shift", "care", "traces"):
            if place in self.__dict__:
                self.__dict__[place].close()
        super().leaves()

    def sees(self, order: Order, status: str, *, within_s: float = SOON_S) -> Shown:
        """Waits until CRM shows the order in this status."""
        return eventually(
            lambda: self.desk.shown(order.order_id),
            lambda shown: shown["status"] == status,
            within_s=within_s,
            what=f"CRM shows order {order.number} as {status}",
        )

    def sees_piece(self, order: Order) -> None:
        """The order's row in the queue shows what its piece looks like."""
        eventually(
            lambda: self.desk.picture(order.order_id),
            lambda picture: picture is not None and picture.shows_a_piece,
            within_s=SOON_S,
            what=f"a picture of {order.number} in the queue",
        )

    def approves(self, order: Order) -> None:
        """Confirms a priced order for production. Raises Refusal."""
        self.sees(order, "PRICE_CALCULATED")
        self.decides(order, "approval")

    def rejects(self, order: Order, *, reason: str) -> None:
        """Refuses a priced order, with the reason the customer reads."""
        self.sees(order, "PRICE_CALCULATED")
        self.decides(order, "rejection", reason=reason)

    def closes(self, order: Order, *, reason: str) -> None:
        """Closes a shipped order by hand."""
        self.sees(order, "SHIPPED")
        self.decides(order, "closure", reason=reason)

    def cancels(self, order: Order, *, reason: str) -> None:
        """Cancels on the customer's behalf, or asks for it. Raises Refusal when it is too late."""
        self.decides(order, "cancellation", reason=reason)

    def decides(self, order: Order, what: str, **fields: str) -> None:
        """One decision, at once, whatever the order's status. Raises Refusal."""
        self.desk.decides(order.order_id, what, **fields)

    def asks_customer(self, order: Order, text: str) -> None:
        """Asks for a change, or a question."""
        self.sees(order, "PRICE_CALCULATED")
        self.desk.asks(order.order_id, text)

    def reads_letter(self, order: Order, text: str) -> None:
        """Waits until the customer's letter is shown as the last one."""
        eventually(
            lambda: self.desk.letters(order.order_id),
            lambda letters: bool(letters) and letters[-1] == {"side": "customer", "text": text},
            within_s=SOON_S,
            what=f"the customer's letter about {order.number}",
        )

    # -- the queue -----------------------------------------------------------------------------------------------

    def has_in_queue(self, order: Order) -> bool:
        """Whether the order is in the queue of orders that wait for approval."""
        return self.desk.has_in_queue(order.order_id)

    def sees_word_awaited(self, order: Order, *, awaited: bool = True) -> None:
        """Waits until a return or a complaint about the order stands above the queue, or does so no more."""
        eventually(
            lambda: self.desk.waits_for_word(order.order_id),
            lambda shown: shown is awaited,
            within_s=SOON_S,
            what=f"{order.number} {'is' if awaited else 'is not'} above the queue of {self.name}",
        )

    def answers_case(self, order: Order, what: str, text: str) -> None:
        """A word on the return or complaint about the order. Raises Refusal."""
        self.desk.answers_case(order.order_id, what, text)

    def opens_queue(self) -> None:
        """Opens the queue and leaves it open."""
        self.desk.open_queue()

    def sees_waiting(self, order: Order, *, within_s: float = AT_ONCE_S) -> None:
        """The order appears in the open queue by itself, within the time since CRM shows it as priced."""
        self.world.seller_who_looks.sees(order, "PRICE_CALCULATED")
        eventually(
            lambda: self.desk.on_open_queue(order.order_id),
            lambda shown: shown is not None and shown["waits"],
            within_s=within_s,
            what=f"order {order.number} in the open queue of {self.name}",
        )

    def sees_decided(self, order: Order, *, by: str, within_s: float = AT_ONCE_S) -> None:
        """The open queue says, by itself, who decided about the order."""
        eventually(
            lambda: self.desk.on_open_queue(order.order_id),
            lambda shown: shown is not None and (shown["waits"], shown["decided_by"]) == (False, by),
            within_s=within_s,
            what=f"order {order.number} decided by {by} in the open queue of {self.name}",
        )

    # -- what they keep in mind ----------------------------------------------------------------------------------

    def sets_reminder(self, order: Order, text: str, *, for_whom: Seller | None = None) -> None:
        """Wants to be reminded of something about the order in a moment, or a colleague to be, who watches for it."""
        self.world.seller_who_looks.sees(order, "PRICE_CALCULATED")
        reminded = for_whom or self
        reminded.care.looks_in()
        reminded.care.watches()
        for_id = for_whom.user_id if for_whom else None
        self.care.reminds(order.order_id, text, in_s=REMINDED_IN_S, for_id=for_id)

    def is_reminded(self, order: Order, text: str) -> Shown:
        """Waits until the reminder is before their eyes by itself, and returns it."""
        return eventually(
            lambda: [
                each
                for each in self.care.before_the_eyes()
                if (each["order_id"], each["text"]) == (order.order_id, text)
            ],
            within_s=REMINDED_IN_S + SOON_S,
            what=f"{self.name} is reminded of {order.number}",
        )[0]

    def reminders_of(self, order: Order) -> list[Shown]:
        """The reminders of the order that are due for them."""
        return [each for each in self.care.due() if each["order_id"] == order.order_id]

    def takes_charge(self, order: Order, *, instead_of: Seller | None = None) -> None:
        """Looks after the order from now on. Raises Refusal."""
        self.sees(order, "PRICE_CALCULATED")
        self.care.takes(order.order_id, instead_of=instead_of.user_id if instead_of else None)

    def gives_back(self, order: Order) -> None:
        """Looks after the order no more. Raises Refusal."""
        self.care.gives_back(order.order_id)

    def sees_in_charge(self, order: Order, name: str | None) -> None:
        """Waits until CRM shows who looks after the order; None: nobody."""
        eventually(
            lambda: self.care.looks_after(order.order_id),
            lambda shown: shown == name,
            within_s=SOON_S,
            what=f"{name or 'nobody'} looks after {order.number}",
        )

    # -- the search and the story --------------------------------------------------------------------------------

    def finds(self, query: str, *, expect: Order) -> None:
        """Waits until a search for `query` shows the order."""
        eventually(
            lambda: self.desk.found_by(query),
            lambda found: expect.order_id in found,
            within_s=SOON_S,
            what=f"a search for {query!r} shows order {expect.number}",
        )

    def story(self, order: Order) -> Shown:
        """Everything that happened to the order, and what to do about it."""
        return self.desk.story(order.order_id)

    def repairs(self, order: Order) -> None:
        """Has a hanging order tried again. Raises Refusal."""
        self.desk.repairs(order.order_id)

    def exports(self, order: Order) -> None:
        """Takes the order's road away as a scenario, to be run by a developer."""
        self.world.exported = Exported(self.desk.exports(order.order_id))

    # -- elsewhere -----------------------------------------------------------------------------------------------

    def assigns(self, work_order: dict[str, Any], *, operator_id: str) -> None:
        """Gives an escalated work order to an operator, whom the board knows. Raises Refusal."""
        self.board.act(work_order["work_order_id"], "assignment", operator_id=operator_id)

    def hands_over(self, work_order: dict[str, Any], *, operator_id: str) -> None:
        """Gives what somebody holds to another operator, whom the board knows. Raises Refusal."""
        self.board.act(work_order["work_order_id"], "handover", operator_id=operator_id)
