"""Where somebody who has forgotten the password gets in again: by the API or by the pages, in the same words."""

from __future__ import annotations

from typing import Protocol

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door, Refusal
from step_defs.dsl.person import Person

IDENTITY = "/api/identity/v1"
FORGOTTEN = "/sign-in/forgotten"


class AccountDesk(Protocol):
    """What somebody without a password can do."""

    def asks(self, email: str) -> None:
        """Asks for a letter. Raises Refusal."""

    def resets(self, link: str, password: str) -> None:
        """Chooses another password by the letter's link. Raises Refusal."""

    def close(self) -> None:
        """Leaves."""


class HttpAccountDesk:
    """By the API."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def asks(self, email: str) -> None:
        self._door.post(f"{IDENTITY}/password-resets", {"email": email})

    def resets(self, link: str, password: str) -> None:
        token = link.rsplit("/", 1)[-1]
        self._door.ask("PUT", f"{IDENTITY}/password-resets/{token}", json={"password": password})

    def close(self) -> None:
        """The door is everybody's."""


class BrowserAccountDesk:
    """By the pages, in a window in which nobody is signed in."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def asks(self, email: str) -> None:
        self._window.goto("/sign-in")
        page = self._window.page
        with page.expect_navigation():
            page.locator(f'a[href="{FORGOTTEN}"]').click()
        self._window.check()
        page.locator(f'form[action="{FORGOTTEN}"] [name="email"]').fill(email)
        with page.expect_navigation():
            page.locator(f'form[action="{FORGOTTEN}"] button').click()
        self._refused("asking for a letter")
        self._window.check("asked")
        assert self._window.all("[data-asked]"), "the page does not say that a letter is on its way"

    def resets(self, link: str, password: str) -> None:
        self._window.open(link)
        self._refused(link.rsplit("/", 1)[0])
        self._window.check()
        page = self._window.page
        page.locator('form[data-reset] [name="password"]').fill(password)
        with page.expect_navigation():
            page.locator("form[data-reset] button").click()
        self._refused("another password")
        self._window.check()

    def close(self) -> None:
        self._window.close()

    def _refused(self, what: str) -> None:
        problem = self._window.all(".problem[data-code]")
        if problem:
            # The page's status says so too, and the browser reports that as a fault.
            self._window.forgive("status of 4")
            raise Refusal(what, 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})


def account_desk_of(person: Person) -> AccountDesk:
    """A place without a session, wherever this run is about."""
    browser = person.world.backstage.browser
    return HttpAccountDesk(person.world.stranger) if browser is None else BrowserAccountDesk(browser.window())
