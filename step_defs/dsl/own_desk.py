"""A customer's own place, by the APIs or by the pages: their data to take along, the way out, their models and prices.

There is no list of own models in an API, so that without a browser its page is read as one without a script reads it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door, Refusal

if TYPE_CHECKING:
    from step_defs.dsl.person import Person

IDENTITY = "/api/identity/v1"
ACCOUNT = "/account"
MODELS = "/shop/models"
QUOTES = "/shop/quotes"
PAGE = {"Accept": "text/html"}
ROW = re.compile(r'data-model="([^"]+)" data-name="([^"]*)" data-used="([^"]*)"')
PRICE = re.compile(r'data-quote="([^"]+)" data-material="([^"]*)" data-total="([^"]*)"')
Row = dict[str, Any]


class OwnDesk(Protocol):
    """What a customer can do with what is theirs."""

    def own_data(self) -> Row:
        """Everything that we keep of them, as they take it along."""

    def leaves_us(self, password: str) -> None:
        """Has all of it deleted. Raises Refusal."""

    def models(self) -> list[Row]:
        """Their models: file_id, name, and the number of the order that needs it, if one does."""

    def prices(self) -> list[Row]:
        """The prices they asked for: quote_id, material, and the firm total, if there is one."""

    def deletes_model(self, file_id: str) -> None:
        """Deletes a model. Raises Refusal."""

    def close(self) -> None:
        """Leaves."""


class HttpOwnDesk:
    """By the APIs, and by pages without a script."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def own_data(self) -> Row:
        told: Row = json.loads(self._door.fetch(f"{IDENTITY}/me/data"))
        return told

    def leaves_us(self, password: str) -> None:
        self._door.post(f"{IDENTITY}/me/erasure", {"password": password})

    def models(self) -> list[Row]:
        page = str(self._door.ask("GET", MODELS, headers=PAGE).body)
        return [{"file_id": found[0], "name": found[1], "order": found[2]} for found in ROW.findall(page)]

    def prices(self) -> list[Row]:
        page = str(self._door.ask("GET", QUOTES, headers=PAGE).body)
        return [{"quote_id": found[0], "material": found[1], "total": found[2]} for found in PRICE.findall(page)]

    def deletes_model(self, file_id: str) -> None:
        self._door.ask("POST", f"{MODELS}/{file_id}/deletion", headers=PAGE)

    def close(self) -> None:
        """Nothing is open."""


class BrowserOwnDesk:
    """By the pages, in a real browser."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def own_data(self) -> Row:
        self._window.goto(ACCOUNT)
        with self._window.page.expect_download() as caught:
            self._window.page.locator("[data-take]").click()
        assert caught.value.suggested_filename == "alexandrite-my-data.json"
        told: Row = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
        return told

    def leaves_us(self, password: str) -> None:
        self._window.goto(f"{ACCOUNT}/delete")
        self._window.page.locator('[data-action="delete"] [name="password"]').fill(password)
        with self._window.page.expect_navigation():
            self._window.page.locator('[data-action="delete"] button[type="submit"]').click()
        self._refused("deleting one's data")
        self._window.check("answer")
        assert self._window.all("[data-deleted]"), "the page does not say that the data is being deleted"

    def models(self) -> list[Row]:
        self._window.goto(MODELS)
        rows = self._window.all("[data-model]")
        return [{"file_id": row["data-model"], "name": row["data-name"], "order": row["data-used"]} for row in rows]

    def prices(self) -> list[Row]:
        self._window.goto(QUOTES)
        rows = self._window.all("[data-quote]")
        return [
            {"quote_id": row["data-quote"], "material": row["data-material"], "total": row["data-total"]}
            for row in rows
        ]

    def deletes_model(self, file_id: str) -> None:
        self._window.goto(MODELS)
        row = self._window.page.locator(f'[data-model="{file_id}"]')
        if not row.locator("details.delete").count():
            raise Refusal("deleting a model", 409, {"code": "model-in-use", "detail": "the page offers no deletion"})
        row.locator("details.delete summary").click()
        with self._window.page.expect_navigation():
            row.locator('[data-action="deletion"] button[type="submit"]').click()
        self._refused("deleting a model")
        self._window.check()

    def close(self) -> None:
        self._window.close()

    def _refused(self, what: str) -> None:
        said = self._window.all(".problem[data-code], p.fault[data-code]")
        if said:
            # The page's status says so too, and the browser reports that as a fault.
            self._window.forgive("status of 4")
            raise Refusal(what, 409, {"code": said[0]["data-code"], "detail": said[0]["text"]})


def own_desk_of(person: Person) -> OwnDesk:
    """Somebody's own place: the APIs or the pages, whichever this run is about."""
    browser = person.world.backstage.browser
    if browser is None or person.shares_session or person.roles:
        return HttpOwnDesk(person.door)
    person.door  # noqa: B018  the account exists from here on
    window = browser.window()
    window.sign_in(email=person.email, password=person.password)
    return BrowserOwnDesk(window)
