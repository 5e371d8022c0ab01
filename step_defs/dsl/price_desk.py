"""The place of whoever answers for prices, by the API or by the pages: what a new price would do, and its publication.

One price at a time is worked on: it is looked at first, and then published or planned.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Protocol

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door, Refusal
from step_defs.dsl.price_book import PATH, TRIES_MAX, PriceBook

UNIT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look told of the open quotes of one material."""

    count: int
    up: int
    remade: int


class PriceDesk(Protocol):
    """What an administrator can do about prices. `reason` is a sentence that nobody else writes."""

    def opens(self) -> None:
        """Has the prices before them, to look at a new one at once."""

    def looks(self, metal: str, *, percent: Decimal) -> Seen:
        """What it would do if this metal, of one material of the same code, got so much dearer. Nothing changes."""

    def publishes(self, reason: str) -> None:
        """Publishes what was looked at, on top of whatever others published meanwhile."""

    def plans(self, reason: str) -> None:
        """Plans what was looked at for tomorrow."""

    def planned(self) -> list[str]:
        """The reasons of everything that is planned."""

    def withdraws(self, reason: str) -> None:
        """Withdraws what was planned for this reason."""

    def close(self) -> None:
        """Leaves."""


class HttpPriceDesk:
    """By the API."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._book = PriceBook(door)
        self._metal, self._price = "", ""

    def opens(self) -> None:
        self._book.read()

    def looks(self, metal: str, *, percent: Decimal) -> Seen:
        book, _ = self._book.read()
        price = Decimal(book["spot_per_g"][metal]) * (1 + percent / 100)
        self._metal, self._price = metal, str(price.quantize(UNIT, rounding=ROUND_HALF_EVEN))
        seen = self._sends("POST", f"{PATH}/previews")
        tally = seen["quotes"]["by_material"].get(metal, {"count": 0, "up": 0, "remade": 0})
        return Seen(tally["count"], tally["up"], tally["remade"])

    def publishes(self, reason: str) -> None:
        self._sends("PUT", PATH, reason=reason)

    def plans(self, reason: str) -> None:
        starts_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        self._sends("PUT", f"{PATH}/plans/{uuid.uuid4()}", reason=reason, starts_at=starts_at)

    def planned(self) -> list[str]:
        return [plan["reason"] for plan in self._plans()]

    def withdraws(self, reason: str) -> None:
        (plan,) = [plan for plan in self._plans() if plan["reason"] == reason]
        self._door.post(f"{PATH}/plans/{plan['plan_id']}/withdrawal", {"reason": "not any more"})

    def close(self) -> None:
        pass

    def _plans(self) -> list[dict[str, Any]]:
        return [plan for plan in self._door.get(f"{PATH}/plans")["items"] if plan["outcome"] is None]

    def _sends(self, method: str, path: str, **told: str) -> dict[str, Any]:
        """The present book with the new price in it; again with the newer one when somebody published in between."""
        for _ in range(TRIES_MAX):
            book, version = self._book.read()
            book["spot_per_g"][self._metal] = self._price
            try:
                answer: dict[str, Any] = self._door.ask(
                    method, path, json={"book": book, **told}, headers={"If-Match": version}
                ).body
            except Refusal as refusal:
                if refusal.status != 412:
                    raise
            else:
                return answer
        raise AssertionError(f"the price book changed under every one of {TRIES_MAX} tries")


class BrowserPriceDesk:
    """By the pages, in a real browser."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._is_open = False

    def opens(self) -> None:
        self._window.goto("/prices/")
        self._is_open = True

    def looks(self, metal: str, *, percent: Decimal) -> Seen:
        if not self._is_open:
            self.opens()
        self._is_open = False
        field = self._window.page.locator(f'#metals [name="v:spot_per_g.{metal}"]')
        price = Decimal(field.input_value().replace(",", ".")) * (1 + percent / 100)
        field.fill(str(price.quantize(UNIT, rounding=ROUND_HALF_EVEN)).replace(".", ","))
        self._window.page.locator("#metals button").click()
        self._window.page.locator("#preview").wait_for()
        self._window.check()
        rows = self._window.all(f'#by-material [data-material="{metal}"]')
        if not rows:
            return Seen(0, 0, 0)
        return Seen(*(int(rows[0][f"data-{name}"]) for name in ("count", "up", "remade")))

    def publishes(self, reason: str) -> None:
        self._window.page.locator('#publish [name="reason"]').fill(reason)
        self._sends()

    def plans(self, reason: str) -> None:
        form = self._window.page.locator("#publish")
        form.locator('[name="reason"]').fill(reason)
        form.locator('[name="when"][value="later"]').check()
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        form.locator('[name="starts_at"]').fill(tomorrow.strftime("%Y-%m-%dT%H:%M"))
        self._sends()

    def planned(self) -> list[str]:
        self._window.goto("/prices/")
        return [found["data-reason"] for found in self._window.all('.plan[data-outcome="waiting"]')]

    def withdraws(self, reason: str) -> None:
        self._window.goto("/prices/")
        plan = self._window.page.locator(f'.plan[data-reason="{reason}"]')
        plan.locator("details.withdraw > summary").click()
        plan.locator('[name="reason"]').fill("not any more")
        plan.locator("form button").click()
        self._window.page.locator("p.decided").wait_for()
        self._window.check()

    def close(self) -> None:
        self._window.close()

    def _sends(self) -> None:
        """Once more, with everything that was typed, when the page says that a colleague published in between."""
        page = self._window.page
        for _ in range(TRIES_MAX):
            page.locator("#publish .finish button").first.click()
            page.locator("p.decided, [data-overtaken]").first.wait_for()
            self._window.forgive("status of 409")
            if page.locator("p.decided").count():
                self._window.check()
                return
        raise AssertionError(f"the price book changed under every one of {TRIES_MAX} tries")
