"""The place where administrators set what operators are paid, by the API or by the pages.

A rate as both show it: material, valid_from, per_piece, per_gram.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door, Refusal

API = "/api/mes/v1/pay-rates"
PAGE = "/mes/rates"
IN_FORCE, PLANNED, WITHDRAWN = "in_force", "planned", "withdrawn"
WHY = "the work got dearer"
Rate = dict[str, Any]


class RateDesk(Protocol):
    """What an administrator can see of rates, and do with them."""

    def shown(self, kind: str, material: str) -> list[Rate]:
        """The rates of a material that are in force, planned or withdrawn."""

    def sets(self, material: str, *, per_piece: Decimal, per_gram: Decimal, begins: datetime) -> None:
        """Looks at what a rate would mean, and sets it. Raises Refusal."""

    def withdraws(self, material: str, *, reason: str) -> None:
        """Takes the planned rate of a material back. Raises Refusal."""

    def close(self) -> None:
        """Leaves."""


class HttpRateDesk:
    """By the API."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def shown(self, kind: str, material: str) -> list[Rate]:
        rates = self._door.get(API).body[kind]
        amounts = ("per_piece", "per_gram")
        return [
            rate | {name: rate[name]["amount"] for name in amounts} for rate in rates if rate["material"] == material
        ]

    def sets(self, material: str, *, per_piece: Decimal, per_gram: Decimal, begins: datetime) -> None:
        rate = {"material": material, "per_piece": str(per_piece), "per_gram": str(per_gram)}
        meant = self._door.get(f"{API}/meaning", **rate, valid_from=begins.isoformat()).body
        assert Decimal(meant["example"]["after"]["amount"]) == per_piece + 3 * per_gram, f"it means {meant['example']}"
        self._door.post(API, rate | {"valid_from": begins.isoformat(), "reason": WHY})

    def withdraws(self, material: str, *, reason: str) -> None:
        [rate] = self.shown(PLANNED, material)
        told = {"material": material, "valid_from": rate["valid_from"], "reason": reason}
        self._door.post(f"{API}/withdrawal", told)

    def close(self) -> None:
        pass


class BrowserRateDesk:
    """By the pages, in a real browser."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def shown(self, kind: str, material: str) -> list[Rate]:
        self._window.goto(PAGE)
        names = {"data-from": "valid_from", "data-piece": "per_piece", "data-gram": "per_gram"}
        return [
            {"material": material} | {name: row[attribute] for attribute, name in names.items()}
            for row in self._window.all(_row(kind, material))
        ]

    def sets(self, material: str, *, per_piece: Decimal, per_gram: Decimal, begins: datetime) -> None:
        self._window.goto(PAGE)
        page = self._window.page
        form = page.locator(".rate-form")
        zone = ZoneInfo(str(form.get_attribute("data-zone")))
        form.locator('[name="material"]').select_option(material)
        form.locator('[name="per_piece"]').fill(str(per_piece).replace(".", ","))
        form.locator('[name="per_gram"]').fill(str(per_gram).replace(".", ","))
        form.locator('[name="valid_from"]').fill(_typed(begins.astimezone(zone)))
        form.locator('[name="reason"]').fill(WHY)
        form.locator("button").click()
        page.locator('[data-confirmed="no"], .problem').first.wait_for()
        self._refuse("set")
        self._window.check()
        page.locator('[data-confirmed="no"] form button').click()
        page.locator(f"{_row(PLANNED, material)}, {_row(IN_FORCE, material)}, .problem").first.wait_for()
        self._refuse("set")
        self._window.check()

    def withdraws(self, material: str, *, reason: str) -> None:
        self._window.goto(PAGE)
        page = self._window.page
        row = page.locator(_row(PLANNED, material))
        row.locator("summary").click()
        row.locator('[name="reason"]').fill(reason)
        row.locator("form button").click()
        # Folded away, and there.
        page.locator(f"{_row(WITHDRAWN, material)}, .problem").first.wait_for(state="attached")
        self._refuse("withdraw")
        self._window.check()

    def _refuse(self, what: str) -> None:
        problem = self._window.all(".problem")
        if problem:
            raise Refusal(what, 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})

    def close(self) -> None:
        self._window.close()


def _row(kind: str, material: str) -> str:
    return f'[data-rate="{kind.replace("_", "-")}"][data-material="{material}"]'


def _typed(moment: datetime) -> str:
    """As a field for day and time holds it: seconds only where there are some."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S" if moment.second else "%Y-%m-%dT%H:%M")
