"""A workstation that operators share, by the API or by the pages: a badge and a PIN, and the work can begin.

Whoever signs in works there until the next one does; the desk is the same, and is always that of whoever came last.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from step_defs.drivers.browser import Chromium, Window
from step_defs.drivers.http import Door, Refusal
from step_defs.dsl.backstage import ADMINISTRATOR, Backstage
from step_defs.dsl.desk import BrowserDesk, Desk, HttpDesk

if TYPE_CHECKING:
    from step_defs.dsl.world import World

IDENTITY = "/api/identity/v1"
BADGE_PAGE = "/sign-in/badge"
DEVICE_COOKIE = "__Host-workstation"
SESSION_COOKIE = "__Host-session"
# What a browser writes into its console when the page that answers a form refuses what was typed.
REFUSED = tuple(f"status of {status}" for status in (401, 403, 409, 422, 429))


class Bench(Protocol):
    """What operators do at it."""

    @property
    def desk(self) -> Desk:
        """MES as whoever is signed in there sees it."""

    def signs_in(self, code: str, pin: str) -> str:
        """A badge is scanned and a PIN typed; the token of the session that began. Raises Refusal."""

    def who(self) -> str:
        """Whose name it shows."""

    def close(self) -> None:
        """Switches it off."""


class HttpBench:
    """By the API: the device is its cookie, whoever works there the token."""

    def __init__(self, backstage: Backstage, name: str) -> None:
        made = backstage.admin.ask("POST", f"{IDENTITY}/workstations", json={"name": name})
        kept = re.search(f"{DEVICE_COOKIE}=([^;]+)", made.headers["set-cookie"])
        assert kept is not None, "a workstation is registered, and the browser does not know"
        self._device = {"Cookie": kept.group(0)}
        self._door = Door(backstage.address)

    @cached_property
    def desk(self) -> Desk:
        return HttpDesk(self._door)

    def signs_in(self, code: str, pin: str) -> str:
        opened = self._door.ask(
            "POST", f"{IDENTITY}/sessions/badge", json={"code": code, "pin": pin}, headers=self._device
        )
        self._door.token = str(opened["access_token"])
        return self._door.token

    def who(self) -> str:
        return str(self._door.get(f"{IDENTITY}/me")["name"])

    def close(self) -> None:
        self.desk.close()
        self._door.close()


class BrowserBench:
    """By the pages: an administrator registers the browser, and leaves it to the operators."""

    def __init__(self, browser: Chromium, backstage: Backstage, name: str) -> None:
        self._window = browser.window()
        make_workstation(self._window, backstage, name)

    @cached_property
    def desk(self) -> Desk:
        return BrowserDesk(self._window)

    def signs_in(self, code: str, pin: str) -> str:
        page = self._window.page
        self._window.goto(BADGE_PAGE)
        if page.locator('[data-step="pin"]').count():
            page.locator(f'form[action="{BADGE_PAGE}"] button').click()
        page.locator('[data-step="scan"]').wait_for()
        # As a scanner does: keys without a pause, wherever the keyboard is, and Enter.
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        page.locator('[data-step="pin"], [data-step] .problem').first.wait_for()
        if page.locator('[data-step="pin"]').count():
            self._window.check("pin")
            for digit in pin:
                page.locator(f'[data-keypad] [data-key="{digit}"]').click()
            page.locator('[data-keypad] button[type="submit"]').click()
            page.locator("form.change, [data-step] .problem").first.wait_for()
        self._window.forgive(*REFUSED)
        if problem := self._window.all("[data-step] .problem"):
            self._window.check()
            raise refusal_of(problem[0])
        return self._window.cookie(SESSION_COOKIE)

    def who(self) -> str:
        self._window.goto("/mes/")
        return self._window.all(".person > summary")[0]["text"].strip()

    def close(self) -> None:
        self._window.close()


def make_workstation(window: Window, backstage: Backstage, name: str) -> None:
    """The administrator signs in at a window, makes it a workstation and leaves; it waits for a badge."""
    window.sign_in(email=ADMINISTRATOR, password=backstage.address.demo_password)
    window.goto("/people/workstations")
    page = window.page
    page.locator('form[action="/people/workstations"] [name="name"]').fill(name)
    page.locator('form[action="/people/workstations"] button').click()
    page.locator(f'[data-workstation="{name}"]').wait_for()
    window.check()
    page.locator(".person > summary").click()
    page.locator('form[action="/sign-out"] button').click()
    page.locator('[data-step="scan"]').wait_for()


def refusal_of(problem: dict[str, str]) -> Refusal:
    """What a page says that it refuses."""
    return Refusal("signing in by badge", 403, {"code": problem["data-code"], "detail": problem["text"]})


def bench_of(world: World) -> Bench:
    """A workstation of the scenario's own, by the API or by the pages, whichever this run is about."""
    name = f"Bench {world.unique}"
    browser = world.backstage.browser
    return HttpBench(world.backstage, name) if browser is None else BrowserBench(browser, world.backstage, name)


def try_elsewhere(world: World, code: str, pin: str) -> None:
    """Tries a badge where nobody registered a workstation. Raises Refusal."""
    browser = world.backstage.browser
    if browser is None:
        world.stranger.ask("POST", f"{IDENTITY}/sessions/badge", json={"code": code, "pin": pin})
        return
    window = browser.window()
    try:
        window.goto(BADGE_PAGE, expect=403)
        raise refusal_of(window.all("[data-step] .problem")[0])
    finally:
        window.close()


def choose_pin(world: World, door: Door, *, email: str, password: str, pin: str) -> None:
    """Somebody who signed in with the password chooses the own PIN. Raises Refusal."""
    browser = world.backstage.browser
    if browser is None:
        door.ask("PUT", f"{IDENTITY}/me/pin", json={"pin": pin})
        return
    window = browser.window()
    try:
        window.sign_in(email=email, password=password)
        window.goto("/sign-in/pin")
        for field in ("pin", "again"):
            window.page.locator(f'[name="{field}"]').fill(pin)
        window.page.locator('form[action="/sign-in/pin"] button').click()
        window.page.locator("[data-done], .problem").first.wait_for()
        window.forgive(*REFUSED)
        if problem := window.all("main .problem"):
            raise refusal_of(problem[0])
        window.check()
    finally:
        window.close()
