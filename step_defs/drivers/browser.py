"""The browser driver: one Chromium per process, one window per person, on the pages as people meet them.

Every page that is opened is held to what all pages promise: no error in the console, no script that fails, nothing missing, and,
once per kind of page, language and process, no violation of the accessibility rules (axe-core).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, partial
from operator import lt
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Response,
    sync_playwright,
)

from step_defs.drivers.address import ROOT, SystemAddress
from step_defs.drivers.http import RING_HEADER
from step_defs.drivers.waiting import eventually
from tools.prepare import browser

ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")
# Drawn by the processor, a model takes it whole: only who looks at pictures has models drawn. Elsewhere the page says that it cannot.
DRAWING = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NOT_DRAWING = ("--disable-3d-apis", "--disable-gpu")
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TIMEOUT_MS = 15_000
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
UNIQUE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
# A container that starts or ends gives this machine a network card more or less, and Chromium drops what is on its way.
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
SAID_OF_IT = ("htmx:sendError", "htmx:afterRequest")
ERROR_PAGE = "chrome-error://"
NETWORK_CHANGES_MAX = 5
PAGES_MAX = 40


class Chromium:
    """A running browser: Debian's, or Playwright's own when there is none. `draws_models`: with WebGL."""

    def __init__(self, address: SystemAddress, *, draws_models: bool = False) -> None:
        self.address = address
        self.looked_at: set[str] = set()
        self.windows_opened = 0
        self._playwright: Playwright = sync_playwright().start()
        # Playwright's own is looked for by Playwright when this machine has none.
        self._browser: Browser = self._playwright.chromium.launch(
            executable_path=browser.find(), args=[*ARGUMENTS, *(DRAWING if draws_models else NOT_DRAWING)]
        )

    def window(self, *, language: str = "ru", viewport: dict[str, int] | None = None, scheme: str = "light") -> Window:
        """A window of somebody's own: no cookie is shared with anybody."""
        self.windows_opened += 1
        headers = {RING_HEADER: self.address.ring} if self.address.ring else {}
        context = self._browser.new_context(
            base_url=self.address.url,
            # The development CA is not in the browser's own store; what the judges speak by HTTP does check it.
            ignore_https_errors=True,
            locale={"ru": "ru-RU", "en": "en-GB"}[language],
            viewport=viewport or DESKTOP,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            extra_http_headers=headers,
            reduced_motion="reduce",
        )
        context.set_default_timeout(TIMEOUT_MS)
        return Window(self, context)

    def close(self) -> None:
        """Ends the browser."""
        self._browser.close()
        self._playwright.stop()


class Window:
    """One person's window. What goes wrong in it is kept in `faults`, and raised when it is closed or moved on."""

    def __init__(self, chromium: Chromium, context: BrowserContext) -> None:
        self._browser = chromium
        self._context = context
        self.faults: list[str] = []
        self.page: Page = context.new_page()
        self._listen(self.page)

    def _listen(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.faults.append(f"a script failed: {error}"))
        page.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.request.method} {response.url}: {response.status}")

    def goto(self, path: str, *, expect: int = 200) -> None:
        """Opens an address. Raises AssertionError unless it answers as expected, and for faults of the page."""
        answer = self._open(path)
        if expect >= 400:
            # The page that was asked for: the browser reports its status as a fault, and it is what was wanted.
            self.faults[:] = [fault for fault in self.faults if f"status of {expect}" not in fault]
        assert answer is not None and answer.status == expect, (
            f"{path} answered {answer.status if answer else 'nothing'}"
        )
        self.check()

    def open(self, path: str) -> None:
        """Opens an address, whatever it answers: what is shown there tells."""
        self._open(path)

    def _open(self, path: str) -> Response | None:
        for _ in range(NETWORK_CHANGES_MAX):
            try:
                return self.page.goto(path)
            except Error as error:
                if NETWORK_CHANGED not in error.message and ERROR_PAGE not in error.message:
                    raise
        return self.page.goto(path)

    def another(self, path: str) -> Window:
        """A second tab with the same session."""
        tab = Window(self._browser, self._context)
        tab.faults = self.faults
        tab.goto(path)
        return tab

    def sign_in(self, *, email: str, password: str) -> None:
        """Through the form; ends where the system leads."""
        self.goto("/sign-in")
        self.page.locator('[name="email"]').fill(email)
        self.page.locator('[name="password"]').fill(password)
        self.page.locator('form[action="/sign-in"] button').click()
        self.page.wait_for_load_state()

    def cookie(self, name: str) -> str:
        """What the window holds under this name. Raises StopIteration when it holds nothing."""
        return next(cookie["value"] for cookie in self._context.cookies() if cookie["name"] == name)

    def forgets(self, name: str) -> None:
        """Drops the cookie of this name, as a browser does when its time is over."""
        self._context.clear_cookies(name=name)

    def all(self, selector: str) -> list[dict[str, str]]:
        """Attributes (and `text`) of everything that matches now, in one look."""
        found: list[dict[str, str]] = self.page.evaluate(_ATTRIBUTES, selector)
        return found

    def pages_of(self, rows: str, *, more: str) -> Iterator[None]:
        """A list as it grows: once for what is loaded, then once for each further page, to its end.

        `rows` and `more` are selectors: of what the list holds, and of the link that loads the next page. Raises AssertionError for a
        list without an end.
        """
        found, link = self.page.locator(rows), self.page.locator(more)
        for _ in range(PAGES_MAX):
            seen = found.count()
            yield
            if not link.count():
                return
            link.first.scroll_into_view_if_needed()
            eventually(found.count, partial(lt, seen), what=f"more of {rows}")
        raise AssertionError(f"{self.page.url} has more than {PAGES_MAX} pages of {rows}")

    def check(self, part: str = "") -> None:
        """Raises AssertionError for faults so far, and for what axe finds on a kind of page that was not looked at yet.

        An address whose page looks quite different at times is a kind of its own for each `part`.
        """
        kind = f"{UNIQUE.sub('*', self.page.url).partition('?')[0]} {self.page.evaluate('document.documentElement.lang')} {part}"
        if kind not in self._browser.looked_at:
            self._browser.looked_at.add(kind)
            self.faults += violations(self.page)
        faults = self._take_faults()
        assert not faults, f"{self.page.url} has faults:\n" + "\n".join(faults)

    def forgive(self, *words: str) -> None:
        """Drops the faults that hold one of these words: a scenario broke something, and the page could not but notice."""
        self.faults[:] = [fault for fault in self.faults if not any(word in fault for word in words)]

    def _take_faults(self) -> list[str]:
        """The faults so far. What the machine itself cut off is none of the page's, nor what the page says of that."""
        faults, self.faults[:] = list(self.faults), []
        if any(NETWORK_CHANGED in fault for fault in faults):
            faults = [fault for fault in faults if not any(word in fault for word in (NETWORK_CHANGED, *SAID_OF_IT))]
        return faults

    def close(self) -> None:
        """Ends the window. Raises AssertionError for faults since the last look."""
        faults = self._take_faults()
        self._context.close()
        assert not faults, "the pages had faults:\n" + "\n".join(faults)


_ATTRIBUTES = """selector => [...document.querySelectorAll(selector)].map(element => ({
  ...Object.fromEntries([...element.attributes].map(attribute => [attribute.name, attribute.value])),
  text: element.innerText,
}))"""


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


def violations(page: Page) -> Sequence[str]:
    """What axe-core finds: each rule with the elements that break it."""
    # Evaluated by the debugger, which the page's own policy does not bind.
    page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"axe {one['id']}: {one['help']}: " + "; ".join(str(node["target"]) for node in one["nodes"][:5])
        for one in found
    ]
