"""The board on a slow phone: Chromium behind a "slow 4G" line, its processor slowed down four times, nothing kept from before.

Usable means: the first rows are painted, and the scripts that make them answer have run. Weight is what crossed the line for the page
and its files, compressed as it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from perf.bars import Bar, Findings
from perf.first_page import PATH, NotMeasured
from perf.system import Target, percentile
from perf.weighing import weigh
from tools.prepare import browser

# As Chromium's developer tools define "Slow 4G": 1.6 Mbit/s down and 750 kbit/s up, of which nine tenths arrive; 150 ms x 3.75.
SLOW_4G = {
    "offline": False,
    "latency": 562.5,
    "downloadThroughput": 1.6 * 1024 * 1024 / 8 * 0.9,
    "uploadThroughput": 750 * 1024 / 8 * 0.9,
}
CPU_SLOWER = 4
VIEWPORT: ViewportSize = {"width": 390, "height": 844}
USABLE_MS = 3000.0
WEIGHT_KB = 150.0
LOAD_MS_MAX = 30_000
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")
COOKIE = "__Host-session"


@dataclass(frozen=True, slots=True)
class PhoneLoad:
    """One page on the phone."""

    painted_ms: float
    scripts_ms: float
    bytes_sent: int
    rows: int

    @property
    def usable_ms(self) -> float:
        """From the press to a board that answers."""
        return max(self.painted_ms, self.scripts_ms)


def loads(target: Target, token: str, *, count: int) -> list[PhoneLoad]:
    """The page so many times, each in a browser profile of its own. Raises NotMeasured for a page without rows."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=list(ARGUMENTS))
        try:
            return [_load(_profile(chromium, target), target, token) for _ in range(count)]
        finally:
            chromium.close()


def _profile(chromium: Browser, target: Target) -> BrowserContext:
    return chromium.new_context(
        base_url=target.url,
        viewport=VIEWPORT,
        is_mobile=True,
        has_touch=True,
        # The development CA is not in the browser's own store; the figures are of the page.
        ignore_https_errors=True,
    )


def _load(context: BrowserContext, target: Target, token: str) -> PhoneLoad:
    try:
        context.add_cookies(
            [{"name": COOKIE, "value": token, "url": target.url, "secure": True, "httpOnly": True, "sameSite": "Lax"}]
        )
        page = context.new_page()
        session = context.new_cdp_session(page)
        weight = weigh(session)
        session.send("Network.emulateNetworkConditions", SLOW_4G)
        session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWER})
        page.goto(PATH, timeout=LOAD_MS_MAX, wait_until="load")
        page.wait_for_selector("#board > .row", timeout=LOAD_MS_MAX)
        return _told(page, weight.without())
    finally:
        context.close()


def _told(page: Page, bytes_sent: int) -> PhoneLoad:
    painted, scripts, rows = page.evaluate(
        """() => [
          performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
          performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
          document.querySelectorAll("#board > .row").length,
        ]"""
    )
    if painted is None or not rows:
        raise NotMeasured("the phone shows no row of the board")
    return PhoneLoad(float(painted), float(scripts), bytes_sent, int(rows))


def judged(seen: Sequence[PhoneLoad]) -> Findings:
    """What the loads mean: the slowest of them counts, and the heaviest."""
    usable = percentile([load.usable_ms for load in seen], 0.95)
    weight = max(load.bytes_sent for load in seen) / 1024
    told = f"painted after {max(load.painted_ms for load in seen):.0f} ms, {len(seen)} loads of {seen[0].rows} rows"
    bars = [
        Bar("the board on a slow phone, usable after", usable, "<", USABLE_MS, "ms", told),
        Bar("the board's weight on the line", weight, "<", WEIGHT_KB, "KB"),
    ]
    return Findings({"phone_ms": usable, "phone_kb": weight}, bars)
