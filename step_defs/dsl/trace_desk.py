"""Where whoever supports a customer sees an order's road, by the API or by the pages.

A road as both show it: `whole` (whether it has no gap), `passed` (the services that worked on it), `lines` (how many log lines are in
it), `failed` (how many pieces of work in it failed), and `set_aside`: of each message that failed, how often it was tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door
from step_defs.dsl.sales_desk import CRM

if TYPE_CHECKING:
    from step_defs.dsl.person import Person

OBSERVABILITY = "/api/observability/v1"
SET_ASIDE = "message set aside"
PAGE = "/observability/orders/"
CLICKS_MAX = 2
Road = dict[str, Any]


class TraceDesk(Protocol):
    """What support sees of an order's road."""

    def follows(self, number: str) -> Road:
        """The road of the order of this number. Raises AssertionError when it takes more than two clicks to get there."""

    def close(self) -> None:
        """Leaves."""


class HttpTraceDesk:
    """By the APIs: a search for the number, then the road."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def follows(self, number: str) -> Road:
        [found] = self._door.get(f"{CRM}/orders", query=number).body["items"]
        told = self._door.get(f"{OBSERVABILITY}/orders/{found['order_id']}/trace").body
        return road_of(told)

    def close(self) -> None:
        """Nothing is open."""


def road_of(told: dict[str, Any]) -> Road:
    """The road as the API tells it."""
    tries = [line["attributes"] for line in told["lines"] if line["body"] == SET_ASIDE]
    return {
        "whole": told["unbroken"],
        "gaps": [gap["text"] for gap in told["gaps"]],
        "passed": {span["service"] for span in told["spans"]},
        "lines": len(told["lines"]),
        "failed": sum(span["is_error"] for span in told["spans"]),
        "set_aside": [int(each["attempts"]) for each in tries if each["state"] == "parked"],
    }


class BrowserTraceDesk:
    """By the pages, in a real browser."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def follows(self, number: str) -> Road:
        window, page = self._window, self._window.page
        window.goto("/crm/search")
        page.locator('main [name="query"]').fill(number)
        page.locator("main .filters button").click()
        page.wait_for_load_state()
        clicks, link = 0, page.locator(f'a[href^="{PAGE}"]').first
        if not link.count():
            page.locator("#found > .row a").first.click()
            page.locator("#order").wait_for()
            clicks += 1
        link.click()
        page.locator("#trace[data-unbroken]").wait_for()
        clicks += 1
        assert clicks <= CLICKS_MAX, f"it takes {clicks} clicks from the number of the order to its road"
        window.check()
        return self._road()

    def _road(self) -> Road:
        [trace] = self._window.all("#trace")
        work = self._window.all("#trace .waterfall > [data-name]")
        tries = self._window.all('#trace [data-message][data-state="parked"] .sum')
        return {
            "whole": trace["data-unbroken"] == "yes",
            "gaps": [gap["text"] for gap in self._window.all("#trace [data-gap]")],
            "passed": {span["data-service"] for span in work},
            "lines": len(self._window.all("#trace .waterfall > [data-line]")),
            "failed": sum(span["data-failed"] == "yes" for span in work),
            "set_aside": [int(each["text"]) for each in tries],
        }

    def close(self) -> None:
        self._window.close()


def trace_desk_of(person: Person) -> TraceDesk:
    """Somebody's way to the roads of orders: the API or the pages, whichever this run is about."""
    door = person.door
    browser = person.world.backstage.browser
    if browser is None or person.shares_session:
        return HttpTraceDesk(door)
    window = browser.window()
    window.sign_in(email=person.email, password=person.password)
    return BrowserTraceDesk(window)
