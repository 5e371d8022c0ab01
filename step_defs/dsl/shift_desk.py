"""The place of whoever leads the shift, by MES's API or by its page: what will be late and why, and the queue of calculations.

Risky work as both show it: order_number, risk, position, promise_at. A calculation: quote_id, state, position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door

if TYPE_CHECKING:
    from step_defs.dsl.person import Person

MES = "/api/mes/v1"
SHIFT = "/mes/shift"
SHOWN_MAX = 500
Seen = dict[str, Any]


class ShiftDesk(Protocol):
    """What a shift lead can see."""

    def risky(self, order_number: str) -> Seen | None:
        """The order's work as the list of what will be late shows it, or None when it is not there."""

    def calculation(self, quote_id: str) -> Seen | None:
        """A price as the queue of calculations shows it, or None when it is not there (any more)."""

    def close(self) -> None:
        """Leaves."""


class HttpShiftDesk:
    """By the API."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def risky(self, order_number: str) -> Seen | None:
        for item in self._door.get(f"{MES}/late-risk", risk="late", limit=SHOWN_MAX).body["items"]:
            if item["order_number"] == order_number:
                position = item["why"]["position"] if item["why"] else None
                return {name: item[name] for name in ("order_number", "risk", "promise_at")} | {"position": position}
        return None

    def calculation(self, quote_id: str) -> Seen | None:
        for item in self._door.get(f"{MES}/calculations").body["items"]:
            if item["quote_id"] == quote_id:
                return {name: item[name] for name in ("quote_id", "state", "position")}
        return None

    def close(self) -> None:
        pass


class BrowserShiftDesk:
    """By the page, in a real browser. It is opened once and left open: it has to tell by itself what is new."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._open = ""

    def risky(self, order_number: str) -> Seen | None:
        self._stay_at(f"{SHIFT}?risk=late")
        found = self._window.all(f'[data-risky][data-number="{order_number}"]')
        return (
            {
                "order_number": order_number,
                "risk": found[0]["data-risk"],
                "promise_at": found[0]["data-promise"],
                "position": int(found[0]["data-position"]) if found[0]["data-position"] else None,
            }
            if found
            else None
        )

    def calculation(self, quote_id: str) -> Seen | None:
        self._stay_at(SHIFT)
        found = self._window.all(f'[data-calculation="{quote_id}"]')
        return (
            {"quote_id": quote_id, "state": found[0]["data-state"], "position": int(found[0]["data-position"])}
            if found
            else None
        )

    def close(self) -> None:
        self._window.close()

    def _stay_at(self, address: str) -> None:
        if self._open != address:
            self._window.goto(address)
            self._window.page.locator("alexandrite-chart .plot canvas").first.wait_for()
            self._open = address


def shift_desk_of(person: Person) -> ShiftDesk:
    """Somebody's place as the lead of the shift: MES's API or its page, whichever this run is about."""
    door = person.door
    browser = person.world.backstage.browser
    if browser is None or person.shares_session:
        return HttpShiftDesk(door)
    window = browser.window()
    window.sign_in(email=person.email, password=person.password)
    return BrowserShiftDesk(window)
