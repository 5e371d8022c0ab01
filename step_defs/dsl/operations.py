"""The place of whoever answers for the whole road, by the API or by the pages: what was set aside, and its delivery.

A message as both show it: id, service, state, order_id, error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from urllib.parse import urlencode

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door

ORCHESTRATOR = "/api/orchestrator/v1"
SET_ASIDE = ("dead", "parked")
Message = dict[str, Any]


class Operations(Protocol):
    """What an administrator can see of messages, and do with them."""

    def set_aside(self, order_id: str) -> list[Message]:
        """The messages about an order that were set aside, in every service."""

    def replays(self, message: Message, *, body: dict[str, Any] | None) -> None:
        """Has a message delivered again, mended when `body` is given."""

    def changes_roles(self, *, user_id: str, email: str, roles: list[str]) -> None:
        """Gives somebody other roles; their sessions end."""

    def gives_badge(self, *, user_id: str) -> str:
        """Gives somebody a badge; its code, which is shown this once."""

    def unlocks_badge(self, *, user_id: str) -> None:
        """Forgives somebody's wrong PINs."""

    def close(self) -> None:
        """Leaves."""


class HttpOperations:
    """By the API. `pages` reads a list of it to its end."""

    def __init__(self, door: Door, pages: Callable[..., Iterator[Message]]) -> None:
        self._door, self._pages = door, pages

    def set_aside(self, order_id: str) -> list[Message]:
        found = (message for state in SET_ASIDE for message in self._pages("/messages", state=state))
        return [message for message in found if message["order_id"] == order_id]

    def replays(self, message: Message, *, body: dict[str, Any] | None) -> None:
        asked: dict[str, Any] = {"service": message["service"], "ids": [message["id"]], "state": message["state"]}
        self._door.post(f"{ORCHESTRATOR}/replays", asked if body is None else asked | {"amended_body": body})

    def changes_roles(self, *, user_id: str, email: str, roles: list[str]) -> None:
        self._door.ask("PUT", f"/api/identity/v1/users/{user_id}/roles", json={"roles": roles})

    def gives_badge(self, *, user_id: str) -> str:
        return str(self._door.post(f"/api/identity/v1/users/{user_id}/badge")["code"])

    def unlocks_badge(self, *, user_id: str) -> None:
        self._door.ask("DELETE", f"/api/identity/v1/users/{user_id}/badge/lock")

    def close(self) -> None:
        pass


class BrowserOperations:
    """By the pages, in a real browser."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def set_aside(self, order_id: str) -> list[Message]:
        self._window.goto("/operations/")
        return [
            {
                "id": found["data-message"],
                "service": found["data-service"],
                "state": found["data-state"],
                "order_id": order_id,
                "error": found["data-error"],
            }
            for found in self._window.all(f'[data-message][data-order="{order_id}"]')
            if found["data-state"] in SET_ASIDE
        ]

    def replays(self, message: Message, *, body: dict[str, Any] | None) -> None:
        page = self._window.page
        self._window.goto("/operations/")
        row = page.locator(f'[data-message="{message["id"]}"]')
        page.locator(f'.heap:has([data-message="{message["id"]}"]) > details > summary').click()
        if body is None:
            row.locator("form button").first.click()
        else:
            row.locator("details > summary").click()
            row.locator("textarea").fill(json.dumps(body))
            row.locator("details form button").click()
        # First it is shown what would happen; then it is done.
        page.locator('[data-confirmed="no"][data-count="1"] form button').click()
        page.locator('[data-confirmed="yes"][data-count="1"]').wait_for()
        self._window.check()

    def changes_roles(self, *, user_id: str, email: str, roles: list[str]) -> None:
        self._window.goto(f"/people?{urlencode({'email': email})}")
        row = self._window.page.locator(f"#u-{user_id}")
        for box in row.locator('[name="roles"]').all():
            box.set_checked(box.get_attribute("value") in roles)
        row.locator("form button").click()
        self._window.page.locator(f'#u-{user_id}[data-roles="{" ".join(sorted(roles))}"]').wait_for()
        self._window.check()

    def gives_badge(self, *, user_id: str) -> str:
        self._window.goto(f"/people/{user_id}/badge")
        form = self._window.page.locator('form[data-action="issue"]')
        if not form.is_visible():
            # Who has one already gets another in its place.
            self._window.page.locator('details:has(form[data-action="issue"]) > summary').click()
        form.locator("button").click()
        self._window.page.locator("[data-badge-code] svg").wait_for()
        self._window.check()
        return self._window.all("[data-badge-code]")[0]["data-badge-code"]

    def unlocks_badge(self, *, user_id: str) -> None:
        self._window.goto(f"/people/{user_id}/badge")
        self._window.page.locator('[data-locked="yes"] form[data-action="unlock"] button').click()
        self._window.page.locator('[data-locked="no"]').wait_for()
        self._window.check()

    def close(self) -> None:
        self._window.close()
