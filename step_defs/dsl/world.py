"""The world of one scenario: its people, its order, its faults. Every name is this scenario's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from step_defs.drivers.http import Door, Refusal, Reply
from step_defs.dsl.account_desk import AccountDesk, account_desk_of
from step_defs.dsl.administrator import Administrator, entry_line
from step_defs.dsl.backstage import Backstage
from step_defs.dsl.bench import Bench, bench_of
from step_defs.dsl.carrier import Carrier
from step_defs.dsl.exported import Exported
from step_defs.dsl.faults import Faults
from step_defs.dsl.mailbox import Mailbox
from step_defs.dsl.models import Models
from step_defs.dsl.on_call import OnCall
from step_defs.dsl.operator import Operator
from step_defs.dsl.order import Order
from step_defs.dsl.person import Person
from step_defs.dsl.price_book import PriceBook
from step_defs.dsl.road import Road
from step_defs.dsl.secrecy import Secrets
from step_defs.dsl.seller import Seller
from step_defs.dsl.shopper import Partner, Shopper
from step_defs.dsl.visitor import Visitor
from step_defs.dsl.words import OWN_ALLOY, REFUSALS

P = TypeVar("P", bound=Person)
SUPPORT = "Support"
ONLOOKER = "Onlooker"


class World:
    """What one scenario knows. People are met by name and role; the same name is the same person."""

    def __init__(self, backstage: Backstage, unique: str | None = None, *, beside: Path | None = None) -> None:
        self.backstage = backstage
        self.unique = unique or uuid.uuid4().hex[:10]
        self.stranger = Door(backstage.address)
        self.carrier = Carrier(self)
        self.faults = Faults(self)
        self.mailbox = Mailbox(self)
        self.on_call = OnCall(self)
        self.models = Models(self.unique, beside)
        self.road = Road(self)
        self.refusal: Refusal | None = None
        self.stock_before: dict[str, int] = {}
        self.rivals: list[tuple[Operator, Any]] = []
        self.seen_by: dict[str, Any] = {}
        self.label: dict[str, Any] = {}
        self.exported: Exported | None = None
        self.secrets: Secrets | None = None
        self.priced: tuple[str, str] | None = None
        """The model and the material that somebody asked the price of last."""
        self.failing: list[tuple[Order, datetime]] = []
        """The orders of which a message fails, and since when."""
        self.orders: dict[str, str] = {}
        """The number of every order that was started, by its id."""
        self._order: Order | None = None
        self._people: dict[tuple[type[Person], str], Person] = {}
        self._work_orders: dict[str, list[dict[str, Any]]] = {}
        self._account_desks: dict[Person, AccountDesk] = {}
        self._own_alloy: str | None = None
        self._announced: str | None = None

    # -- people --------------------------------------------------------------------------------------------------

    def shopper(self, name: str) -> Shopper:
        """A customer of this scenario. A partner buys as any customer does."""
        partner = self._people.get((Partner, name))
        if isinstance(partner, Partner):
            return partner
        return self._meet(Shopper, name)

    def seller(self, name: str) -> Seller:
        """A seller of this scenario."""
        return self._meet(Seller, name)

    def operator(self, name: str) -> Operator:
        """An operator of this scenario, with a pay ledger of their own."""
        return self._meet(Operator, name)

    @property
    def operator_who_looks(self) -> Operator:
        """An operator whom the scenario does not name: what is on the board is seen through their eyes."""
        return self.operator(ONLOOKER)

    @property
    def seller_who_looks(self) -> Seller:
        """A seller whom the scenario does not name: what CRM shows is seen through their eyes."""
        return self.seller(ONLOOKER)

    @property
    def support(self) -> Seller:
        """Whoever answers the customer's call: they have a seller's rights, and no more."""
        return self.seller(SUPPORT)

    def partner(self, name: str) -> Partner:
        """A partner of this scenario."""
        return self._meet(Partner, name)

    def visitor(self, name: str) -> Visitor:
        """Somebody without an account."""
        return self._meet(Visitor, name)

    def administrator(self, name: str = "") -> Administrator:
        """An administrator of this scenario; without a name, the one whom no scenario asks about."""
        person = self._meet(Administrator, name or SUPPORT)
        if not name and self.backstage.browser is None:
            person.uses(self.backstage.unnamed("administrator", SUPPORT))
        return person

    @cached_property
    def bench(self) -> Bench:
        """The workstation of this scenario, registered at first use."""
        return bench_of(self)

    def person(self, name: str) -> Person:
        """Whoever in this scenario is called so. Raises AssertionError unless it is exactly one."""
        found = [person for (_, known), person in self._people.items() if known == name]
        assert len(found) == 1, f"{len(found)} people here are called {name}"
        return found[0]

    def _meet(self, kind: type[P], name: str) -> P:
        person = self._people.get((kind, name))
        if person is None:
            person = self._people[(kind, name)] = kind(self, name)
        assert isinstance(person, kind)
        return person

    def account_desk_of(self, person: Person) -> AccountDesk:
        """Where somebody who forgot the password gets in again, opened when it is first needed."""
        if person not in self._account_desks:
            self._account_desks[person] = account_desk_of(person)
        return self._account_desks[person]

    # -- the order -----------------------------------------------------------------------------------------------

    @property
    def order(self) -> Order:
        """The order that the scenario is about: the one started last."""
        assert self._order is not None, "nobody in this scenario has an order yet"
        return self._order

    @order.setter
    def order(self, order: Order) -> None:
        self._order = order
        self.orders[order.order_id] = order.number

    @property
    def buyer(self) -> Shopper:
        """Whose order the scenario is about. Raises AssertionError when nobody bought."""
        found = [each for each in self._people.values() if isinstance(each, Shopper) and each.has(self.order)]
        assert found, f"nobody here bought {self.order.number}"
        return found[0]

    def remember_work_orders(self, order: Order, found: list[dict[str, Any]]) -> None:
        """Work orders stay known after they leave the board."""
        self._work_orders.setdefault(order.order_id, found)

    def work_orders_of(self, order: Order) -> list[dict[str, Any]]:
        """The order's work orders that were seen on the board. Raises AssertionError when none was."""
        found = self._work_orders.get(order.order_id)
        assert found, f"no work order of {order.number} was seen on the board"
        return found

    def next_tracking_number(self) -> str:
        """The number of the next parcel: the one announced, else one that no other parcel has."""
        number, self._announced = self._announced or new_tracking_number(), None
        return number

    def announce_tracking_number(self) -> str:
        """Chooses the next parcel's number before the parcel exists."""
        self._announced = new_tracking_number()
        return self._announced

    # -- materials -----------------------------------------------------------------------------------------------

    @cached_property
    def price_book(self) -> PriceBook:
        """The price book in the seeded administrator's hands."""
        return PriceBook(self.backstage.admin)

    def material(self, word: str) -> str:
        """The code of a material; the scenario's own alloy gets into the price book at first use."""
        if word != OWN_ALLOY:
            return word
        if self._own_alloy is None:
            code = f"alloy_{self.unique}"
            self.price_book.add_alloy(code, like="silver_925")
            self._own_alloy = code
        return self._own_alloy

    # -- refusals ------------------------------------------------------------------------------------------------

    def attempt(self, action: Callable[[], Any]) -> Any:
        """Does what may be refused, and remembers the refusal. Returns the answer, or the refusal."""
        self.refusal = None
        try:
            return action()
        except Refusal as refusal:
            self.refusal = refusal
            return refusal

    def was_refused(self, because: str) -> Refusal:
        """The last attempt was refused for this reason (a word of REFUSALS). Raises AssertionError otherwise."""
        assert self.refusal is not None, f"it was allowed, though {because}"
        codes = REFUSALS[because]
        assert self.refusal.code in codes, f"refused, but not because {because} ({codes}): {self.refusal}"
        return self.refusal

    def at_once(self, *actions: Callable[[], Any]) -> list[Reply | Refusal | Any]:
        """Does several things at the same moment; each result is an answer or a refusal, in the order given."""

        def safely(action: Callable[[], Any]) -> Any:
            try:
                return action()
            except Refusal as refusal:
                return refusal

        with ThreadPoolExecutor(len(actions)) as crowd:
            return list(crowd.map(safely, actions))

    # -- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Mends what is broken and sends everybody home."""
        try:
            self.faults.mend()
        finally:
            self.mailbox.close()
            self.on_call.close()
            if self.exported is not None:
                self.exported.remove()
            if self._own_alloy is not None:
                self.price_book.remove_alloy(self._own_alloy)
            for desk in self._account_desks.values():
                desk.close()
            for person in self._people.values():
                person.leaves()
            if "bench" in self.__dict__:
                self.bench.close()
            self.stranger.close()

    def diagnosis(self) -> tuple[str, str]:
        """The timeline of the scenario's order, for the page about a failed scenario."""
        if self._order is None:
            return "Timeline of the order", "there is no order yet"
        shown = self.backstage.admin.get(f"/api/orchestrator/v1/orders/{self._order.number}/timeline").body
        return f"Timeline of order {self._order.number}", "\n".join(entry_line(entry) for entry in shown["entries"])

    def logs(self) -> tuple[str, str]:
        """The log lines of every service that name the scenario's order."""
        if self._order is None or not self.backstage.address.project:
            return "Logs", "none: no order, or the containers are out of reach"
        services = ("shop", "pricing", "pricing-worker", "orchestrator", "crm", "mes")
        lines = [
            f"{service}: {line}"
            for service in services
            for line in self.backstage.containers.logs(service, lines=2000).splitlines()
            if self._order.order_id in line
        ]
        return f"Logs that name order {self._order.number}", "\n".join(lines[-200:])


def new_tracking_number() -> str:
    """A number that no other parcel has."""
    return f"SP{uuid.uuid4().hex[:12].upper()}"
