"""An administrator or support person: finds an order, reads its timeline, repairs what is stuck."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from step_defs.drivers.browser import Window
from step_defs.drivers.waiting import eventually
from step_defs.dsl.care_desk import CareDesk, care_desk_of
from step_defs.dsl.operations import ORCHESTRATOR, BrowserOperations, HttpOperations, Operations
from step_defs.dsl.order import SOON_S, Order
from step_defs.dsl.person import Person
from step_defs.dsl.price_book import PriceBook
from step_defs.dsl.price_desk import BrowserPriceDesk, HttpPriceDesk, PriceDesk, Seen
from step_defs.dsl.rate_desk import IN_FORCE, BrowserRateDesk, HttpRateDesk, RateDesk
from step_defs.dsl.watch_desk import WatchDesk, watch_desk_of
from step_defs.dsl.words import OWN_ALLOY

if TYPE_CHECKING:
    from step_defs.dsl.operator import Operator

PAGES_MAX = 40
RATE_BEGINS_WITHIN_S = 30.0


class Administrator(Person):
    """Somebody responsible for the whole road of an order."""

    roles = ("administrator",)
    seen: Seen | None = None
    """What the last look at a new price told."""

    @cached_property
    def price_book(self) -> PriceBook:
        """The price book in this administrator's hands."""
        return PriceBook(self.door)

    @cached_property
    def operations(self) -> Operations:
        """Where they look after messages: the API or the pages, whichever this run is about."""
        window = self._window()
        return HttpOperations(self.door, self._pages) if window is None else BrowserOperations(window)

    @cached_property
    def rates(self) -> RateDesk:
        """Where they set what operators are paid: the API or the pages, whichever this run is about."""
        window = self._window()
        return HttpRateDesk(self.door) if window is None else BrowserRateDesk(window)

    @cached_property
    def price_desk(self) -> PriceDesk:
        """Where they change prices: the API or the pages, whichever this run is about."""
        window = self._window()
        return HttpPriceDesk(self.door) if window is None else BrowserPriceDesk(window)

    @cached_property
    def watches(self) -> WatchDesk:
        """Where they watch the system: the API or the pages, whichever this run is about."""
        return watch_desk_of(self)

    def _window(self) -> Window | None:
        """A window in which they are signed in; None where this run is about the API."""
        browser = self.world.backstage.browser
        if browser is None or self.shares_session:
            return None
        # The account exists once somebody came in with it.
        self.door  # noqa: B018
        window = browser.window()
        window.sign_in(email=self.email, password=self.password)
        return window

    @cached_property
    def care(self) -> CareDesk:
        """Where they see the orders that wait for a seller far too long."""
        return care_desk_of(self)

    def leaves(self) -> None:
        """Ends the connection."""
        for place in ("operations", "rates", "care", "price_desk", "watches"):
            if place in self.__dict__:
                self.__dict__[place].close()
        super().leaves()

    def sees_escalated(self, order: Order, *, in_charge: str | None) -> None:
        """Waits until the order is on the list of those that wait far too long, with who looks after it."""
        eventually(
            self.care.escalated,
            lambda shown: order.order_id in shown and shown[order.order_id] == in_charge,
            within_s=SOON_S,
            what=f"order {order.number} on the administrators' list, in the charge of {in_charge}",
        )

    def is_reminded(self, order: Order) -> None:
        """Waits until the order is among what the administrators are reminded of."""
        eventually(
            self.care.due,
            lambda due: order.order_id in {each["order_id"] for each in due},
            within_s=SOON_S,
            what=f"the administrators are reminded of {order.number}",
        )

    def sees_not_escalated(self, order: Order) -> None:
        """Waits until the order is on the list no more."""
        eventually(
            self.care.escalated,
            lambda shown: order.order_id not in shown,
            within_s=SOON_S,
            what=f"order {order.number} has left the administrators' list",
        )

    @property
    def why(self) -> str:
        """The reason that this administrator gives for prices, and nobody else does."""
        return f"{self.name} {self.world.unique}"

    def opens_prices(self) -> None:
        """Has the prices before them, with the scenario's own alloy among them."""
        self.world.material(OWN_ALLOY)
        self.price_desk.opens()

    def looks_at_price(self, *, percent: Decimal) -> None:
        """Looks at what a dearer metal of the scenario's own alloy would do."""
        self.seen = self.price_desk.looks(self.world.material(OWN_ALLOY), percent=percent)

    # -- the rates of pay ----------------------------------------------------------------------------------------

    def sets_rate(self, material: str, *, per_piece: Decimal, per_gram: Decimal, ahead: timedelta) -> None:
        """Sets what a material pays, so long from now on. Raises Refusal."""
        begins = (datetime.now(UTC) + ahead).replace(microsecond=0)
        self.rates.sets(material, per_piece=per_piece, per_gram=per_gram, begins=begins)

    def withdraws_rate(self, material: str, *, reason: str) -> None:
        """Takes the planned rate of a material back. Raises Refusal."""
        self.rates.withdraws(material, reason=reason)

    def sees_rate_begin(self, material: str) -> None:
        """Waits until a rate of the material's own is in force."""
        eventually(
            lambda: self.rates.shown(IN_FORCE, material),
            within_s=RATE_BEGINS_WITHIN_S,
            what=f"a rate of {material} begins",
        )

    def timeline(self, order: Order) -> dict[str, Any]:
        """Everything known about one order's life."""
        shown: dict[str, Any] = self.door.get(f"{ORCHESTRATOR}/orders/{order.number}/timeline").body
        return shown

    def timeline_text(self, order: Order) -> str:
        """The timeline as lines for people."""
        shown = self.timeline(order)
        lines = [entry_line(entry) for entry in shown["entries"]]
        stuck = shown.get("stuck")
        return "\n".join([*lines, f"stuck: {stuck}" if stuck else "not stuck"])

    def sees_attention(self, order: Order, attention: str, *, within_s: float = 30) -> dict[str, Any]:
        """Waits until the order is on the list of those that need attention, and returns its row."""
        rows = eventually(
            lambda: [row for row in self._pages("/orders", attention=attention) if row["order_id"] == order.order_id],
            within_s=within_s,
            what=f"order {order.number} is listed as {attention}",
        )
        return rows[0]

    def sees_stuck_stage(self, order: Order, *, within_s: float = 30) -> dict[str, Any]:
        """Waits until the order's timeline names the stage it is stuck in."""
        stuck: dict[str, Any] = eventually(
            lambda: self.timeline(order)["stuck"],
            within_s=within_s,
            what=f"order {order.number} shows where it is stuck",
        )
        return stuck

    def set_aside(self, order: Order) -> list[dict[str, Any]]:
        """The messages about an order that were set aside, in every service."""
        return self.operations.set_aside(order.order_id)

    def sees_set_aside(self, order: Order, *, within_s: float = 30) -> dict[str, Any]:
        """Waits for a message about the order to be shown as set aside, and returns it."""
        return eventually(
            lambda: self.set_aside(order), within_s=within_s, what=f"a message about {order.number} is set aside"
        )[0]

    def replays(self, message: dict[str, Any], *, body: dict[str, Any] | None = None) -> None:
        """Sends a set-aside message again, repaired when `body` is given."""
        self.operations.replays(message, body=body)

    def findings_about(self, order: Order) -> list[dict[str, Any]]:
        """What the reconciliation report finds wrong with an order."""
        report = self.door.get(f"{ORCHESTRATOR}/reconciliation").body
        return [finding for finding in report["findings"] if finding["order_id"] == order.order_id]

    def agrees_everywhere(self, order: Order) -> None:
        """Waits until no service believes anything else about the order than the others."""
        eventually(
            lambda: self.findings_about(order),
            lambda findings: not findings,
            within_s=SOON_S,
            what=f"every service agrees about {order.number}",
        )

    def changes_roles(self, person: Person, roles: list[str]) -> None:
        """Gives somebody other roles; their sessions end."""
        self.operations.changes_roles(user_id=person.user_id, email=person.email, roles=roles)

    def gives_badge(self, operator: Operator) -> None:
        """Gives an operator a badge, who chooses a PIN for it."""
        code = self.operations.gives_badge(user_id=operator.user_id)
        operator.carries_badge(code)

    def unlocks_badge(self, operator: Operator) -> None:
        """Forgives an operator's wrong PINs."""
        self.operations.unlocks_badge(user_id=operator.user_id)

    def _pages(self, path: str, **filters: Any) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = self.door.get(f"{ORCHESTRATOR}{path}", limit=100, cursor=cursor, **filters).body
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return
        raise AssertionError(f"more than {PAGES_MAX} pages of {path}")


def entry_line(entry: dict[str, Any]) -> str:
    """One timeline entry as a line: when, who, what."""
    return f"{str(entry['at'])[11:23]}  {entry['service']:<12} {entry['kind']:<11} {entry['title']}"
